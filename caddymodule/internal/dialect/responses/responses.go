// Package responses speaks OpenAI Responses, the dialect of Codex.
//
// A conversation is a list of items, not of messages: calls, their outputs and
// the model's reasoning stand beside the messages. The decoder gathers what
// belongs to one turn of the model into one llm.Message and remembers each
// item's own members, so that it can be written back as it was; the encoder
// takes a turn apart into items again.
//
// Two things only this dialect has are taken apart for other upstreams: tools
// that take raw text (custom tools) are offered as functions with one string
// argument, and tools in a namespace get qualified names. The encoder of an
// answer is given the client's request, knows from it which calls those were,
// and puts them together again.
//
// A stream numbers its events, so everything added to it has to be counted:
// the stream encoder's keep-alive is the keepalive event OpenAI itself sends.
// AppendPing, which does not know the count, appends a comment.
package responses

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Responses is the dialect. It holds no state; the zero value is ready for use.
type Responses struct {
	// Now is the clock of created_at, where the provider states no time.
	// nil: time.Now.
	Now func() time.Time
}

// New returns the dialect.
func New() dialect.Dialect { return Responses{} }

// Name returns llm.Responses.
func (Responses) Name() llm.Dialect { return llm.Responses }

// now is the time in Unix seconds.
func (d Responses) now() int64 {
	if d.Now == nil {
		return time.Now().Unix()
	}
	return d.Now().Unix()
}

var _ dialect.Dialect = Responses{}
