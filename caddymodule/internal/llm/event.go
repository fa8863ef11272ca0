package llm

// Event is one step of a streamed answer. A stream is: Start, then for each
// block BlockStart, deltas, BlockStop, one block at a time with Index counting
// from 0, then Finish; or an Error at any point, which ends it. Ping may come
// anywhere.
type Event struct {
	Type  EventType
	Index int // of the block, for the block events
	// Response carries id, model and early usage with EventStart.
	Response *Response
	// Block carries kind, call id and name with EventBlockStart, and the
	// whole block with EventBlockStop if the decoder knows it.
	Block *Block
	// Text is the delta of text, thinking, refusal, tool input (partial JSON,
	// or raw text of a custom call).
	Text string
	// Signature comes with EventSignature.
	Signature string
	// Stop, StopText and Usage come with EventFinish.
	Stop     StopReason
	StopText string
	Usage    *Usage
	Err      *Error // with EventError
}

// EventType is the type of an Event.
type EventType uint8

// The types of stream events.
const (
	EventPing EventType = iota
	EventStart
	EventBlockStart
	EventDelta
	EventSignature
	EventBlockStop
	EventFinish
	EventError
)
