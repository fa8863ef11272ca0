// Package sse reads and writes text/event-stream as the WHATWG HTML standard
// defines it (section 9.2, server-sent events).
//
// The Reader is a grammar, not a line splitter: CR, LF and CRLF end lines and
// may be cut anywhere between two reads, data may span several lines, comments
// and unknown fields are legal, a leading byte order mark is skipped. It keeps
// the exact bytes of each event beside the parsed form, so that a stream which
// is only passed through is never re-encoded.
package sse

// Event is one dispatched event, or a block of comments.
//
// The slices point into the Reader's buffer and are valid until its next call
// to Next.
type Event struct {
	// Type is the value of the event field; empty means "message".
	Type []byte
	// Data is the data lines joined by LF, without a trailing one.
	Data []byte
	// ID is the value of the id field, if this event set one.
	ID []byte
	// Raw is every byte of the event as it came, the blank line that ended it
	// included. The Raws of all events, one after another, are the stream
	// (a leading byte order mark left out).
	Raw []byte
	// Comment says that the block held no data: comments, or fields without
	// effect (a keep-alive).
	Comment bool
	// Unterminated says that the stream ended before the blank line. The
	// standard discards such an event; aimux accepts it if it is the
	// dialect's terminal event.
	Unterminated bool
}
