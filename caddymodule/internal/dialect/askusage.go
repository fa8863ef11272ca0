package dialect

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/tidwall/gjson"
)

// AskUsage adds stream_options.include_usage to a Chat request that streams
// and does not ask for usage, so that its tokens can be counted. asked says
// that it did: the chunk with nothing but usage (Inspection.UsageOnly) is then
// not for the client, which may not expect a chunk without choices. Everything
// else stays byte-identical. body must be one valid JSON object.
func AskUsage(body []byte) (edited []byte, asked bool) {
	root := gjson.Parse(wire.View(body))
	options := root.Get("stream_options")
	include := options.Get("include_usage")
	if !root.Get("stream").Bool() || include.Bool() {
		return body, false
	}
	s := wire.NewSplice(body)
	switch {
	case include.Exists():
		s.Replace(include.Raw, "true")
	case options.IsObject() && len(gjson.Get(options.Raw, "@keys.0").Raw) > 0:
		s.Replace(options.Raw[:1], `{"include_usage":true,`)
	case options.Exists():
		s.Replace(options.Raw, `{"include_usage":true}`)
	default:
		s.Replace(root.Raw[:1], `{"stream_options":{"include_usage":true},`)
	}
	return s.Bytes(), true
}
