package consoletest

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

type (
	meta     struct{ *Fake }
	metrics  struct{ *Fake }
	requests struct{ *Fake }
	usage    struct{ *Fake }
	alerts   struct{ *Fake }
)

func (f meta) Meta(context.Context) (about console.About, err error) {
	err = f.read(func() {
		about = console.About{
			Version: "v0.0.0", Started: console.At(f.now().Add(-time.Hour)), Go: "go1.26", ConfigSource: "aimux.toon",
			Vault:       console.VaultState{State: "open", Source: "key file"},
			Health:      console.Health{Ledger: console.Condition{OK: true}, Audit: console.Condition{OK: true}, Telemetry: console.Condition{OK: true}},
			SetupNeeded: len(f.providers) == 0,
		}
	})
	return about, err
}

func (f metrics) Now(_ context.Context, window time.Duration) (out console.Figures, err error) {
	err = f.read(func() {
		now := f.now()
		rate := wave(now, 4, 40)
		n := int64(rate * window.Seconds())
		out = console.Figures{
			Now: console.At(now), Requests: n, Failures: n / 90, RequestsPerSecond: rate, SuccessRate: ptr(0.989), InFlight: n % 17,
			TTFT: console.Percentiles{P50: 210, P95: wave(now, 500, 900), P99: 1400}, Duration: console.Percentiles{P50: 2100, P95: 8000, P99: 15000},
			TokensIn: n * 1500, TokensOut: n * 400, TokensPerSecond: rate * 400, CostMicroUSD: n * 2000, Attempts: n + n/20, Failovers: n / 20,
			MemoryBytes: 41 << 20, Streams: n % 17,
		}
	})
	return out, err
}

func (f metrics) History(_ context.Context, span time.Duration) (out console.History, err error) {
	err = f.read(func() {
		step := 10 * time.Second
		if span > time.Hour {
			step = time.Minute
		}
		from := f.now().Add(-span).Truncate(step)
		out = console.History{From: console.At(from), StepSeconds: int(step.Seconds())}
		for at := from; at.Before(f.now()); at = at.Add(step) {
			n, known := wave(at, 40, 400), at.Unix()%700 > 60
			ttft := 180 + wave(at, 0, 80)
			if !known {
				ttft = math.NaN()
			}
			out.Time = append(out.Time, at.Unix())
			out.Requests, out.Failures = append(out.Requests, n), append(out.Failures, math.Floor(n/80))
			out.TTFTP50, out.TTFTP95 = append(out.TTFTP50, ttft), append(out.TTFTP95, 3*ttft)
			out.TokensIn, out.TokensOut = append(out.TokensIn, n*1500), append(out.TokensOut, n*400)
			out.Cost, out.InFlight = append(out.Cost, n*2000), append(out.InFlight, math.Floor(n/30))
		}
	})
	return out, err
}

func (f requests) List(_ context.Context, q console.RequestQuery) (rows []console.Request, next string, err error) {
	err = f.read(func() {
		rows = []console.Request{}
		passed := q.Cursor == ""
		for _, r := range f.requests {
			if !passed {
				passed = r.ID == q.Cursor
				continue
			}
			if !wanted(r.Request, q) {
				continue
			}
			if len(rows) == q.Limit {
				next = rows[len(rows)-1].ID
				return
			}
			rows = append(rows, r.Request)
		}
	})
	return rows, next, err
}

func wanted(r console.Request, q console.RequestQuery) bool {
	for _, p := range [...][2]string{{q.Provider, r.Provider}, {q.Model, r.Model}, {q.Client, r.Client}, {q.Session, r.Session}, {q.Class, r.Class}} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	return !r.Start.Before(q.Since) && strings.HasPrefix(r.ID, q.Text)
}

// Captured returns a request and its answer for those that exist.
func (f requests) Captured(ctx context.Context, id string) ([]console.CapturedText, error) {
	r, err := f.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return []console.CapturedText{{Kind: "request", At: r.Start, Bytes: 2, Text: "{}"}, {Kind: "answer", At: r.Start, Bytes: 1 << 20, Cut: true, Text: "{"}}, nil
}

func (f requests) Get(_ context.Context, id string) (out console.RequestDetail, err error) {
	found := false
	err = f.read(func() {
		for _, r := range f.requests {
			if r.ID == id {
				out, found = r, true
			}
		}
	})
	if err == nil && !found {
		err = console.NotFound("there is no such request")
	}
	return out, err
}

func (f requests) Sessions(_ context.Context, since time.Time, _ string, limit int) (rows []console.Session, next string, err error) {
	err = f.read(func() {
		rows = []console.Session{}
		for _, r := range f.requests {
			i := slices.IndexFunc(rows, func(s console.Session) bool { return s.ID == r.Session })
			if i < 0 {
				if len(rows) == limit || r.Start.Before(since) {
					continue
				}
				i = len(rows)
				rows = append(rows, console.Session{ID: r.Session, Last: r.Start, Agents: []console.SessionAgent{{ID: r.Agent}}})
			}
			s := &rows[i]
			s.Start = r.Start
			s.Requests++
			s.CostMicroUSD += r.CostMicroUSD
			s.TokensIn += r.TokensIn
			s.TokensOut += r.TokensOut
			s.Agents[0].Requests++
			s.Agents[0].CostMicroUSD += r.CostMicroUSD
		}
	})
	return rows, "", err
}

func (f usage) Groups(_ context.Context, q console.UsageQuery) (out []console.UsageGroup, err error) {
	err = f.read(func() {
		out = []console.UsageGroup{}
		for _, r := range f.requests {
			key := map[string]string{
				"provider": r.Provider, "model": r.Model, "client": r.Client, "key": r.Provider + "/main", "session": r.Session,
				"day": r.Start.UTC().Format("2006-01-02"), "hour": r.Start.UTC().Format("2006-01-02T15"),
			}[q.By]
			i := slices.IndexFunc(out, func(g console.UsageGroup) bool { return g.Key == key })
			if i < 0 {
				i = len(out)
				out = append(out, console.UsageGroup{Key: key})
			}
			out[i].Requests++
			out[i].TokensIn += r.TokensIn
			out[i].TokensOut += r.TokensOut
			out[i].TokensCached += r.TokensCached
			out[i].CostMicroUSD += r.CostMicroUSD
		}
	})
	return out, err
}

func (f alerts) Alerts(context.Context) (out []console.Alert, rules []console.AlertRule, err error) {
	err = f.read(func() {
		out = slices.Clone(f.alerts)
		rules = []console.AlertRule{{Name: "error rate", Metric: "error_rate", Threshold: 0.05, Clear: 0.03, WindowSeconds: 300, ForSeconds: 60, MinRequests: 20}}
	})
	return out, rules, err
}
