package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// The end of a drain, after its context has ended.
const (
	drainTell = time.Second            // for exchanges to tell their clients
	drainCut  = 500 * time.Millisecond // for writes that are stuck to fail
)

// Drained is how a drain went.
type Drained struct {
	Finished int // exchanges that ended by themselves
	Told     int // ended with the dialect's error
	Left     int // that did not end: nobody can be told
}

// Drain ends the traffic. New exchanges are refused from here on: 503 with
// Retry-After and Connection: close. Those under way may finish until ctx ends;
// what is left then ends with the dialect's error (a stream with its error
// event), and its upstream is cancelled. Drain returns when all have ended, at
// most a second and a half after ctx has. It cannot be undone, and a second
// call waits as the first does.
func (t *Traffic) Drain(ctx context.Context) Drained {
	t.draining.Store(true)
	t.places.close()
	begun := t.count()
	if t.wait(ctx.Done()) {
		return Drained{Finished: begun}
	}
	late := t.remaining()
	for _, x := range late {
		x.interrupt(endDraining)
	}
	told := Drained{Finished: max(begun-len(late), 0), Told: len(late)}
	if t.waitFor(drainTell) {
		return told
	}
	for _, x := range t.remaining() {
		x.send.cut()
	}
	t.waitFor(drainCut)
	told.Left = t.count()
	told.Told -= told.Left
	return told
}

// Drain ends the traffic of this gateway and of all that share its Traffic.
func (g *Gateway) Drain(ctx context.Context) Drained { return g.Traffic.Drain(ctx) }

func (t *Traffic) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *Traffic) remaining() []*Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Exchange, 0, len(t.open))
	for x := range t.open {
		all = append(all, x)
	}
	return all
}

// wait returns when nothing is open any more, or false when stop is closed
// first.
func (t *Traffic) wait(stop <-chan struct{}) bool {
	t.mu.Lock()
	if len(t.open) == 0 {
		t.mu.Unlock()
		return true
	}
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.mu.Unlock()
	select {
	case <-empty:
		return true
	case <-stop:
		return false
	}
}

func (t *Traffic) waitFor(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return t.wait(ctx.Done())
}

// An ending is why an exchange is ended from outside. It is the cause with
// which its context is cancelled.
type ending struct {
	reason  string
	message string
	// told is what the client hears; nil: it cannot hear anything.
	told *llm.Error
}

// Error returns the sentence for the log.
func (e *ending) Error() string { return e.message }

var (
	endDraining = &ending{reason: failover.ReasonDraining, message: "aimux is going down",
		told: &llm.Error{Type: llm.ErrUnavailable, Class: llm.ClassOverload, Status: http.StatusServiceUnavailable,
			RetryAfter: time.Second, Message: "aimux is going down; try again in a moment"}}
	endStalled = &ending{reason: failover.ReasonClientStalled, message: "the client stopped reading"}
	endLate    = &ending{reason: failover.ReasonClientDeadline, message: "the time the client allows has passed",
		told: &llm.Error{Type: llm.ErrTimeout, Class: llm.ClassTransient, Status: http.StatusGatewayTimeout,
			Message: "no provider answered within the time this request allows"}}
	endPanic = &ending{reason: "panic", message: "a ping panicked", told: internalError("")}
)

// interrupt ends the exchange from another goroutine: what it waits for ends,
// and its own goroutine tells the client.
func (x *Exchange) interrupt(e *ending) {
	x.cancel(e)
	x.send.stopReading()
}

// interrupted reports whether the gateway itself has ended the exchange.
func (x *Exchange) interrupted() bool {
	_, ok := context.Cause(x.ctx).(*ending)
	return ok
}

// calledOff is the verdict on an attempt whose exchange has ended: nobody is at
// fault.
func (x *Exchange) calledOff() *failover.Verdict {
	cause := context.Cause(x.ctx)
	v := &failover.Verdict{Class: llm.ClassCanceled, Reason: failover.ReasonCanceled, Message: cause.Error()}
	if e, ok := cause.(*ending); ok {
		v.Reason = e.reason
		if e.told != nil {
			told := *e.told
			v.Err = &told
		}
	}
	return v
}

// over is what the client of an exchange that was ended hears.
func over(v *failover.Verdict) *llm.Error {
	if v.Err != nil {
		return v.Err
	}
	return canceled()
}
