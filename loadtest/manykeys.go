package main

import (
	"context"
	"fmt"
)

// One gateway has two models: one with two targets and three keys each, as in the other scenarios, and one with a
// hundred targets, ten of each of ten providers with a hundred keys each. Choosing among them is what may cost more.
const (
	crowdedProviders = 10
	crowdedKeys      = 100 // of each
	crowdedModels    = 10  // of each
	fewTargets       = "few"
	crowdedTargets   = "crowded"
)

func crowdedDocument(origins []string) document {
	var d document
	add := func(alias, name string, origin, keys, models int) {
		p := provider{name: name, origin: origins[origin%usual]}
		for i := range keys {
			p.keys = append(p.keys, fmt.Sprintf("%s-%d", name, i))
		}
		d.providers = append(d.providers, p)
		for i := range models {
			d.models = append(d.models, model{alias, name, fmt.Sprintf("sim-ok-tokens-50-tag-m%d", i), 1})
		}
	}
	for i := range 2 {
		add(fewTargets, fmt.Sprintf("few%d", i), i, 3, 1)
	}
	for i := range crowdedProviders {
		add(crowdedTargets, fmt.Sprintf("crowd%d", i), i, crowdedKeys, crowdedModels)
	}
	return d
}

func manyKeys(ctx context.Context, r *rig) (*Result, error) {
	p, err := r.startGateway(ctx, crowdedDocument(r.origins), fewTargets)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	samples, err := r.takeTurns(ctx, p, fewTargets, crowdedTargets)
	if err != nil {
		return nil, err
	}
	return manyKeysResult(samples), nil
}

func manyKeysResult(samples map[string][]*sample) *Result {
	result := &Result{Checks: []Check{{What: "errors"}}}
	for _, name := range []string{fewTargets, crowdedTargets} {
		row := summary(samples[name])
		row.Load, row.Path = "32 at once", "2 targets, 6 keys"
		if name == crowdedTargets {
			row.Path = fmt.Sprintf("%d targets, %d keys", crowdedProviders*crowdedModels, crowdedProviders*crowdedKeys)
			row.Added50 = medianAdded(samples[name], samples[fewTargets])
		}
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[name])
	}
	result.Checks = append(result.Checks, ratioCheck("CPU with many keys and targets / with few", ratio(samples[crowdedTargets], samples[fewTargets], cpu), 3, 1.1))
	return result
}
