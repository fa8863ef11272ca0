// Package llm is the vocabulary the rest of aimux shares: what a request to a
// language model, its answer, its stream and its failure are, apart from the
// wire format (the dialect) they arrived in.
//
// It holds data only. A dialect decodes its wire form into these types and
// encodes them back, so N dialects need N codecs instead of N×N. Everything
// aimux acts on has a typed field; what it does not understand travels along
// untouched in Extra, tagged with the dialect it came from, and is written
// back only to an upstream of that same dialect.
package llm

import "encoding/json"

// Dialect names a wire format.
type Dialect string

// The dialects aimux speaks, on the client's side and on the provider's.
const (
	Anthropic Dialect = "anthropic" // Anthropic Messages, POST /v1/messages
	OpenAI    Dialect = "openai"    // OpenAI Chat Completions, POST /v1/chat/completions
	Responses Dialect = "responses" // OpenAI Responses, POST /v1/responses
)

// A Field is one member of a JSON object that aimux carries along unread:
// its key and its value exactly as it stood on the wire.
type Field struct {
	Key   string
	Value json.RawMessage
}

// Extra holds the unknown members of a JSON object in the order they came,
// and the dialect whose wire form they belong to.
type Extra struct {
	From   Dialect
	Fields []Field
}
