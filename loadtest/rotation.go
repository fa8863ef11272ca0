package main

import (
	"context"
	"fmt"
)

// Some of a provider's keys have used up their limit: each answers 429 and asks for a second's rest. The gateway has to
// go round them; beside it stands the same load on a provider all of whose keys are good.
const (
	goodKeys, limitedKeys = 5, 3
	allGood, someLimited  = "good", "rotating"
)

func rotationDocument(origins []string) document {
	good := provider{name: allGood, origin: origins[0]}
	mixed := provider{name: someLimited, origin: origins[1]}
	for i := range goodKeys + limitedKeys {
		good.keys = append(good.keys, fmt.Sprintf("good-%d", i))
		mixed.keys = append(mixed.keys, fmt.Sprintf("good-%d", i))
		if i%2 == 1 && i/2 < limitedKeys {
			mixed.keys[i] = fmt.Sprintf("sim-429-retry-after-1-tag-%d", i)
		}
	}
	return document{
		providers: []provider{good, mixed},
		models:    []model{{allGood, allGood, firstModel, 1}, {someLimited, someLimited, firstModel, 1}},
	}
}

func rotation(ctx context.Context, r *rig) (*Result, error) {
	p, err := r.startGateway(ctx, rotationDocument(r.origins), allGood)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	samples, err := r.takeTurns(ctx, p, allGood, someLimited)
	if err != nil {
		return nil, err
	}
	return rotationResult(samples), nil
}

// takeTurns sends the same small requests for two models of one gateway in turn.
func (r *rig) takeTurns(ctx context.Context, p *process, names ...string) (map[string][]*sample, error) {
	samples := make(map[string][]*sample)
	n := r.scaled(3000, 1000)
	for round := range r.rounds {
		for turn := range names {
			name := names[(turn+round)%len(names)]
			l := load{targets: same(traffic{size: 1 << 10}.target(p.url, name)), requests: n, atOnce: 32}
			s, err := l.run(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			samples[name] = append(samples[name], s)
			r.say("  round %d of %d: %s %.0f/s, %d errors, %.2f %% took more than one attempt", round+1, r.rounds, name, s.perSecond, s.errors, share(s))
		}
	}
	return samples, nil
}

func rotationResult(samples map[string][]*sample) *Result {
	result := &Result{Checks: []Check{{What: "errors"}}}
	for _, name := range []string{allGood, someLimited} {
		row := summary(samples[name])
		row.Load, row.Path = "32 at once", fmt.Sprintf("%d good keys", goodKeys+limitedKeys)
		if name == someLimited {
			row.Path = fmt.Sprintf("%d of %d keys at their limit", limitedKeys, goodKeys+limitedKeys)
			row.Added50 = medianAdded(samples[name], samples[allGood])
		}
		row.Attempts = attempts(pooled(samples[name]))
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[name])
	}
	result.Checks = append(result.Checks,
		Check{What: "requests that met a limited key", Value: share(pooled(samples[someLimited])), Bound: restingLimit, Target: restingAim, Unit: " %"},
		ratioCheck("CPU with limited keys / without", ratio(samples[someLimited], samples[allGood], cpu), 3, 0))
	return result
}
