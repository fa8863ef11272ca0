package main

import (
	"context"
	"fmt"
	"time"
)

// A load on an alias whose first target fails: the gateway has to find out while hundreds of requests come in, and to
// remember. Beside it stands the same load on an alias of the good provider alone.
const (
	faultyPerSecond = 400
	faultySeconds   = 4
	// leastSeconds lets a gateway that has to wait a second for a failure know of it for some time.
	leastSeconds = 3
	// restingAim is the share of requests, in percent, that may try a target known to fail.
	restingLimit, restingAim = 10, 2
)

// faultyDocument has an alias of the good provider, and one that asks the bad one first.
func faultyDocument(bad badProvider, origins []string, closed string) document {
	return document{
		providers: []provider{{name: healthy, origin: origins[0], keys: []string{"a", "b"}}, bad.at(origins[1], closed)},
		models: []model{
			{healthy, healthy, "m-good", 1},
			{bad.name, bad.name, "m-bad", 1}, {bad.name, healthy, "m-good", 2},
		},
	}
}

// underLoad asks how a gateway bears that its first target fails under load.
func underLoad(bad badProvider) func(context.Context, *rig) (*Result, error) {
	return func(ctx context.Context, r *rig) (*Result, error) {
		samples := make(map[string][]*sample)
		rounds := min(2, r.rounds)
		for round := range rounds {
			if err := faultyRound(ctx, r, bad, samples); err != nil {
				return nil, err
			}
			s := last(samples[bad.name])
			r.say("  round %d of %d: %d requests, %d errors, %.2f %% tried the bad target, p99 %s", round+1, rounds, s.requests, s.errors, share(s), s.p99)
		}
		return faultyResult(bad, samples), nil
	}
}

// faultyRound measures both aliases in a fresh gateway.
func faultyRound(ctx context.Context, r *rig, bad badProvider, samples map[string][]*sample) error {
	closed, err := freeAddress()
	if err != nil {
		return err
	}
	p, err := r.startGateway(ctx, faultyDocument(bad, r.origins, closed), healthy)
	if err != nil {
		return err
	}
	defer p.stop()
	n := r.scaled(faultyPerSecond*faultySeconds, faultyPerSecond*leastSeconds)
	for _, name := range []string{healthy, bad.name} {
		l := load{targets: same(traffic{size: 1 << 10}.target(p.url, name)), requests: n, atOnce: 512, perSec: faultyPerSecond}
		s, err := l.run(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		samples[name] = append(samples[name], s)
	}
	return nil
}

func faultyResult(bad badProvider, samples map[string][]*sample) *Result {
	result := &Result{Checks: []Check{{What: "errors"}}}
	for _, name := range []string{healthy, bad.name} {
		row := summary(samples[name])
		row.Load, row.Path, row.PerSecond = fmt.Sprintf("%d a second", faultyPerSecond), "first target healthy", 0
		if name == bad.name {
			row.Path = bad.what
			row.Added50 = medianAdded(samples[name], samples[healthy])
		}
		row.Attempts = attempts(pooled(samples[name]))
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[name])
	}
	what, unknown := "requests that tried the bad target", time.Duration(0)
	if d, err := time.ParseDuration(bad.patience); err == nil {
		// Nobody can know of a silence before the first request has waited it out.
		what, unknown = fmt.Sprintf("requests that tried the bad target, after %s", bad.patience), d+d/2
		result.Notes = append(result.Notes, fmt.Sprintf("in all %.1f %% of the requests waited for the silent target", share(pooled(samples[bad.name]))))
	}
	result.Checks = append(result.Checks,
		Check{What: what, Value: shareFrom(pooled(samples[bad.name]), unknown), Bound: restingLimit, Target: restingAim, Unit: " %"},
		ratioCheck("CPU with a bad first target / without", ratio(samples[bad.name], samples[healthy], cpu), 3, 0))
	result.Plots = []Plot{{
		Title: "Requests that met the failure", X: "seconds", Y: "%",
		Lines: []Line{timeline("round 1", samples[bad.name][0], 100*time.Millisecond, func(p point) bool { return p.attempts > 1 })},
	}}
	return result
}

// shareFrom returns how many percent of the requests that began at a time or later took more than one attempt.
func shareFrom(s *sample, from time.Duration) float64 {
	var all, second float64
	for _, p := range s.points {
		if p.at < from {
			continue
		}
		all++
		if p.attempts > 1 {
			second++
		}
	}
	return 100 * over(second, all)
}

// timeline returns how many percent of the requests that began in each step are such.
func timeline(name string, s *sample, step time.Duration, such func(point) bool) Line {
	var all, some []float64
	for _, p := range s.points {
		i := max(0, int(p.at/step))
		for len(all) <= i {
			all, some = append(all, 0), append(some, 0)
		}
		all[i]++
		if such(p) {
			some[i]++
		}
	}
	for i := range all {
		some[i] = micro(100 * over(some[i], all[i]))
	}
	return Line{Name: name, Step: step.Seconds(), Values: some}
}
