// Package dialect declares what a wire format has to offer, and what all of
// them need: the register, errors, parameter policies, tool names and ids.
//
// Each dialect lives in a folder of its own below this one and has a New
// function; whoever assembles the process hands the dialects it wants to
// NewSet. Nothing registers itself. A dialect is asked for two kinds of things: little things about bytes
// that pass through unchanged (Inspect, CheckResponse, the error forms), and
// whole translations to and from the vocabulary of package llm.
package dialect

import (
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// Dialect is one wire format. Implementations hold no state and are safe for
// concurrent use; what a single exchange needs is in the values its
// New… methods return.
type Dialect interface {
	// Name is the dialect's name.
	Name() llm.Dialect

	// Inspect says what one event of a stream is, without decoding more of it
	// than that takes.
	Inspect(ev *sse.Event) Inspection
	// CheckResponse looks at a complete non-stream answer that came with
	// status 200, and reads its usage. The error is nil if body is a whole
	// answer of this dialect; an *llm.Error if the provider reported a failure
	// in it; any other if it is not an answer at all (HTML, cut JSON, no
	// content).
	CheckResponse(body []byte) (llm.Usage, error)

	// DecodeError reads a provider's error answer. It never fails: what it
	// cannot read becomes the message.
	DecodeError(status int, header http.Header, body []byte) *llm.Error
	// EncodeError gives e the wire form for an answer not yet begun: the
	// status, the headers the dialect's SDKs act on (content-type,
	// retry-after, x-should-retry, request id) and the body.
	EncodeError(e *llm.Error) (status int, header http.Header, body []byte)
	// AppendStreamError appends the event that reports e in a stream already
	// begun. After it the stream is closed.
	AppendStreamError(dst []byte, e *llm.Error) []byte
	// AppendPing appends an event that keeps a silent stream alive and that
	// every client of the dialect ignores.
	AppendPing(dst []byte) []byte

	Codec
}

// Codec translates between the wire form and package llm.
type Codec interface {
	// DecodeRequest reads a client's request. The result may point into body.
	// The error, if any, is an *llm.Error that names the field at fault. An
	// error of whichever method holds copies only: it outlives what was read.
	DecodeRequest(body []byte) (*llm.Request, error)
	// EncodeRequest writes r for a target, within the limits t states. It
	// returns what had to be left out; an *llm.Error if r cannot be said in
	// this dialect at all. Nothing returned points into r or its body.
	EncodeRequest(r *llm.Request, t *Target) (body []byte, dropped []string, err error)
	// DecodeResponse reads a complete answer. The result may point into body.
	DecodeResponse(body []byte) (*llm.Response, error)
	// EncodeResponse writes a complete answer for the client that sent r.
	EncodeResponse(a *llm.Response, r *llm.Request) ([]byte, error)
	// NewStreamDecoder returns a decoder for one streamed answer.
	NewStreamDecoder() StreamDecoder
	// NewStreamEncoder returns an encoder for one streamed answer to the
	// client that sent r.
	NewStreamEncoder(r *llm.Request) StreamEncoder
}

// Target is what EncodeRequest has to know about where the request goes.
type Target struct {
	Provider string // name of the provider in the configuration
	Vendor   string // kind in the catalogue: "cerebras", "zai", …
	Model    string // the model id to ask for
	Policy   *Policy
}

// StreamDecoder turns the events of one stream into llm events.
type StreamDecoder interface {
	// Decode appends to dst what ev means and returns dst. The text of the
	// appended events may share memory with ev: it is to be used before the
	// sse.Reader moves on. What the decoder itself keeps, it copies. A failure that the
	// provider reported is an llm.EventError; err is for a stream that breaks
	// the dialect's rules beyond repair.
	Decode(dst []llm.Event, ev *sse.Event) ([]llm.Event, error)
	// Close appends what is due at the end of the stream and says whether it
	// ended as the dialect demands. A stream that did not yields an EventError.
	Close(dst []llm.Event) []llm.Event
}

// StreamEncoder writes llm events as the bytes of one stream.
type StreamEncoder interface {
	// Encode appends the wire form of ev to dst and returns dst.
	Encode(dst []byte, ev *llm.Event) []byte
}

// Inspection is what Inspect found out about an event.
type Inspection struct {
	Kind EventKind
	// Err is set with EventError.
	Err *llm.Error
	// Usage is set if the event stated usage.
	Usage *llm.Usage
	// UsageOnly says that the event has nothing but usage in it: the chunk a
	// Chat client gets only if it asked (stream_options.include_usage).
	UsageOnly bool
	// Finished says that the event states why the model stopped: a stream that
	// ends after it is whole even if its terminal event never comes.
	Finished bool
}

// EventKind is what an event means for the commit point and the end of a stream.
type EventKind uint8

// The kinds of events. Until the first EventContent or EventTerminal an
// exchange may still fail over.
const (
	EventPing     EventKind = iota // comments, pings, keep-alives: nothing happened
	EventPreamble                  // message_start, role chunk, response.created: handshake without content
	EventContent                   // text, thinking, tool call, refusal: the client got something
	EventTerminal                  // the event that ends a whole stream
	EventError                     // the provider reports a failure
	EventOther                     // unknown, or bookkeeping after content; passed along
)
