package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// body is a request body in a pooled buffer. The exchange holds it, and so does
// every attempt whose transport has not closed its reader: a transport may go
// on reading a request after its answer has begun, and a buffer given back too
// soon would send one client's prompt in another's name.
type body struct {
	buf  *bytes.Buffer
	refs atomic.Int32
}

// buffers keeps request buffers for reuse. One that grew beyond keepBuffer is
// left to the collector.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keepBuffer = 1 << 20

func newBody() *body {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	return holding(buf)
}

// holding returns a body with one reference, its maker's.
func holding(buf *bytes.Buffer) *body {
	b := &body{buf: buf}
	b.refs.Store(1)
	return b
}

func (b *body) bytes() []byte { return b.buf.Bytes() }

// release gives up a reference; with the last one the buffer is free.
func (b *body) release() {
	if b.refs.Add(-1) == 0 && b.buf.Cap() <= keepBuffer {
		buffers.Put(b.buf)
	}
}

// lend returns r, which reads from the body, as a reader that holds a reference
// until it is closed.
func (b *body) lend(r io.Reader) io.ReadCloser {
	b.refs.Add(1)
	return &loan{Reader: r, release: sync.OnceFunc(b.release)}
}

type loan struct {
	io.Reader
	release func()
}

// Close ends the loan. Later calls do nothing.
func (l *loan) Close() error {
	l.release()
	return nil
}

// checkHeader bounds what a request says before its body.
func checkHeader(h http.Header, limit int) *llm.Error {
	size := 0
	for name, values := range h {
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	if size <= limit {
		return nil
	}
	return &llm.Error{Type: llm.ErrTooLarge, Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the request headers are larger than %d bytes (limits.header_bytes)", limit)}
}

// accept reads the body, once and whole, within the limits.
func (x *Exchange) accept() *llm.Error {
	limits := &x.gateway.Limits
	if e := checkHeader(x.request.Header, limits.Header); e != nil {
		return x.refused(CeilingHeader, e)
	}
	if e := checkType(x.request.Header); e != nil {
		return e
	}
	if x.request.ContentLength > limits.Body {
		return x.refused(CeilingBody, tooLarge(limits.Body))
	}
	x.body = newBody()
	if n := x.request.ContentLength; n > 0 {
		x.body.buf.Grow(int(min(n+bytes.MinRead, keepBuffer)))
	}
	in := &patient{r: x.request.Body, left: limits.Body + 1, control: &x.send.control, idle: limits.BodyIdle, end: time.Now().Add(limits.BodyTotal)}
	n, err := x.body.buf.ReadFrom(in)
	in.done()
	x.gateway.Traffic.pressure.arrived(&x.memory)
	switch {
	case err != nil:
		return x.unread(err)
	case n > limits.Body:
		return x.refused(CeilingBody, tooLarge(limits.Body))
	}
	return nil
}

// checkType refuses bodies that are declared to be something else than plain
// JSON. A missing content type is taken for JSON.
func checkType(h http.Header) *llm.Error {
	if enc := h.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return &llm.Error{Type: llm.ErrMediaType, Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("content-encoding %q is not accepted; send the body uncompressed", clip(enc, 40))}
	}
	value := h.Get("Content-Type")
	if value == "" || value == "application/json" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(value)
	if err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) {
		return nil
	}
	return &llm.Error{Type: llm.ErrMediaType, Status: http.StatusUnsupportedMediaType,
		Message: fmt.Sprintf("content-type %q is not accepted; send content-type: application/json", clip(value, 80))}
}

func tooLarge(limit int64) *llm.Error {
	return &llm.Error{Type: llm.ErrTooLarge, Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the request body is larger than %d bytes (limits.body)", limit)}
}

// unread says why a body did not arrive.
func (x *Exchange) unread(err error) *llm.Error {
	var caddyLimit *http.MaxBytesError
	switch {
	case errors.As(err, &caddyLimit):
		return x.refused(CeilingBody, tooLarge(caddyLimit.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded) && !x.interrupted():
		// The server cancels the context of a request whose body it cannot read.
		return x.refused(CeilingBodyTime, &llm.Error{Type: llm.ErrTimeoutBody, Status: http.StatusRequestTimeout,
			Message: "the request body did not arrive in time"})
	case x.ctx.Err() != nil:
		return over(x.calledOff())
	}
	return &llm.Error{Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest,
		Message: "the request body did not arrive whole"}
}

// refused counts a refusal.
func (x *Exchange) refused(c Ceiling, e *llm.Error) *llm.Error {
	x.gateway.Traffic.Refusals.add(c)
	return e
}

func canceled() *llm.Error {
	return &llm.Error{Class: llm.ClassCanceled, Message: "the client went away"}
}

// patient reads the beginning of a body, with a deadline for every read and one
// for all of it.
type patient struct {
	r       io.Reader
	left    int64 // bytes to read at the most
	control *http.ResponseController
	idle    time.Duration
	end     time.Time
	renew   time.Time // when the deadline has to be set anew
}

// Read reads within the nearer of the two deadlines. A connection without
// deadlines (a test's recorder) is read without. Deadlines cost more than small
// reads do: one is set a quarter late, and serves the reads of that time.
func (p *patient) Read(b []byte) (int, error) {
	if now := time.Now(); !now.Before(p.renew) {
		p.renew = now.Add(p.idle / 4)
		deadline := p.renew.Add(p.idle)
		if deadline.After(p.end) {
			deadline = p.end
		}
		_ = p.control.SetReadDeadline(deadline)
	}
	if p.left <= 0 {
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}

func (p *patient) done() { _ = p.control.SetReadDeadline(time.Time{}) }
