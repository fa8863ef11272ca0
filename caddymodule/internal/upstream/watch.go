package upstream

import (
	"context"
	"fmt"
	"sync"
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

// watch holds an attempt's deadlines. One timer serves them all: it is set to
// the nearest deadline, and when it fires the deadline either has passed, which
// cancels the attempt, or has moved, which sets it again. So a read only notes
// the time.
//
// The attempt's context is not the client's, so that what is left of an answer
// may be drained after the client has all of it; the client's cancellation is
// passed on until then.
type watch struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	detach   func() bool // from the client's context
	timeouts Timeouts

	mu        sync.Mutex
	timer     *time.Timer
	start     time.Time
	lastRead  time.Time
	lastMove  time.Time // last progress
	streaming bool      // content has begun
	done      bool
}

func newWatch(parent context.Context, t Timeouts) *watch {
	now := time.Now()
	w := &watch{timeouts: t, start: now, lastRead: now, lastMove: now}
	w.ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(parent))
	w.detach = context.AfterFunc(parent, func() { w.cancel(context.Cause(parent)) })
	w.mu.Lock()
	defer w.mu.Unlock()
	deadline, _ := w.next()
	w.timer = time.AfterFunc(deadline.Sub(now), w.fire)
	return w
}

// next returns the nearest deadline and the error it stands for.
func (w *watch) next() (time.Time, *TimeoutError) {
	nearest, err := w.start.Add(w.timeouts.Total), &TimeoutError{"total", w.timeouts.Total}
	consider := func(at time.Time, timer string, after time.Duration) {
		if at.Before(nearest) {
			nearest, err = at, &TimeoutError{timer, after}
		}
	}
	if !w.streaming {
		consider(w.start.Add(w.timeouts.FirstEvent), "first_event", w.timeouts.FirstEvent)
		return nearest, err
	}
	consider(w.lastRead.Add(w.timeouts.Idle), "idle", w.timeouts.Idle)
	consider(w.lastMove.Add(w.timeouts.NoProgress), "no_progress", w.timeouts.NoProgress)
	return nearest, err
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	deadline, err := w.next()
	if wait := time.Until(deadline); wait > 0 {
		w.timer.Reset(wait)
		return
	}
	w.done = true
	w.cancel(err)
}

func (w *watch) note(f func(now time.Time)) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	f(now)
}

func (w *watch) read() { w.note(func(now time.Time) { w.lastRead = now }) }

func (w *watch) progress() { w.note(func(now time.Time) { w.lastMove = now }) }

// content switches from the first-event timer to the idle timers, which may be
// nearer than what the timer is set to.
func (w *watch) content() {
	w.note(func(now time.Time) {
		if w.streaming || w.done {
			return
		}
		w.streaming, w.lastRead, w.lastMove = true, now, now
		deadline, _ := w.next()
		w.timer.Reset(deadline.Sub(now))
	})
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
	w.detach()
	w.note(func(now time.Time) {
		w.start, w.timeouts.Total = now, d
		w.timer.Reset(d)
	})
}

func (w *watch) stop() {
	w.detach()
	w.mu.Lock()
	w.done = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(context.Canceled)
}
