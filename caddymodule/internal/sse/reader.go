package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// DefaultMaxEvent is the size cap of one event, in bytes, if Options states
// none. A vendor's terminal event repeats the whole answer, pictures included,
// so the cap is far above a typical event.
const DefaultMaxEvent = 8 << 20

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("sse: reader is closed")

// TooLargeError says that an event was longer than the Reader's cap. The
// stream cannot be read any further.
type TooLargeError struct {
	Limit int // bytes
}

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("sse: event is longer than %d bytes", e.Limit)
}

// Options adjusts a Reader. The zero value is ready for use.
type Options struct {
	// MaxEvent is the longest event taken, in bytes of Raw. Default: DefaultMaxEvent.
	MaxEvent int
}

// Reader cuts a stream into events. It is for one goroutine. It reads only
// when it holds no complete event, and never asks for more than the event
// needs: an event is returned as soon as its blank line has arrived.
type Reader struct {
	src io.Reader
	max int
	err error // what ended the stream; kept for every later call

	buffer
	start int // first byte of the event being read
	pos   int // first byte of the line being read

	lf, lfSeen, crSeen int // see lineEnd

	begun  bool // the place of the byte order mark has been passed
	skipLF bool // the last line ended with CR; an LF here belongs to it

	block  block
	joined []byte // data of events with more than one data line
	event  Event
}

// NewReader returns a Reader of r. Close it to give its buffer back.
func NewReader(r io.Reader, o Options) *Reader {
	if o.MaxEvent <= 0 {
		o.MaxEvent = DefaultMaxEvent
	}
	return &Reader{src: r, max: o.MaxEvent, lf: -1}
}

// Next returns the next event, which is valid until the next call of Next or
// Close. After the last one the error is io.EOF; a *TooLargeError if an event
// exceeds the cap; otherwise what the source reported. Every error is final.
//
// A CR ends a line at once, so when a read ends between the CR and the LF of
// the line end after an event, that LF is the first byte of the next event's
// Raw (or, at the end of the stream, a comment of its own).
func (r *Reader) Next() (*Event, error) {
	r.begin()
	for r.err == nil {
		if r.parse() {
			return r.finish(false)
		}
		if r.end-r.start > r.max {
			return nil, r.fail(&TooLargeError{Limit: r.max})
		}
		r.fill()
	}
	if r.err == io.EOF && r.start < r.end {
		return r.last()
	}
	return nil, r.err
}

// Buffered returns how many bytes have been read from the source and not yet
// returned in an event.
func (r *Reader) Buffered() int { return r.end - r.start }

// Ready reports whether a whole event is buffered, so that Next will return
// without reading from the source.
func (r *Reader) Ready() bool {
	rest := r.buf[r.start:r.end]
	for _, blank := range blankLines {
		if bytes.Contains(rest, blank) {
			return true
		}
	}
	return false
}

// blankLines are the ends of a line with an empty line after it. A mixture that
// is not among them only makes Ready say no.
var blankLines = [...][]byte{[]byte("\n\n"), []byte("\n\r\n"), []byte("\r\r")}

// Close gives the buffer back; events returned earlier become invalid. It does
// not close the source. Later calls do nothing.
func (r *Reader) Close() {
	r.err = ErrClosed
	r.event = Event{}
	r.block = block{}
	r.start, r.pos = 0, 0
	r.release()
}

// begin forgets the last event. When nothing else is buffered the buffer is
// used from its beginning again, and an overgrown one is exchanged.
func (r *Reader) begin() {
	r.block.reset()
	r.joined = r.joined[:0]
	if r.start < r.end || r.err != nil {
		return
	}
	r.start, r.pos, r.lf, r.lfSeen, r.crSeen = 0, 0, -1, 0, 0
	r.drained()
	if cap(r.joined) > largeBuffer {
		r.joined = nil
	}
}

// fail keeps err as the end of the stream and drops what is buffered.
func (r *Reader) fail(err error) error {
	r.err = err
	r.start, r.pos, r.end = 0, 0, 0
	return err
}

// fill reads once into the free part of the buffer, making room if there is none.
func (r *Reader) fill() {
	if moved := r.room(r.start, r.max); moved > 0 {
		r.start -= moved
		r.pos -= moved
		r.lf -= moved
		r.lfSeen -= moved
		r.crSeen -= moved
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if n > 0 && err != nil {
			// The bytes count first; a source repeats or replaces its error.
			r.src = failed{err}
			return
		}
		if err != nil {
			r.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// failed is a source that has only its error left.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
