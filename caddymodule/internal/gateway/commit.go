package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/egress"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// commit begins the answer to the client: from here on there is no failover.
func (a *try) commit() {
	a.announce()
	a.send.commit()
}

// commitWhole is commit for an answer that is one document.
func (a *try) commitWhole(data []byte) *failover.Verdict {
	a.announce()
	if err := a.send.whole(data); err != nil {
		return a.gone()
	}
	return nil
}

// announce puts into the header who answers.
func (a *try) announce() {
	a.Provider, a.Target, a.price = a.provider.Name, a.target.Model, a.target.Caps.Price
	a.TTFT = a.since()
	h := a.send.header
	h.Set("X-Aimux-Provider", a.provider.Name)
	h.Set("X-Aimux-Model", a.target.Model)
	h.Set("X-Aimux-Attempts", strconv.Itoa(len(a.Attempts)+1))
	h.Set("X-Aimux-Response-Time", strconv.FormatFloat(float64(a.TTFT.Microseconds())/1000, 'f', 1, 64)+"ms")
	if len(a.dropped) > 0 {
		h.Set("X-Aimux-Dropped", strings.Join(a.dropped, ", "))
	}
	if !a.translates() {
		egress.ResponseHeaders(h, a.answer.Header)
	}
	a.Status = http.StatusOK
}

// sender is the client's side of an exchange. Until it commits, nothing has
// been said and any answer is possible; a stream that stays silent for long is
// begun with pings, which fixes the status but still allows failover.
//
// Pings come from a timer, so a mutex guards the response writer.
type sender struct {
	header  http.Header
	control *http.ResponseController
	bare    *http.ResponseController // of the innermost writer
	dialect dialect.Dialect
	guard   clientGuard

	mu    sync.Mutex
	w     http.ResponseWriter
	state sendState
	bytes int64
	timer *time.Timer
	every time.Duration
	ping  func(dst []byte) []byte
	// owed says that an encoder has numbered events which are not sent yet, so
	// that a ping must not overtake them.
	owed bool
	kept bool // the server may hold bytes back
	// panicked is told when a ping panicked.
	panicked func()
	err      error
	// copied is the beginning of what was sent, up to copyMost bytes.
	copied   []byte
	copyMost int
}

type sendState uint8

const (
	silent    sendState = iota // nothing was sent
	pinging                    // status 200 and pings; no content
	committed                  // content
	closed
)

func newSender(w http.ResponseWriter, d dialect.Dialect) *sender {
	return &sender{
		w: w, header: w.Header(), dialect: d,
		control: http.NewResponseController(w), bare: http.NewResponseController(innermost(w)),
	}
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
	s.header.Set("Content-Type", "text/event-stream")
	s.header.Set("Cache-Control", "no-cache")
	s.header.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	s.guard.start()
}

// beforeCommit calls f unless content has gone to the client.
func (s *sender) beforeCommit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state < committed {
		f()
	}
}

// commit begins a stream, if pings have not.
func (s *sender) commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == silent {
		s.begin()
	}
	s.state = committed
}

// whole sends an answer that is one JSON document.
func (s *sender) whole(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	s.header.Set("Content-Type", contentJSON[0])
	s.header.Set("Content-Length", strconv.Itoa(len(data)))
	s.w.WriteHeader(http.StatusOK)
	s.guard.start()
	s.take(data)
	return s.err
}

// pingBy makes ping the source of pings: a stream encoder, which knows what
// number comes next. encoded keeps the two apart.
func (s *sender) pingBy(ping func(dst []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping = ping
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
	if s.timer != nil {
		s.timer.Reset(s.every)
	}
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
		s.err, s.kept = s.control.Flush(), false
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

// close stops the pings. Nothing is sent after it.
func (s *sender) close() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	if s.timer != nil {
		s.timer.Stop()
	}
	s.guard.stop()
	return s.bytes
}
