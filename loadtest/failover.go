package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// The cost of one failover is hard to see in a gateway that remembers what failed: the second request no longer asks the
// bad target. So every request of the first part asks for an alias of its own, whose first target is a model of the bad
// provider that nobody has asked for before, and whose second target is a model of a good provider. Rests and breakers
// belong to single models, so each such request meets its failure, once; X-Aimux-Attempts shows that it did.
//
// The second part asks for one alias over and over and counts how many requests still met the failure.
const (
	failoversPerRound = 40
	steadyPerSecond   = 200
	steadySeconds     = 4
	// failoverLimit is what a failed attempt may add, in milliseconds, and failoverAim what the project aims at.
	failoverLimit, failoverAim = 100, 0.5
	// restingAim is the share of requests, in percent, that may try a target known to fail.
	restingLimit, restingAim = 10, 2
)

// badProvider is a provider that always fails in one way.
type badProvider struct {
	name string
	what string
	key  string // tells the simulator what to do
}

func badProviders() []badProvider {
	return []badProvider{
		{"refused", "connection refused", "any"},
		{"limited", "429", "sim-429"},
		{"failing", "500", "sim-500"},
		{"reset", "connection reset", "sim-reset"},
	}
}

// healthy is the provider that always answers, and the alias that asks only for it.
const healthy = "healthy"

func single(name string, i int) string { return fmt.Sprintf("%s-%d", name, i) }

// failoverDocument has n aliases to be used once for each provider, and one to be used often. Every provider has an
// origin of its own; closed is an address where nobody listens.
func failoverDocument(origins []string, closed string, n int) (string, []string) {
	providers := []provider{{name: healthy, origin: origins[0], keys: []string{healthy}}}
	models := []model{{alias, healthy, "m-first", 1}}
	for i := range n {
		models = append(models, model{single(healthy, i), healthy, single("m", i), 1})
	}
	for j, bad := range badProviders() {
		base := origins[j+1]
		if bad.name == "refused" {
			base = "http://" + closed
		}
		providers = append(providers, provider{name: bad.name, origin: base, keys: []string{bad.key}})
		for i := range n {
			models = append(models, model{single(bad.name, i), bad.name, single("m", i), 1}, model{single(bad.name, i), healthy, single("m", i), 2})
		}
		models = append(models, model{"steady-" + bad.name, bad.name, "m-steady", 1}, model{"steady-" + bad.name, healthy, "m-steady", 2})
	}
	return document(providers, models)
}

func failover(ctx context.Context, r *rig) (*Result, error) {
	samples := make(map[string][]*sample)
	for round := range r.rounds {
		if err := singleFailovers(ctx, r, round, samples); err != nil {
			return nil, err
		}
		r.say("  round %d of %d: healthy p50 %s, refused p50 %s", round+1, r.rounds, last(samples[healthy]).p50, last(samples["refused"]).p50)
	}
	result := &Result{Checks: []Check{{What: "errors"}}}
	result.addSingles(samples)
	if err := result.addSteady(ctx, r); err != nil {
		return nil, err
	}
	for _, row := range result.Rows {
		result.Checks[0].Value += float64(row.Errors)
	}
	return result, nil
}

// startFailover starts a gateway that knows nothing yet, with n aliases to be used once.
func startFailover(ctx context.Context, r *rig, n int) (*process, error) {
	closed, err := freeAddress()
	if err != nil {
		return nil, err
	}
	document, env := failoverDocument(r.origins, closed, n)
	p, _, err := r.startGateway(ctx, document, env)
	return p, err
}

// singleFailovers measures each kind in turn in a fresh gateway, whichever comes first in this round, after a few of
// each to warm up.
func singleFailovers(ctx context.Context, r *rig, round int, samples map[string][]*sample) error {
	perRound := r.scaled(failoversPerRound, 4)
	warmUp := perRound/4 + 1
	p, err := startFailover(ctx, r, warmUp+perRound)
	if err != nil {
		return err
	}
	defer p.stop()
	names := []string{healthy}
	for _, bad := range badProviders() {
		names = append(names, bad.name)
	}
	for _, part := range []struct{ first, n int }{{0, warmUp}, {warmUp, perRound}} {
		for turn := range names {
			name := names[(turn+round)%len(names)]
			l := load{targets: eachOnce(p.url, name, part.first), requests: part.n, atOnce: 1}
			s, err := l.run(ctx, p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if part.first > 0 {
				samples[name] = append(samples[name], s)
			}
		}
	}
	return nil
}

func last(s []*sample) *sample { return s[len(s)-1] }

// eachOnce returns a targeter that asks for the aliases name-first, name-first+1 and so on.
func eachOnce(base, name string, first int) vegeta.Targeter {
	var next atomic.Int64
	next.Store(int64(first))
	return func(t *vegeta.Target) error {
		*t = traffic{size: 1 << 10}.target(base, single(name, int(next.Add(1)-1)))
		t.Method = http.MethodPost
		return nil
	}
}

// addSingles adds the rows and checks of the first part.
func (result *Result) addSingles(samples map[string][]*sample) {
	good := pooled(samples[healthy])
	row := summary(samples[healthy])
	row.Load, row.Path, row.P99, row.Attempts = "one at a time", "first target healthy", millis(quantile(good.latencies, 0.99)), attempts(good)
	result.Rows = append(result.Rows, row)
	missed := 0
	for _, bad := range badProviders() {
		all := pooled(samples[bad.name])
		row := summary(samples[bad.name])
		row.Load, row.Path, row.P99, row.Attempts = "one at a time", bad.what, millis(quantile(all.latencies, 0.99)), attempts(all)
		row.Added50 = medianAdded(samples[bad.name], samples[healthy])
		row.Added99 = row.P99 - result.Rows[0].P99
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[bad.name])
		result.Checks = append(result.Checks,
			Check{What: bad.what + ", added p50", Value: row.Added50, Bound: failoverLimit, Target: failoverAim, Unit: " ms"},
			Check{What: bad.what + ", added p99", Value: row.Added99, Bound: failoverLimit, Unit: " ms"})
		missed += all.requests - all.second
	}
	result.Checks = append(result.Checks, Check{What: "requests that did not meet their failure", Value: float64(missed)})
}

// medianAdded returns how many milliseconds a's median lies over b's, the median of the rounds.
func medianAdded(a, b []*sample) float64 {
	var v []float64
	for i := range min(len(a), len(b)) {
		v = append(v, millis(a[i].p50-b[i].p50))
	}
	return median(v)
}

// pooled puts the rounds together, for percentiles that one round is too short for.
func pooled(samples []*sample) *sample {
	all := &sample{}
	for _, s := range samples {
		all.requests += s.requests
		all.attempts += s.attempts
		all.second += s.second
		all.latencies = append(all.latencies, s.latencies...)
	}
	return all
}

func attempts(s *sample) float64 { return float64(s.attempts) / float64(max(1, s.requests)) }

// addSteady adds the second part: one alias for each failure, asked evenly for some seconds.
func (result *Result) addSteady(ctx context.Context, r *rig) error {
	p, err := startFailover(ctx, r, 0)
	if err != nil {
		return err
	}
	defer p.stop()
	requests := r.scaled(steadyPerSecond*steadySeconds, 200)
	for _, bad := range badProviders() {
		r.say("  %s: %d requests in %s", bad.what, requests, time.Duration(requests)*time.Second/steadyPerSecond)
		l := load{targets: same(traffic{size: 1 << 10}.target(p.url, "steady-"+bad.name)), requests: requests, atOnce: 8, perSec: steadyPerSecond}
		s, err := l.run(ctx, p)
		if err != nil {
			return fmt.Errorf("steady, %s: %w", bad.what, err)
		}
		row := summary([]*sample{s})
		row.Load, row.Path, row.Attempts, row.PerSecond = fmt.Sprintf("%d a second", steadyPerSecond), bad.what, attempts(s), 0
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, []*sample{s})
		share := 100 * float64(s.second) / float64(s.requests)
		result.Checks = append(result.Checks, Check{What: bad.what + ", requests that tried the bad target", Value: share, Bound: restingLimit, Target: restingAim, Unit: " %"})
	}
	return nil
}
