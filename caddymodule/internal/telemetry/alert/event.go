package alert

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// State is where an alert stands.
type State string

// The states of an alert.
const (
	Pending  State = "pending"
	Firing   State = "firing"
	Resolved State = "resolved"
)

// Alert is a rule that is broken for one subject.
type Alert struct {
	Rule     string   `json:"rule"`
	Metric   Metric   `json:"metric"`
	Severity Severity `json:"severity"`
	// Subject is the provider, budget or store it is about; empty: all of aimux.
	Subject   string  `json:"subject,omitempty"`
	State     State   `json:"state"`
	Value     float64 `json:"value"`
	Threshold float64 `json:"threshold"`
	// Since is when the rule was first seen broken, Fired when the alert fired.
	Since time.Time `json:"since"`
	Fired time.Time `json:"fired,omitzero"`
}

// Event is the news that an alert fires or is resolved.
type Event struct {
	// ID is the same for every delivery of the event.
	ID string `json:"id"`
	Alert
	At time.Time `json:"at"`
	// Why says why it was resolved: "cleared", "no_data" if there was no traffic
	// to judge by, "removed" if the rule or its subject is gone.
	Why string `json:"why,omitempty"`
	// Summary says it in a sentence.
	Summary string `json:"summary"`
}

func newEvent(a *Alert, at time.Time, why string) Event {
	e := Event{Alert: *a, At: at, Why: why}
	e.ID = a.Rule + "/" + a.Subject + "/" + string(a.State) + "/" + strconv.FormatInt(at.UnixMilli(), 10)
	e.Summary = summary(&e)
	return e
}

func summary(e *Event) string {
	about := e.Subject
	if about == "" {
		about = "aimux"
	}
	switch {
	case e.State == Resolved:
		return fmt.Sprintf("%s: %s is over (%s)", about, e.Rule, e.Why)
	case e.Metric == ProviderDown:
		return about + ": the provider is down"
	case e.Metric == LedgerTrouble || e.Metric == AuditTrouble:
		return about + ": cannot be written"
	}
	side := "over"
	if e.Metric == SuccessRate {
		side = "under"
	}
	return fmt.Sprintf("%s: %s is %s, %s %s", about, e.Metric, shown(e.Metric, e.Value), side, shown(e.Metric, e.Threshold))
}

// shown is a value in its metric's unit.
func shown(m Metric, v float64) string {
	switch m {
	case P95Latency, P95TTFT:
		return strconv.FormatFloat(v, 'f', -1, 64) + " s"
	case KeyResting:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v*100, 'f', 1, 64) + " %"
}

// Sink is told of events. Deliver must not block.
type Sink interface{ Deliver(Event) }

// Func is a Sink that calls a function.
type Func func(Event)

// Deliver calls f.
func (f Func) Deliver(e Event) { f(e) }

// Log returns a Sink that writes a line to a log: a warning for an alert that
// fires (an error if it is critical), information for one that is over.
func Log(logger *slog.Logger) Sink {
	return Func(func(e Event) {
		level := slog.LevelWarn
		switch {
		case e.State == Resolved:
			level = slog.LevelInfo
		case e.Severity == Critical:
			level = slog.LevelError
		}
		logger.LogAttrs(context.Background(), level, "alert",
			slog.String("alert", e.Rule), slog.String("state", string(e.State)), slog.String("subject", e.Subject),
			slog.String("metric", string(e.Metric)), slog.Float64("value", e.Value), slog.Float64("threshold", e.Threshold),
			slog.String("severity", string(e.Severity)), slog.Time("since", e.Since), slog.String("why", e.Why),
			slog.String("summary", e.Summary))
	})
}
