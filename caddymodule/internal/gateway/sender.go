package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// sender is the client's side of an exchange. Until it commits, nothing has
// been said and any answer is possible; a stream that stays silent for long is
// begun with pings, which fixes the status but still allows failover.
//
// Pings come from a timer, so a mutex guards the response writer. What each
// event of a stream touches comes first: among a thousand streams an event
// finds nothing of its own in the processor's cache.
type sender struct {
	mu    sync.Mutex
	state sendState
	// owed says that an encoder has numbered events which are not sent yet, so
	// that a ping must not overtake them.
	owed     bool
	kept     bool // the server may hold bytes back
	guard    clientGuard
	w        http.ResponseWriter
	flusher  flusher
	err      error
	bytes    int64
	copyMost int

	header  http.Header
	values  [8]string               // of the header: no field needs a slice of its own
	used    int                     // of values
	control http.ResponseController // of what the server gave
	bare    http.ResponseController // of the innermost writer
	dialect dialect.Dialect
	timer   *time.Timer
	every   time.Duration
	ping    func(dst []byte) []byte
	// panicked is told when a ping panicked.
	panicked func()
	// copied is the beginning of what was sent, up to copyMost bytes.
	copied []byte
}

type sendState uint8

const (
	silent    sendState = iota // nothing was sent
	pinging                    // status 200 and pings; no content
	committed                  // content
	closed
)

// flusher sends what a server has buffered.
type flusher interface{ FlushError() error }

// controlled flushes by a response controller, which finds the writer that can.
type controlled struct{ *http.ResponseController }

// FlushError sends what is buffered.
func (c controlled) FlushError() error { return c.Flush() }

// newSender returns the sender of an answer to w. What is sent goes to direct:
// w, or one of the writers that it wraps.
func newSender(w, direct http.ResponseWriter, d dialect.Dialect) *sender {
	s := &sender{
		w: direct, header: w.Header(), dialect: d,
		control: *http.NewResponseController(w), bare: *http.NewResponseController(innermost(w)),
	}
	var ok bool
	if s.flusher, ok = direct.(flusher); !ok {
		s.flusher = controlled{http.NewResponseController(direct)}
	}
	return s
}

// onStuck says what to do about a client that takes nothing for so long.
func (s *sender) onStuck(limit time.Duration, f func()) { s.guard.limit, s.guard.stuck = limit, f }

// keepAlive pings a stream that has been silent for first, and then after every
// further silence of every.
func (s *sender) keepAlive(first, every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every, s.ping = every, s.dialect.AppendPing
	s.timer = time.AfterFunc(first, s.pulse)
}

func (s *sender) pulse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.survive()
	if s.state == closed || s.err != nil {
		return
	}
	if s.owed {
		s.timer.Reset(s.every)
		return
	}
	if left := s.guard.last + s.every - moment(); s.guard.last != 0 && left > 0 {
		s.timer.Reset(left) // something was sent since the timer was set
		return
	}
	if s.state == silent {
		s.begin()
		s.state = pinging
	}
	s.put(s.ping(nil))
	s.timer.Reset(s.every)
}

// survive keeps a panic of a ping from ending the process: the stream it was
// for can only end.
func (s *sender) survive() {
	if cause := recover(); cause != nil {
		s.err = fmt.Errorf("a ping panicked: %v", cause)
		if s.panicked != nil {
			s.panicked()
		}
	}
}

// begin sends status 200 and the header of a stream.
func (s *sender) begin() {
	s.set("Content-Type", "text/event-stream")
	s.set("Cache-Control", "no-cache")
	s.set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	s.guard.start()
	if s.timer != nil {
		s.timer.Reset(s.every)
	}
}

// beforeCommit calls f unless content has gone to the client.
func (s *sender) beforeCommit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state < committed {
		f()
	}
}

// commit begins a stream, if pings have not. announce sets what the header says
// beside.
func (s *sender) commit(announce func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == silent {
		announce()
		s.begin()
	}
	s.state = committed
}

// alwaysBuffered is the size of an answer that net/http takes without writing to
// the connection: so large is the buffer of an answer's body.
const alwaysBuffered = 2 << 10

// set sets a field of the answer's header; name is in the canonical form. Once
// there are pings, that begin the answer, the caller holds mu.
func (s *sender) set(name, value string) {
	if s.used == len(s.values) {
		s.header[name] = []string{value}
		return
	}
	field := s.values[s.used : s.used+1 : s.used+1]
	field[0] = value
	s.header[name] = field
	s.used++
}

// whole sends an answer that is one JSON document. announce sets what the header
// says beside.
func (s *sender) whole(data []byte, announce func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	announce()
	s.set("Content-Type", "application/json")
	s.set("Content-Length", strconv.Itoa(len(data)))
	s.w.WriteHeader(http.StatusOK)
	if len(data) > alwaysBuffered {
		s.guard.start()
	}
	s.take(data)
	return s.err
}

// pingBy makes ping the source of pings: a stream encoder, which knows what
// number comes next. encoded keeps the two apart. What was encoded before is still
// to be sent.
func (s *sender) pingBy(ping func(dst []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping, s.owed = ping, true
}

// encoded runs f while no ping can be made.
func (s *sender) encoded(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.owed = s.state == committed
}

func (s *sender) committed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state >= committed
}

// write sends b, at once unless more follows at once. After an error it does
// nothing.
func (s *sender) write(b []byte, more bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(b)
	if !more {
		s.flush()
	}
	s.owed = false
	return s.err
}

// put sends b at once.
func (s *sender) put(b []byte) {
	s.take(b)
	s.flush()
}

// take hands b to the server, which may keep it until the next flush.
func (s *sender) take(b []byte) {
	for s.err == nil && len(b) > 0 {
		s.guard.writing()
		n, err := s.w.Write(b[:min(len(b), writeChunk)])
		s.guard.written()
		s.copy(b[:n])
		b = b[n:]
		s.bytes += int64(n)
		s.err, s.kept = err, true
	}
}

func (s *sender) flush() {
	if s.err == nil && s.kept {
		s.guard.writing()
		s.err, s.kept = s.flusher.FlushError(), false
		s.guard.written()
	}
}

// numbered is a dialect whose events have numbers, the one that reports a
// failure too.
type numbered interface {
	AppendStreamErrorAt(dst []byte, e *llm.Error, sequence int) []byte
}

// failAfter is fail for a stream that has had so many events.
func (s *sender) failAfter(e *llm.Error, events int) int {
	d, ok := s.dialect.(numbered)
	if !ok || !s.committed() {
		return s.fail(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(d.AppendStreamErrorAt(nil, e, events))
	s.state = closed
	return http.StatusOK
}

// fail tells the client of e: as an answer of its own if nothing was sent, else
// as the event that ends the stream. It returns the status the client saw, or 0
// if it had its whole answer already.
func (s *sender) fail(e *llm.Error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case closed:
		return 0
	case pinging, committed:
		s.put(s.dialect.AppendStreamError(nil, e))
		s.state = closed
		return http.StatusOK
	}
	s.state = closed
	status, header, body := s.dialect.EncodeError(e)
	for name, values := range header {
		s.header[name] = values
	}
	s.w.WriteHeader(status)
	s.take(body)
	return status
}

// close stops the pings. Nothing is sent after it but what the server has
// buffered, for which the client has as long as for any other write.
func (s *sender) close() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.guard.stop() && s.err == nil {
		_ = s.bare.SetWriteDeadline(time.Now().Add(s.guard.limit))
	}
	return s.bytes
}
