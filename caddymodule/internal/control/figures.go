package control

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/usage"
)

// totals is console.Usage.
type totals struct{ *Plane }

// Groups returns what was used, grouped.
func (t totals) Groups(ctx context.Context, q console.UsageQuery) ([]console.UsageGroup, error) {
	out := []console.UsageGroup{}
	v := t.Gateway.View()
	if v.Ledger == nil {
		return nil, console.Conflict("the ledger is switched off (usage.enabled)")
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return nil, err
	}
	sums, err := reader.Totals(ctx, usage.Query{By: usage.By(q.By), Filter: usage.Filter{Since: q.Since, Until: q.Until}, Limit: 10_000})
	for _, g := range sums.Groups {
		out = append(out, console.UsageGroup{
			Key: g.Key, Requests: g.Requests, Failures: g.Failures, TokensIn: g.Input, TokensOut: g.Output,
			TokensCached: g.CacheRead, CostMicroUSD: g.Cost, Estimated: g.Estimated,
		})
	}
	return out, err
}

// figures is console.Metrics.
type figures struct{ *Plane }

// Now returns the figures of a window.
func (f figures) Now(_ context.Context, window time.Duration) (console.Figures, error) {
	v := f.Gateway.View()
	s := v.Windows.Stats(telemetry.Scope{}, window)
	state := f.State.State()
	out := console.Figures{
		Now: console.At(time.Now()), Requests: int64(s.Requests), Failures: int64(s.Failed), InFlight: state.InFlight, Streams: v.Streams,
		RequestsPerSecond: float64(s.Requests) / window.Seconds(), TTFT: percentiles(s.TTFT), Duration: percentiles(s.Duration),
		TokensIn: int64(s.TokensIn), TokensOut: int64(s.TokensOut), TokensPerSecond: float64(s.TokensOut) / window.Seconds(),
		CostMicroUSD: s.Cost, MemoryBytes: memory(),
	}
	if rate, known := s.SuccessRate(); known {
		out.SuccessRate = &rate
	}
	v.note(state.InFlight)
	for _, p := range v.Providers {
		out.Attempts += int64(v.Windows.Stats(telemetry.Scope{Provider: p.Name}, window).Requests)
	}
	out.Failovers = max(0, out.Attempts-out.Requests)
	return out, nil
}

func percentiles(q telemetry.Quantiles) console.Percentiles {
	return console.Percentiles{P50: millis(q.P50), P95: millis(q.P95), P99: millis(q.P99)}
}

// memory is what the Go runtime has from the system and has not given back.
func memory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// History returns the columns of the charts.
func (f figures) History(_ context.Context, span time.Duration) (console.History, error) {
	step := 10 * time.Second
	if span > time.Hour {
		step = time.Minute
	}
	v := f.Gateway.View()
	points := v.Windows.History(telemetry.Scope{}, step)
	h := console.History{StepSeconds: int(step.Seconds()), Time: []int64{}}
	for _, p := range points {
		h.Time = append(h.Time, p.Time.Unix())
		h.Requests = append(h.Requests, float64(p.Requests))
		h.Failures = append(h.Failures, float64(p.Failed))
		h.TTFTP50 = append(h.TTFTP50, measured(p.TTFT50))
		h.TTFTP95 = append(h.TTFTP95, measured(p.TTFT95))
		h.TokensIn = append(h.TokensIn, float64(p.TokensIn))
		h.TokensOut = append(h.TokensOut, float64(p.TokensOut))
		h.Cost = append(h.Cost, float64(p.Cost))
		h.InFlight = append(h.InFlight, v.most(p.Time, p.Time.Add(step)))
	}
	if n := len(points); n > 0 {
		h.From = console.At(points[0].Time)
		now := float64(f.State.State().InFlight)
		h.InFlight[n-1] = max(now, zeroed(h.InFlight[n-1]))
	}
	return h, nil
}

// note remembers how many exchanges are under way.
func (v *View) note(n int64) {
	if v.Load != nil {
		v.Load.Note(time.Now(), n)
	}
}

// most returns how many exchanges were under way at most, or NaN.
func (v *View) most(from, until time.Time) float64 {
	if v.Load == nil {
		return math.NaN()
	}
	return v.Load.Most(from, until)
}

func zeroed(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// measured is a duration in milliseconds, or nothing where none was measured.
func measured(d time.Duration) float64 {
	if d == 0 {
		return math.NaN()
	}
	return millis(d)
}

// alerts is console.Alerts.
type alerts struct{ *Plane }

// Alerts returns what is, or lately was, wrong, and what is watched.
func (a alerts) Alerts(context.Context) ([]console.Alert, []console.AlertRule, error) {
	watch := a.Gateway.View().Watch
	shown := []console.Alert{}
	for _, x := range watch.Active() {
		shown = append(shown, ShowAlert(x, ""))
	}
	for _, e := range watch.History(50) {
		if e.State == alert.Resolved {
			shown = append(shown, ShowAlert(e.Alert, e.Summary))
		}
	}
	rules := []console.AlertRule{}
	for _, r := range watch.Rules() {
		rules = append(rules, console.AlertRule{
			Name: r.Name, Metric: string(r.Metric), Threshold: r.Threshold, Clear: r.Clear, WindowSeconds: r.Window.Seconds(),
			ForSeconds: r.For.Seconds(), MinRequests: int64(r.MinRequests), Provider: r.Provider,
		})
	}
	return shown, rules, nil
}

// ShowAlert is an alert as the console shows it; summary may be empty.
func ShowAlert(x alert.Alert, summary string) console.Alert {
	if summary == "" {
		summary = x.Summary()
	}
	return console.Alert{
		Name: x.Rule, State: string(x.State), Metric: string(x.Metric), Value: x.Value, Threshold: x.Threshold,
		Since: console.At(x.Since), Provider: x.Subject, Text: summary,
	}
}

// meta is console.Meta.
type meta struct{ *Plane }

// Meta says what process this is and how its parts are doing.
func (m meta) Meta(context.Context) (console.About, error) {
	v := m.Gateway.View()
	about := console.About{
		Version: m.Version, Started: console.At(m.Started), Go: runtime.Version(), ConfigSource: v.Source, Simulated: v.Simulated,
		SetupNeeded: v.Simulated, GatewayURL: v.Address, Vault: console.VaultState{State: "absent"},
		Health: console.Health{Ledger: console.Condition{OK: true}, Audit: console.Condition{OK: true}, Telemetry: console.Condition{OK: true}},
	}
	if about.ConfigSource == "" {
		about.ConfigSource = "the environment"
	}
	if v.Vault != nil {
		s := v.Vault.Status()
		about.Vault = console.VaultState{State: "open", Source: s.KeySource}
	}
	for _, s := range m.State.State().Stores {
		condition := console.Condition{OK: s.Trouble == "", Message: s.Trouble}
		switch s.Name {
		case "ledger":
			about.Health.Ledger = condition
		case "audit":
			about.Health.Audit = condition
		case "learned":
			about.Health.Telemetry = condition
		}
	}
	return about, nil
}
