// Package schema is the configuration of aimux: what a user may write, what it
// means, and everything that happens to it before a gateway is built from it.
//
// The configuration pipeline has six named stages, the first five of which are
// here:
//
//	load      defaults, then the file (.toon, .json, .yaml), then overrides.toon,
//	          then AIMUX_* environment variables
//	merge     field by field; rows of keys and models by what identifies them
//	upgrade   documents of an older version are lifted step by step
//	validate  JSON Schema (aimux.schema.json), then the rules a schema cannot say
//	resolve   what was left out is filled in; secrets stay references
//	compile   an immutable gateway, built elsewhere from *Config
//
// [Load] reads a file and is what adapting a Caddyfile and `aimux config` call;
// [FromJSON] reads the document embedded in Caddy's JSON and is what provisioning
// calls. Both report all problems at once as [Problems]: each with file, line,
// column, JSON pointer, what was found and what would be right. No problem,
// warning or printed configuration ever contains a secret.
//
// A [Config] is never changed after it was handed out and may be read by any
// number of goroutines.
package schema
