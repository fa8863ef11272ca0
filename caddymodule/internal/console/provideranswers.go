package console

import (
	"fmt"
	"maps"
	"slices"
)

type providersAnswer struct {
	Providers []Provider `json:"providers"`
	Next      string     `json:"next,omitzero"`
}

func listProviders(k *call) (any, error) {
	all, err := k.c.o.Backend.Providers.List(k.ctx())
	if err != nil {
		return nil, err
	}
	var out providersAnswer
	out.Providers, out.Next, err = page(k, all, func(p Provider) string { return p.ID })
	return out, err
}

func getProvider(k *call) (any, error) {
	p, etag, err := k.c.o.Backend.Providers.Get(k.ctx(), k.names[0])
	if err != nil {
		return nil, err
	}
	k.tag(etag)
	return p, nil
}

func createProvider(k *call) (any, error) {
	var in NewProvider
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	p.text("/id", in.ID, true)
	if in.Kind == nil {
		p.add("/kind", "this is needed")
	}
	in.check(&p)
	if len(in.Keys) > maxKeys {
		p.add("/keys", "more keys than one request may bring")
	}
	for i, key := range in.Keys[:min(len(in.Keys), maxKeys)] {
		p.text(fmt.Sprintf("/keys/%d/name", i), key.Name, true)
		p.text(fmt.Sprintf("/keys/%d/account", i), key.Account, false)
		p.secret(fmt.Sprintf("/keys/%d/secret", i), key.Secret)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	var out Provider
	err := k.change(in.ID, nil, in, func() (err error) {
		out, err = k.c.o.Backend.Providers.Create(k.settled(), in)
		return err
	})
	k.c.feed.Provider(in.ID)
	return created{out}, err
}

func putProvider(k *call) (any, error) {
	match, err := k.match()
	if err != nil {
		return nil, err
	}
	var in struct {
		ID *string `json:"id"`
		ProviderChange
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	id := k.names[0]
	var p problems
	if in.ID != nil && *in.ID != id {
		p.add("/id", "a provider keeps its id")
	}
	in.check(&p)
	if err := p.err(); err != nil {
		return nil, err
	}
	before, _, err := k.c.o.Backend.Providers.Get(k.ctx(), id)
	if err != nil {
		return nil, err
	}
	var out Provider
	var etag string
	err = k.change(id, before.settings(), in.ProviderChange, func() (err error) {
		out, etag, err = k.c.o.Backend.Providers.Put(k.settled(), id, match, in.ProviderChange)
		return err
	})
	if err != nil {
		return nil, err
	}
	k.tag(etag)
	k.c.feed.Provider(id)
	return out, nil
}

func deleteProvider(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	match := ""
	if k.r.Header.Get("If-Match") != "" {
		var err error
		if match, err = k.match(); err != nil {
			return nil, err
		}
	}
	id := k.names[0]
	before, _, err := k.c.o.Backend.Providers.Get(k.ctx(), id)
	if err != nil {
		return nil, err
	}
	return done{}, k.change(id, before.settings(), nil, func() error {
		return k.c.o.Backend.Providers.Delete(k.settled(), id, match)
	})
}

func testProvider(k *call) (any, error) {
	var in struct {
		Key string `json:"key"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	p.text("/key", in.Key, false)
	if err := p.err(); err != nil {
		return nil, err
	}
	var out TestResult
	err := k.change(k.names[0], nil, in, func() (err error) {
		out, err = k.c.o.Backend.Providers.Test(k.ctx(), k.names[0], in.Key)
		return err
	})
	return out, err
}

type toggle struct {
	Enabled *bool `json:"enabled"`
}

func toggleProvider(k *call) (any, error) {
	var in toggle
	if err := k.read(&in); err != nil {
		return nil, err
	}
	if in.Enabled == nil {
		return nil, Invalid(Problem{Pointer: "/enabled", Message: "this is needed"})
	}
	id := k.names[0]
	var out Provider
	err := k.change(id, nil, in, func() (err error) {
		out, err = k.c.o.Backend.Providers.Toggle(k.settled(), id, *in.Enabled)
		return err
	})
	k.c.feed.Provider(id)
	return out, err
}

func orderProviders(k *call) (any, error) {
	var in struct {
		Tiers map[string]int `json:"tiers"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	if len(in.Tiers) == 0 {
		p.add("/tiers", "this is needed")
	}
	for _, id := range slices.Sorted(maps.Keys(in.Tiers)) {
		p.text("/tiers", id, true)
		p.natural("/tiers/"+escapePointer(id), int64(in.Tiers[id]), maxTier)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	err := k.change("", nil, in, func() error {
		return k.c.o.Backend.Providers.Order(k.settled(), in.Tiers)
	})
	if err != nil {
		return nil, err
	}
	for id := range in.Tiers {
		k.c.feed.Provider(id)
	}
	return listProviders(k)
}

type catalogueAnswer struct {
	Kinds []Kind `json:"kinds"`
}

func getCatalogue(k *call) (any, error) {
	kinds, err := k.c.o.Backend.Providers.Catalogue(k.ctx())
	return catalogueAnswer{kinds}, err
}
