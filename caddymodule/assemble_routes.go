package caddymodule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/schema"
)

// routes makes the targets, the router over them and the model list.
func (b *builder) routes() (*route.Router, []gateway.ModelInfo, error) {
	t := &targets{builder: b, byID: map[string]*route.Target{}}
	for _, p := range b.runtime.providers {
		for _, m := range p.Vendor.Models {
			t.add(p, m)
		}
	}
	aliases, err := t.aliases()
	if err != nil {
		return nil, nil, err
	}
	r := b.config.Routing
	router, err := route.New(route.Config{
		Targets: t.all, Aliases: aliases, Strategy: route.Strategy(r.Strategy),
		ByModel: true, AnyName: b.config.Implicit,
		Purposes: purposes(r.Purposes), LongContext: r.LongContextFrom, Direct: t.direct,
		Affinity: b.affinity(), Explore: cmp.Or(r.Explore, -1),
	})
	if err != nil {
		return nil, nil, err
	}
	return router, t.list(aliases), nil
}

// affinity is the memory of sessions, or nil if the configuration wants none.
func (b *builder) affinity() *route.Affinity {
	ttl := b.config.Routing.AffinityTTL.Std()
	if ttl == 0 {
		return nil
	}
	return share(b.runtime, "affinity|"+ttl.String(), func() *route.Affinity { return route.NewAffinity(route.AffinityOptions{TTL: ttl}) })
}

// targets collects what may be asked.
type targets struct {
	*builder
	all  []*route.Target
	byID map[string]*route.Target
}

// add makes the target of a provider's model, once.
func (t *targets) add(p *gateway.Provider, m provider.Model) *route.Target {
	id := p.Name + "/" + m.ID
	if known := t.byID[strings.ToLower(id)]; known != nil {
		return known
	}
	target := t.make(p, m)
	t.all = append(t.all, target)
	t.byID[strings.ToLower(id)] = target
	return target
}

func (t *targets) make(p *gateway.Provider, m provider.Model) *route.Target {
	row := t.config.Providers[p.Name]
	target := &route.Target{
		ID: p.Name + "/" + m.ID, Provider: p.Name, Model: m.ID, Caps: m,
		Tier: cmp.Or(row.Tier, 1), Weight: row.Weight, Keys: p.Keys,
		Health: t.runtime.targetState(p.Vendor.Origin(), m.ID),
	}
	for _, d := range [...]llm.Dialect{llm.Anthropic, llm.OpenAI, llm.Responses} {
		if _, ok := p.Vendor.Endpoints[d]; ok {
			target.Dialects = append(target.Dialects, d)
		}
	}
	return target
}

// direct makes a target for a model that a known provider may have though no
// list names it. Nothing is remembered about it.
func (t *targets) direct(name, model string) *route.Target {
	p := t.byName[name]
	if p == nil {
		return nil
	}
	target := &route.Target{
		ID: name + "/" + model, Provider: name, Model: model, Tier: 1, Keys: p.Keys,
	}
	for d := range p.Vendor.Endpoints {
		target.Dialects = append(target.Dialects, d)
	}
	return target
}

// aliases compiles the rows of `models`. Without any configuration there is one
// alias, default: every target, the model each vendor is known for first.
func (t *targets) aliases() ([]route.Alias, error) {
	if t.config.Implicit {
		return []route.Alias{t.defaultAlias()}, nil
	}
	byName := map[string]*route.Alias{}
	var names []string
	for i, row := range t.config.Models {
		if !row.On() {
			continue
		}
		target, err := t.routed(row)
		if err != nil {
			return nil, fmt.Errorf("models row %d: %w", i+1, err)
		}
		a := byName[row.Alias]
		if a == nil {
			settings := t.config.Aliases[row.Alias]
			a = &route.Alias{Name: row.Alias, Strategy: route.Strategy(settings.Strategy), Purposes: purposes(schema.Purposes{
				Thinking: settings.Thinking, Vision: settings.Vision, Tools: settings.Tools,
				LongContext: settings.LongContext, SmallFast: settings.SmallFast,
			})}
			byName[row.Alias] = a
			names = append(names, row.Alias)
		}
		if target != nil {
			a.Members = append(a.Members, route.Member{Target: target, Tier: row.Tier, Weight: row.Weight})
		}
	}
	out := make([]route.Alias, len(names))
	for i, name := range names {
		out[i] = *byName[name]
	}
	return out, nil
}

// routed returns the target of a row: nil if its provider is switched off or
// has no key.
func (t *targets) routed(row schema.Route) (*route.Target, error) {
	p := t.byName[row.Provider]
	if p == nil {
		if _, ok := t.config.Providers[row.Provider]; ok {
			return nil, nil
		}
		return nil, fmt.Errorf("no provider %q", row.Provider)
	}
	if m, ok := p.Vendor.Model(row.Model); ok {
		return t.add(p, *m), nil
	}
	// The catalogue does not know the model: nothing is held against it.
	target := t.add(p, provider.Model{ID: row.Model})
	target.Caps = provider.Model{}
	return target, nil
}

func (t *targets) defaultAlias() route.Alias {
	a := route.Alias{Name: route.Default}
	for _, p := range t.runtime.providers {
		first := p.Vendor.DefaultModel()
		for _, m := range p.Vendor.Models {
			tier := 2
			if m.ID == first.ID {
				tier = 1
			}
			a.Members = append(a.Members, route.Member{Target: t.add(p, m), Tier: tier})
		}
	}
	return a
}

func purposes(p schema.Purposes) map[route.Purpose]string {
	out := map[route.Purpose]string{
		route.Thinking: p.Thinking, route.Vision: p.Vision, route.Tools: p.Tools,
		route.LongContext: p.LongContext, route.SmallFast: p.SmallFast,
	}
	maps.DeleteFunc(out, func(_ route.Purpose, to string) bool { return to == "" })
	return out
}

// list is what the model lists show: aliases first, then every model by its
// full name.
func (t *targets) list(aliases []route.Alias) []gateway.ModelInfo {
	var out []gateway.ModelInfo
	for _, a := range aliases {
		if strings.HasSuffix(a.Name, "*") {
			continue
		}
		info := gateway.ModelInfo{ID: a.Name, Owner: "aimux", Alias: true}
		for _, m := range a.Members {
			info.Context = max(info.Context, m.Target.Caps.Context)
			info.Output = max(info.Output, m.Target.Caps.MaxOutput)
		}
		out = append(out, info)
	}
	for _, target := range slices.SortedFunc(slices.Values(t.all), func(a, b *route.Target) int { return cmp.Compare(a.ID, b.ID) }) {
		out = append(out, gateway.ModelInfo{ID: target.ID, Owner: target.Provider, Context: target.Caps.Context, Output: target.Caps.MaxOutput})
	}
	return out
}
