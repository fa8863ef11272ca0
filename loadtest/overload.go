package main

import (
	"context"
	"fmt"
)

// A gateway that takes 64 requests at once gets four times as many as that is good for. It has to turn the others away
// at once, in the client's dialect and with a time to come again, and those it has taken must not notice.
const (
	overloadPlaces    = 64
	overloadTTFT      = "400ms"
	overloadFits      = 40 // a second, with room to spare for a pause of the machine
	overloadPerSecond = 640
	overloadSeconds   = 4
	overloaded        = "busy"
)

func overloadDocument(origins []string) document {
	id := "sim-ok-tokens-50-ttft-" + overloadTTFT
	return document{
		providers: []provider{{name: "one", origin: origins[0], keys: []string{"a", "b"}, speaks: bothDialects}},
		models:    []model{{overloaded, "one", id, 1}},
		more:      fmt.Sprintf("limits:\n  in_flight: %d\n  queue: 0\n", overloadPlaces),
	}
}

// overloadKinds are the kinds of requests that are turned away.
var overloadKinds = []struct {
	name             string
	messages, stream bool
}{{"Chat", false, false}, {"Messages, streams", true, true}}

func overload(ctx context.Context, r *rig) (*Result, error) {
	p, err := r.startGateway(ctx, overloadDocument(r.origins), overloaded)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	result := &Result{Checks: []Check{{What: "errors and improper refusals"}}}
	for _, kind := range overloadKinds {
		t := traffic{messages: kind.messages, stream: kind.stream, size: 1 << 10}
		var samples [2]*sample
		for i, perSecond := range []int{overloadFits, overloadPerSecond} {
			l := load{
				targets: same(t.target(p.url, overloaded)), requests: perSecond * r.scaled(overloadSeconds, 2), atOnce: 2048, perSec: perSecond,
				stream: t.stream, messages: t.messages, mayRefuse: true,
			}
			r.say("  %s: %d requests, %d a second", kind.name, l.requests, perSecond)
			if samples[i], err = l.run(ctx, p); err != nil {
				return nil, fmt.Errorf("%s: %w", kind.name, err)
			}
		}
		result.addOverload(kind.name, samples)
	}
	return result, nil
}

// addOverload adds the rows and checks of a kind: what fits, and what is too much.
func (result *Result) addOverload(kind string, samples [2]*sample) {
	for i, s := range samples {
		row := summary([]*sample{s})
		row.Load, row.Path = kind, [...]string{"as many as fit", "four times as many"}[i]
		row.Refusal99 = millis(s.refusal.quantile(0.99))
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[i:i+1])
		result.Checks[0].Value += float64(row.Errors)
	}
	fits, over4 := samples[0], samples[1]
	accepted := over4.requests - over4.refused - over4.errors
	result.Checks = append(result.Checks,
		Check{What: kind + ", refused although there was room", Value: float64(fits.refused)},
		ratioCheck(kind+", p50 of the accepted / unloaded", over(millis(over4.p50), millis(fits.p50)), 2, 1.1),
		// Fewer than places would mean that refusals cost accepted requests theirs.
		ratioCheck(kind+", places / accepted", over(overloadPlaces, float64(accepted)), 1, 0))
}
