// Package alert watches over aimux: rules are evaluated over the rolling windows
// and the present state, and whoever has to know is told when one starts to hold
// and when it no longer does.
//
// An alert is pending while its rule is broken, fires when that has lasted for
// the rule's For, and is resolved when the value has come back past the rule's
// Clear, which keeps a value near the threshold from ringing all night. Events
// go to Sinks: a log, a function, a webhook. No sink may hold up the others, and
// none has any way to hold up a request.
package alert

import (
	"errors"
	"fmt"
	"time"
)

// Metric is what a rule watches.
type Metric string

// The metrics. Rates are shares between 0 and 1, latencies are in seconds.
const (
	ErrorRate     Metric = "error_rate"     // failed requests, of those not the client's doing
	SuccessRate   Metric = "success_rate"   // the rest; this one alarms when it falls
	P95Latency    Metric = "p95_latency"    // of whole requests
	P95TTFT       Metric = "p95_ttft"       // to the first token
	KeyResting    Metric = "key_resting"    // how many of a provider's keys are not ready
	ProviderDown  Metric = "provider_down"  // 1: no key is ready, or every breaker is open
	Budget        Metric = "budget"         // spent share of a budget
	LedgerTrouble Metric = "ledger_trouble" // 1: the ledger cannot be written
	AuditTrouble  Metric = "audit_trouble"  // 1: the audit log cannot be written
)

// traffic are the metrics that are read from a window.
func (m Metric) traffic() bool {
	return m == ErrorRate || m == SuccessRate || m == P95Latency || m == P95TTFT
}

func (m Metric) known() bool {
	switch m {
	case KeyResting, ProviderDown, Budget, LedgerTrouble, AuditTrouble:
		return true
	}
	return m.traffic()
}

// Severity is how urgent an alert is.
type Severity string

// The severities.
const (
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Rule says when there is cause for alarm.
type Rule struct {
	// Name is unique among the rules.
	Name   string
	Metric Metric
	// Threshold is the value from which on the rule is broken; for success_rate
	// the one below which it is.
	Threshold float64
	// Clear is the value at which an alert that fires is resolved: below it, or
	// from it on for success_rate. Default: a fifth on the good side of the
	// threshold for rates and latencies, else the threshold.
	Clear float64
	// Window is what traffic is looked at: 1 m, 5 m or 1 h. Default: 5m.
	Window time.Duration
	// MinRequests is how many requests that are not the client's fault a window
	// must hold for its rates to mean something. Default: 10.
	MinRequests int
	// Provider narrows the rule to one provider; "*" watches each by itself.
	// Default: all traffic together, and each provider for what only a provider
	// can have (key_resting, provider_down).
	Provider string
	// For is how long the rule must be broken before the alert fires.
	For time.Duration
	// Severity is passed on. Default: Warning.
	Severity Severity
}

// falling reports whether low values are the bad ones.
func (r *Rule) falling() bool { return r.Metric == SuccessRate }

func (r *Rule) broken(value float64) bool {
	if r.falling() {
		return value < r.Threshold
	}
	return value >= r.Threshold
}

func (r *Rule) cleared(value float64) bool {
	if r.falling() {
		return value >= r.Clear
	}
	return value < r.Clear
}

func (r Rule) withDefaults() Rule {
	if r.Window == 0 {
		r.Window = 5 * time.Minute
	}
	if r.MinRequests == 0 {
		r.MinRequests = 10
	}
	if r.Severity == "" {
		r.Severity = Warning
	}
	if r.Threshold == 0 && !r.Metric.traffic() && r.Metric != Budget {
		r.Threshold = 1
	}
	switch {
	case r.Clear != 0:
	case r.falling():
		r.Clear = r.Threshold + (1-r.Threshold)/5
	case r.Metric.traffic():
		r.Clear = r.Threshold * 0.8
	default:
		r.Clear = r.Threshold
	}
	return r
}

// problems says what is wrong with the rule, once its defaults are in.
func (r *Rule) problems() error {
	var all []error
	bad := func(format string, args ...any) {
		all = append(all, fmt.Errorf("alert %q: "+format, append([]any{r.Name}, args...)...))
	}
	if r.Name == "" {
		bad("a rule needs a name")
	}
	if !r.Metric.known() {
		bad("no metric %q", r.Metric)
	}
	if r.Threshold <= 0 {
		bad("the threshold must be above 0")
	}
	if share := r.Metric == ErrorRate || r.Metric == SuccessRate; share && (r.Threshold > 1 || r.Clear > 1) {
		bad("a rate is a share between 0 and 1; 5 %% is 0.05")
	}
	if r.falling() && r.Clear < r.Threshold || !r.falling() && r.Clear > r.Threshold {
		bad("clear %v is on the bad side of the threshold %v", r.Clear, r.Threshold)
	}
	if r.Window != time.Minute && r.Window != 5*time.Minute && r.Window != time.Hour {
		bad("the window must be 1m, 5m or 1h, not %v", r.Window)
	}
	if r.For < 0 || r.MinRequests < 0 {
		bad("negative for or min_requests")
	}
	if r.Severity != Warning && r.Severity != Critical {
		bad("no severity %q; there are warning and critical", r.Severity)
	}
	return errors.Join(all...)
}

// prepare puts the defaults in and reports everything that is wrong.
func prepare(rules []Rule) ([]Rule, error) {
	out := make([]Rule, len(rules))
	seen := map[string]bool{}
	var all []error
	for i, r := range rules {
		out[i] = r.withDefaults()
		all = append(all, out[i].problems())
		if seen[r.Name] {
			all = append(all, fmt.Errorf("alert %q: there are two of that name", r.Name))
		}
		seen[r.Name] = true
	}
	return out, errors.Join(all...)
}

// Check reports everything that is wrong with rules.
func Check(rules []Rule) error {
	_, err := prepare(rules)
	return err
}

// DefaultRules are what is watched unless the configuration says otherwise.
func DefaultRules() []Rule {
	return []Rule{
		{Name: "errors", Metric: ErrorRate, Threshold: 0.2, Clear: 0.1, Window: 5 * time.Minute, For: time.Minute, Severity: Critical},
		{Name: "provider_errors", Metric: ErrorRate, Provider: "*", Threshold: 0.5, Clear: 0.25, Window: 5 * time.Minute, For: time.Minute},
		{Name: "slow_first_token", Metric: P95TTFT, Threshold: 30, Clear: 20, Window: 5 * time.Minute, For: 2 * time.Minute},
		{Name: "slow_answers", Metric: P95Latency, Threshold: 600, Clear: 480, Window: time.Hour, For: 5 * time.Minute},
		{Name: "success", Metric: SuccessRate, Threshold: 0.95, Clear: 0.98, Window: time.Hour, MinRequests: 50, For: 5 * time.Minute},
		{Name: "key_resting", Metric: KeyResting, Threshold: 1, For: 15 * time.Minute},
		{Name: "provider_down", Metric: ProviderDown, Threshold: 1, For: time.Minute, Severity: Critical},
		{Name: "budget_80", Metric: Budget, Threshold: 0.8},
		{Name: "budget_100", Metric: Budget, Threshold: 1, Severity: Critical},
		{Name: "ledger", Metric: LedgerTrouble, Threshold: 1, For: 30 * time.Second, Severity: Critical},
		{Name: "audit", Metric: AuditTrouble, Threshold: 1, For: 30 * time.Second, Severity: Critical},
	}
}
