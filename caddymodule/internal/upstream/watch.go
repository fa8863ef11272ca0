package upstream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// TimeoutError says which timer ended an attempt.
type TimeoutError struct {
	Timer string // "first_event", "idle", "no_progress", "total"
	After time.Duration
}

// Error returns the sentence for the log.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s timeout after %s", e.Timer, e.After)
}

// Timeout reports true, as net.Error wants it.
func (e *TimeoutError) Timeout() bool { return true }

// Reason returns the result code of logs and metrics.
func (e *TimeoutError) Reason() string {
	switch e.Timer {
	case "first_event":
		return "ttft_timeout"
	case "idle":
		return "idle_timeout"
	case "total":
		return "deadline"
	}
	return e.Timer
}

// moment is a time of the monotonic clock: since the process began. It fits
// into an atomic integer.
type moment = time.Duration

var began = time.Now()

func now() moment { return time.Since(began) }

// watch holds an attempt's deadlines. One timer serves them all: it is set to
// the nearest deadline, and when it fires the deadline either has passed, which
// cancels the attempt, or has moved, which sets it again. So a read only notes
// the time, in a word beside what it has in the processor's cache anyway.
//
// The context of an attempt whose answer may be drained, after the client has all
// of it, is not the client's; the client's cancellation is passed on until then.
type watch struct {
	lastRead atomic.Int64 // a moment
	lastMove atomic.Int64 // a moment: the last progress

	ctx      context.Context
	cancel   context.CancelCauseFunc
	detach   func() bool // from the client's context; nil: it is that one's child
	timeouts Timeouts

	mu        sync.Mutex
	timer     *time.Timer
	start     moment
	streaming bool // content has begun
	done      bool
}

// begin starts the clock of an attempt for a client whose context is parent.
func (w *watch) begin(parent context.Context, t Timeouts, drains bool) {
	w.timeouts, w.start = t, now()
	if drains {
		w.ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(parent))
		w.detach = context.AfterFunc(parent, func() { w.cancel(context.Cause(parent)) })
	} else {
		w.ctx, w.cancel = context.WithCancelCause(parent)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	deadline, _ := w.next()
	w.timer = time.AfterFunc(deadline-w.start, w.fire)
}

// next returns the nearest deadline and the error it stands for. The lock is
// held.
func (w *watch) next() (moment, TimeoutError) {
	nearest, err := w.start+w.timeouts.Total, TimeoutError{"total", w.timeouts.Total}
	consider := func(from moment, timer string, after time.Duration) {
		if from+after < nearest {
			nearest, err = from+after, TimeoutError{timer, after}
		}
	}
	if w.streaming {
		consider(moment(w.lastRead.Load()), "idle", w.timeouts.Idle)
		consider(moment(w.lastMove.Load()), "no_progress", w.timeouts.NoProgress)
	} else {
		consider(w.start, "first_event", w.timeouts.FirstEvent)
	}
	return nearest, err
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	deadline, err := w.next()
	if wait := deadline - now(); wait > 0 {
		w.timer.Reset(wait)
		return
	}
	w.done = true
	w.cancel(&err)
}

// read says that bytes came, progress that what came last was more than a ping.
func (w *watch) read() { w.lastRead.Store(int64(now())) }

func (w *watch) progress() { w.lastMove.Store(w.lastRead.Load()) }

// content switches from the first-event timer to the idle timers, which may be
// nearer than what the timer is set to.
func (w *watch) content() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streaming || w.done {
		return
	}
	at := now()
	w.lastRead.Store(int64(at))
	w.lastMove.Store(int64(at))
	w.streaming = true
	deadline, _ := w.next()
	w.timer.Reset(deadline - at)
}

// cause returns the timeout that cancelled the attempt in place of the
// transport's "context canceled".
func (w *watch) cause(err error) error {
	if w.ctx.Err() == nil {
		return err
	}
	return context.Cause(w.ctx)
}

// drain gives what is left of the answer a last deadline, whatever becomes of
// the client.
func (w *watch) drain(d time.Duration) {
	if w.detach != nil {
		w.detach()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start, w.timeouts.Total = now(), d
	w.timer.Reset(d)
}

func (w *watch) stop() {
	if w.detach != nil {
		w.detach()
	}
	w.mu.Lock()
	w.done = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(context.Canceled)
}
