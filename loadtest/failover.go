package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// The cost of one failover is hard to see in a gateway that remembers what failed: the second request no longer asks the
// bad target. So every request of this scenario asks for an alias of its own, whose first target is a model of the bad
// provider that nobody has asked for before, and whose second target is a model of a good provider. Rests and breakers
// belong to single models, so each such request meets its failure, once; X-Aimux-Attempts shows that it did.
//
// How often the bad target is still tried when one alias is asked for over and over is the question of the scenarios
// named after the failures.
const (
	failoversPerRound = 40
	// failoverLimit is what a failed attempt may add, in milliseconds, and failoverAim what the project aims at.
	failoverLimit, failoverAim = 100, 0.5
)

// badProvider is a provider that always fails in one way.
type badProvider struct {
	name     string
	what     string
	key      string // tells the simulator what to do
	patience string // how long the gateway waits for it. Default: 60s
}

func badProviders() []badProvider {
	return []badProvider{
		{name: "refused", what: "connection refused", key: "any"},
		{name: "limited", what: "429", key: "sim-429"},
		{name: "failing", what: "500", key: "sim-500"},
		{name: "reset", what: "connection reset", key: "sim-reset"},
		{name: "stalled", what: "silence", key: "sim-silence", patience: "1s"},
	}
}

// healthy is the provider that always answers, and the alias that asks only for it.
const healthy = "healthy"

func single(name string, i int) string { return fmt.Sprintf("%s-%d", name, i) }

// failoverDocument has n aliases to be used once for each provider. Every provider has an origin of its own; closed is an
// address where nobody listens.
func failoverDocument(origins []string, closed string, n int) document {
	var d document
	d.providers = []provider{{name: healthy, origin: origins[0], keys: []string{healthy}}}
	for i := range n {
		d.models = append(d.models, model{single(healthy, i), healthy, single("m", i), 1})
	}
	for j, bad := range badProviders()[:4] {
		d.providers = append(d.providers, bad.at(origins[j+1], closed))
		for i := range n {
			d.models = append(d.models, model{single(bad.name, i), bad.name, single("m", i), 1}, model{single(bad.name, i), healthy, single("m", i), 2})
		}
	}
	return d
}

// at returns the provider at an origin, or at closed if it refuses connections.
func (b badProvider) at(origin, closed string) provider {
	if b.name == "refused" {
		origin = "http://" + closed
	}
	return provider{name: b.name, origin: origin, keys: []string{b.key}, patience: b.patience}
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
	return r.startGateway(ctx, failoverDocument(r.origins, closed, n), single(healthy, 0))
}

// singleFailovers measures each kind in turn in a fresh gateway, whichever comes first in this round, after a few of
// each to warm up.
func singleFailovers(ctx context.Context, r *rig, round int, samples map[string][]*sample) error {
	perRound := r.scaled(failoversPerRound, 4)
	warmUp := perRound/4 + 2 // the first of the healthy ones was used to see that it answers
	p, err := startFailover(ctx, r, warmUp+perRound)
	if err != nil {
		return err
	}
	defer p.stop()
	names := []string{healthy}
	for _, bad := range badProviders()[:4] {
		names = append(names, bad.name)
	}
	for _, part := range []struct{ first, n int }{{1, warmUp - 1}, {warmUp, perRound}} {
		for turn := range names {
			name := names[(turn+round)%len(names)]
			l := load{targets: eachOnce(p.url, name, part.first), requests: part.n, atOnce: 1}
			s, err := l.run(ctx, p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if part.first == warmUp {
				samples[name] = append(samples[name], s)
			}
		}
	}
	return nil
}

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
	row.Load, row.Path, row.P99, row.Attempts = "one at a time", "first target healthy", millis(good.latency.quantile(0.99)), attempts(good)
	result.Rows = append(result.Rows, row)
	missed := 0
	for _, bad := range badProviders()[:4] {
		all := pooled(samples[bad.name])
		row := summary(samples[bad.name])
		row.Load, row.Path, row.P99, row.Attempts = "one at a time", bad.what, millis(all.latency.quantile(0.99)), attempts(all)
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
