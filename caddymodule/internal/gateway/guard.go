package gateway

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// writeChunk is how much is written at once to a client: what a client must
// take within the time it may stall.
const writeChunk = 16 << 10

// began makes moments of the monotonic clock that fit into an integer.
var began = time.Now()

// moment is the time since the process began.
func moment() time.Duration { return time.Since(began) }

// clientGuard watches a client that may have stopped reading. A write to such a
// one never returns, so that somebody else has to look.
type clientGuard struct {
	since atomic.Int64  // when the write began that is under way; 0: none is
	last  time.Duration // when the last write began; the writer's own

	limit time.Duration
	stuck func() // called once, from the timer's goroutine

	mu    sync.Mutex
	timer *time.Timer
	over  bool
	gone  bool // the answer is the server's alone
}

// writing says that a write begins, written that it has returned.
func (g *clientGuard) writing() {
	g.last = moment()
	g.since.Store(int64(g.last) | 1)
}

func (g *clientGuard) written() { g.since.Store(0) }

// start begins to watch, once.
func (g *clientGuard) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit > 0 && g.timer == nil && !g.over {
		g.timer = time.AfterFunc(g.limit/4, g.look)
	}
}

func (g *clientGuard) look() {
	since := g.since.Load()
	stuck := since != 0 && moment()-time.Duration(since) >= g.limit
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return
	}
	if g.over = stuck; !stuck {
		g.timer.Reset(g.limit / 4)
	}
	g.mu.Unlock()
	if stuck {
		g.stuck()
	}
}

// reach calls f unless the handler is about to return. After that the writer may
// not be used any more, and the connection may be at another request.
func (g *clientGuard) reach(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.gone {
		f()
	}
}

// stop ends the watch, and reports whether it has found nothing.
func (g *clientGuard) stop() (well bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	well = g.limit > 0 && !g.over
	g.over, g.gone = true, true
	if g.timer != nil {
		g.timer.Stop()
	}
	return well
}

// stuck ends an exchange whose client stopped reading.
func (x *Exchange) stuck() {
	x.gateway.Traffic.Refusals.add(CeilingClientStall)
	x.cancel(endStalled)
	x.send.cut()
}

// innermost returns the server's own response writer below those that wrap it.
// Its deadlines may be set while another goroutine writes; a wrapper's perhaps
// not.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}

// past is a deadline that ends at once what waits on a connection.
var past = time.Unix(1, 0)

// cut ends reads and writes of the client's connection, also those under way.
func (s *sender) cut() {
	s.guard.reach(func() {
		_ = s.bare.SetReadDeadline(past)
		_ = s.bare.SetWriteDeadline(past)
	})
}

// stopReading ends a read of the request body that waits for more.
func (s *sender) stopReading() {
	s.guard.reach(func() { _ = s.bare.SetReadDeadline(past) })
}
