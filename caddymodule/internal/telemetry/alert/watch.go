package alert

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

// Watch evaluates rules and tells sinks. It outlives configurations, so that a
// reload does not ring again for what is known; it is safe for concurrent use.
// The zero value watches nothing until Configure.
type Watch struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	mu      sync.Mutex
	o       Options
	alerts  map[id]*entry
	history []Event // the newest last

	evaluating sync.Mutex // one evaluation at a time, events in their order
}

// Options are what a configuration says about alerts.
type Options struct {
	Rules   []Rule
	Windows *telemetry.Windows
	Source  telemetry.Source
	Sinks   []Sink
}

// id names an alert.
type id struct{ rule, subject string }

// entry is an alert at work.
type entry struct {
	Alert
	silent time.Time // since when nothing is known of a firing alert's value
}

// keep is how many events are remembered.
const keep = 200

// Configure takes over a configuration's rules and sinks. Alerts of rules that
// stay keep their state; the others are resolved at the next evaluation. Rules
// that are wrong are refused together, with everything that is wrong with them.
func (w *Watch) Configure(o Options) error {
	rules, err := prepare(o.Rules)
	if err != nil {
		return err
	}
	o.Rules = rules
	w.mu.Lock()
	defer w.mu.Unlock()
	w.o = o
	return nil
}

// Run evaluates whenever ticks says so, until ctx ends.
func (w *Watch) Run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ticks:
			w.Evaluate()
		case <-ctx.Done():
			return
		}
	}
}

// Evaluate looks at everything once and tells the sinks what changed.
func (w *Watch) Evaluate() {
	w.evaluating.Lock()
	defer w.evaluating.Unlock()
	w.mu.Lock()
	o := w.o
	w.mu.Unlock()
	if o.Source == nil || o.Windows == nil {
		return
	}
	state := o.Source.State() // may ask for Firing: no lock is held
	events := w.evaluate(&o, &state, w.now())
	for _, e := range events {
		for _, s := range o.Sinks {
			s.Deliver(e)
		}
	}
}

func (w *Watch) now() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now()
}

func (w *Watch) evaluate(o *Options, state *telemetry.State, now time.Time) []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.alerts == nil {
		w.alerts = map[id]*entry{}
	}
	var events []Event
	seen := map[id]bool{}
	for i := range o.Rules {
		r := &o.Rules[i]
		for _, one := range r.read(o.Windows, state) {
			at := id{r.Name, one.subject}
			seen[at] = true
			if e, changed := w.step(at, r, one, now); changed {
				events = append(events, e)
			}
		}
	}
	events = append(events, w.removed(seen, now)...)
	w.history = append(w.history, events...)
	if over := len(w.history) - keep; over > 0 {
		w.history = slices.Delete(w.history, 0, over)
	}
	return events
}

// step moves one alert on. It returns the event that makes, if any.
func (w *Watch) step(at id, r *Rule, one reading, now time.Time) (Event, bool) {
	a := w.alerts[at]
	broken := one.known && r.broken(one.value)
	switch {
	case a == nil && !broken:
		return Event{}, false
	case a == nil:
		a = &entry{Alert: Alert{Rule: r.Name, Subject: one.subject, State: Pending, Since: now}}
		w.alerts[at] = a
	case a.State == Pending && !broken:
		delete(w.alerts, at)
		return Event{}, false
	}
	a.Metric, a.Severity, a.Threshold = r.Metric, r.Severity, r.Threshold
	if one.known {
		a.Value = one.value
	}
	if a.State == Firing {
		return w.firing(at, a, r, one, now)
	}
	if now.Sub(a.Since) < r.For {
		return Event{}, false
	}
	a.State, a.Fired = Firing, now
	return newEvent(&a.Alert, now, ""), true
}

// firing looks whether an alert that fires is over. Without traffic to judge by
// it is after a whole window of silence.
func (w *Watch) firing(at id, a *entry, r *Rule, one reading, now time.Time) (Event, bool) {
	switch {
	case one.known && r.cleared(one.value):
		return w.resolve(at, a, now, "cleared"), true
	case one.known:
		a.silent = time.Time{}
	case a.silent.IsZero():
		a.silent = now
	case now.Sub(a.silent) >= r.Window:
		return w.resolve(at, a, now, "no_data"), true
	}
	return Event{}, false
}

func (w *Watch) resolve(at id, a *entry, now time.Time, why string) Event {
	delete(w.alerts, at)
	a.State = Resolved
	return newEvent(&a.Alert, now, why)
}

// removed ends the alerts whose rule or subject is gone.
func (w *Watch) removed(seen map[id]bool, now time.Time) []Event {
	var gone []id
	for at := range w.alerts {
		if !seen[at] {
			gone = append(gone, at)
		}
	}
	slices.SortFunc(gone, compare)
	var events []Event
	for _, at := range gone {
		a := w.alerts[at]
		if a.State == Pending {
			delete(w.alerts, at)
			continue
		}
		events = append(events, w.resolve(at, a, now, "removed"))
	}
	return events
}

func compare(a, b id) int {
	return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.subject, b.subject))
}

// Active returns the alerts that are pending or fire, by rule and subject.
func (w *Watch) Active() []Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Alert, 0, len(w.alerts))
	for _, a := range w.alerts {
		out = append(out, a.Alert)
	}
	slices.SortFunc(out, func(a, b Alert) int { return compare(id{a.Rule, a.Subject}, id{b.Rule, b.Subject}) })
	return out
}

// Firing returns the alerts that fire, for the metrics.
func (w *Watch) Firing() []telemetry.FiringAlert {
	var out []telemetry.FiringAlert
	for _, a := range w.Active() {
		if a.State == Firing {
			out = append(out, telemetry.FiringAlert{Rule: a.Rule, Subject: a.Subject})
		}
	}
	return out
}

// History returns up to the last n events, the newest first; at most 200 are
// remembered.
func (w *Watch) History(n int) []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(max(n, 0), len(w.history))
	out := slices.Clone(w.history[len(w.history)-n:])
	slices.Reverse(out)
	return out
}
