package telemetry

import (
	"maps"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
)

// Scope says of what statistics are wanted: of everything if it is zero, of a
// provider if Model is empty, else of one target.
type Scope struct{ Provider, Model string }

// Windows keeps what happened in the last minute, five minutes and hour, for all
// of aimux, each provider and each target, and the course of the last hour and
// the last day. The scopes are those named to Configure; whatever else an
// exchange mentions counts only for all.
//
// It outlives configurations, is safe for concurrent use and starts nothing. A
// scope in full use holds 23 slots of 1.7 KiB and a history of up to 101 KB.
type Windows struct {
	mu     sync.Mutex
	clock  stopwatch
	series map[Scope]*series
}

// NewWindows returns windows in which nothing has happened. now is the clock;
// nil: time.Now.
func NewWindows(now func() time.Time) *Windows {
	if now == nil {
		now = time.Now
	}
	return &Windows{clock: newStopwatch(now), series: map[Scope]*series{{}: newSeries()}}
}

// Configure says which providers and targets there are. What is known of those
// that stay is kept, the others are forgotten.
func (w *Windows) Configure(names Names) {
	wanted := map[Scope]*series{}
	w.mu.Lock()
	defer w.mu.Unlock()
	keep := func(s Scope) {
		if wanted[s] = w.series[s]; wanted[s] == nil {
			wanted[s] = newSeries()
		}
	}
	keep(Scope{})
	for _, p := range names.Providers {
		keep(Scope{Provider: p.Name})
	}
	for _, t := range names.Targets {
		keep(t)
	}
	w.series = wanted
}

// Observe counts an exchange that ended.
func (w *Windows) Observe(r *gateway.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.read()
	all := w.series[Scope{}]
	s := all.end(now, exchangeClass(r), codeOf(r.Reason))
	s.timed(r.TTFT, r.Duration)
	s.counts.spent(r)
	all.total.spent(r)
	for i := range r.Attempts {
		w.attempt(now, &r.Attempts[i])
	}
	if r.Provider == "" {
		return
	}
	for _, scope := range [...]Scope{{Provider: r.Provider}, {r.Provider, r.Target}} {
		if one := w.series[scope]; one != nil {
			one.current(now).counts.spent(r)
			one.total.spent(r)
		}
	}
}

func (w *Windows) attempt(now int64, a *gateway.Attempt) {
	code := codeOf(a.Reason)
	for _, scope := range [...]Scope{{Provider: a.Provider}, {a.Provider, a.Model}} {
		if one := w.series[scope]; one != nil {
			one.end(now, a.Class, code).timed(a.TTFT, a.Duration)
		}
	}
}

// timed notes how long something took. A time to first token of 0 is none.
func (s *slot) timed(ttft, duration time.Duration) {
	if ttft > 0 {
		s.ttft.add(binOf(ttft))
	}
	s.duration.add(binOf(duration))
}

// Stats are what happened in a window.
type Stats struct {
	Window time.Duration
	Counts
	TTFT, Duration Quantiles
}

// Stats returns what happened in a scope within the last minute, five minutes or
// hour, whichever is the shortest that holds window. Of an unknown scope
// nothing is known.
func (w *Windows) Stats(scope Scope, window time.Duration) Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.series[scope]
	if one == nil {
		return Stats{Window: window}
	}
	sum := one.window(w.clock.read(), window)
	return Stats{Window: window, Counts: sum.counts, TTFT: sum.ttft.quantiles(), Duration: sum.duration.quantiles()}
}

// History returns the course of a scope, the oldest step first and the present,
// unfinished one last: 360 steps of ten seconds if step is at most that, else
// 1440 of a minute. Of an unknown scope it returns nil.
func (w *Windows) History(scope Scope, step time.Duration) []Point {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.series[scope]
	if one == nil {
		return nil
	}
	now := w.clock.read()
	return one.history(now, w.clock.last, step)
}

// Totals returns what happened in a scope since it is known, and how often each
// code of failure occurred.
func (w *Windows) Totals(scope Scope) (Counts, map[string]uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.series[scope]
	if one == nil {
		return Counts{}, nil
	}
	return one.total, maps.Clone(one.codes)
}
