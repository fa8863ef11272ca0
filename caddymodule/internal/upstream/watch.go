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
// when it began, in words beside what it has in the processor's cache anyway.
//
// A provider is silent only while somebody listens: where a slow client keeps
// the caller from reading, neither the idle timer nor that of progress runs.
//
// The context of an attempt whose answer may be drained, after the client has all
// of it, is not the client's; the client's cancellation is passed on until then.
type watch struct {
	waits atomic.Int64 // the moment at which the read under way began; 0: nobody reads
	quiet atomic.Int64 // a moment: since then reads brought no progress, pauses taken out; it only grows
	fired atomic.Bool  // since a read last began; the timer may be set too late for the next one

	// These are for those who read and tell of progress, one at a time.
	moved bool   // the last read brought progress, or is the first
	ended moment // of the last read; 0: the next one counts anew

	ctx      context.Context
	cancel   context.CancelCauseFunc
	detach   func() bool // from the client's context; nil: it is that one's child
	timeouts Timeouts

	mu        sync.Mutex
	timer     *time.Timer
	start     moment
	streaming moment // when content began; 0: not yet
	done      bool
}

// begin starts the clock of an attempt for a client whose context is parent.
func (w *watch) begin(parent context.Context, t Timeouts, drains bool) {
	w.timeouts, w.start, w.moved = t, now(), true
	if drains {
		w.ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(parent))
		w.detach = context.AfterFunc(parent, func() { w.cancel(context.Cause(parent)) })
	} else {
		w.ctx, w.cancel = context.WithCancelCause(parent)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	deadline, _ := w.next(w.start)
	w.timer = time.AfterFunc(deadline-w.start, w.fire)
}

// next returns the nearest deadline at a moment, and the error it stands for.
// While nobody reads, it is the nearest that a read could have which begins
// right then. The lock is held.
func (w *watch) next(at moment) (moment, TimeoutError) {
	nearest, err := w.start+w.timeouts.Total, TimeoutError{"total", w.timeouts.Total}
	consider := func(from moment, timer string, after time.Duration) {
		if from+after < nearest {
			nearest, err = from+after, TimeoutError{timer, after}
		}
	}
	if w.streaming == 0 {
		consider(w.start, "first_event", w.timeouts.FirstEvent)
		return nearest, err
	}
	waits, quiet := at, at
	if since := w.waits.Load(); since != 0 {
		waits, quiet = max(moment(since), w.streaming), max(moment(w.quiet.Load()), w.streaming)
	}
	consider(waits, "idle", w.timeouts.Idle)
	consider(quiet, "no_progress", w.timeouts.NoProgress)
	return nearest, err
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.fired.Store(true) // before next looks whether anybody reads
	at := now()
	deadline, err := w.next(at)
	if deadline > at {
		w.timer.Reset(deadline - at)
		return
	}
	w.done = true
	w.cancel(&err)
}

// reading says that a read begins. The timer must find the moment that quiet
// had at that read or a later one, so waits is the last to be set.
func (w *watch) reading() {
	at := now()
	quiet := at
	if w.ended != 0 {
		quiet = moment(w.quiet.Load()) + at - w.ended
	}
	w.quiet.Store(int64(quiet))
	w.waits.Store(int64(at))
	if w.fired.Load() {
		w.set(at)
	}
}

// set sets the timer to the nearest deadline at a moment.
func (w *watch) set(at moment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.fired.Store(false)
	deadline, _ := w.next(at)
	w.timer.Reset(deadline - at)
}

// read says that the read has ended. Only reads that follow one without
// progress ask for the time: how long the first one waited for a ping is not
// known, and does not count, so that a stream of events pays for one look at the
// clock an event.
func (w *watch) read() {
	w.waits.Store(0)
	if !w.moved {
		w.ended = now()
	}
	w.moved = false
}

// progress says that what the last read brought was more than a ping.
func (w *watch) progress() { w.moved, w.ended = true, 0 }

// content switches from the first-event timer to the idle timers, which may be
// nearer than what the timer is set to.
func (w *watch) content() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streaming != 0 || w.done {
		return
	}
	w.streaming = now()
	deadline, _ := w.next(w.streaming)
	w.timer.Reset(deadline - w.streaming)
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
