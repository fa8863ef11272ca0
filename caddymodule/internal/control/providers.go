package control

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
)

// providers is console.Providers.
type providers struct{ *Plane }

// List returns all providers, those that are switched off too.
func (p providers) List(context.Context) ([]console.Provider, error) {
	return p.Gateway.View().providers(), nil
}

// Get returns one provider with the tag of the overrides.
func (p providers) Get(_ context.Context, id string) (console.Provider, string, error) {
	o, err := schema.ReadOverrides(p.Overrides)
	if err != nil {
		return console.Provider{}, "", told(err)
	}
	all := p.Gateway.View().providers()
	i := slices.IndexFunc(all, func(x console.Provider) bool { return x.ID == id })
	if i < 0 {
		return console.Provider{}, "", noProvider(id)
	}
	return all[i], o.Tag(), nil
}

func noProvider(id string) error { return console.NotFound(fmt.Sprintf("there is no provider %q", id)) }

// Create adds a provider with its keys. Keys that were stored are taken back if
// the provider cannot be added.
func (p providers) Create(ctx context.Context, n console.NewProvider) (console.Provider, error) {
	if _, there := p.Gateway.View().Result.Config.Providers[n.ID]; there {
		return console.Provider{}, console.Conflict(fmt.Sprintf("there is a provider %q already", n.ID))
	}
	origin, err := originOf(n.ID, n.ProviderChange)
	if err != nil {
		return console.Provider{}, err
	}
	stored := keeping{plane: p.Plane}
	var rows []map[string]any
	for _, k := range n.Keys {
		id, err := stored.add(ctx, n.ID, k.Name, origin, k.Secret)
		if err != nil {
			stored.takeBack(ctx)
			return console.Provider{}, err
		}
		rows = append(rows, keyRow(n.ID, k.Name, k.Account, id))
	}
	err = p.edit(ctx, "", "added provider "+n.ID, func(o *schema.Overrides, r *schema.Result) error {
		if err := setProvider(o, r, n.ID, n.ProviderChange); err != nil {
			return err
		}
		for _, row := range rows {
			if err := o.AddRow("/keys", row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		stored.takeBack(ctx)
		return console.Provider{}, err
	}
	added, _, err := p.Get(ctx, n.ID)
	return added, err
}

// originOf is the address a new provider's keys belong to.
func originOf(id string, c console.ProviderChange) (string, error) {
	kind := id
	if c.Kind != nil {
		kind = *c.Kind
	}
	known, ok := provider.Catalogue().Vendor(kind)
	if !ok {
		return "", console.Invalid(console.Problem{Pointer: "/kind", Message: fmt.Sprintf("there is no kind %q", kind)})
	}
	v, err := known.At(provider.Bases{Main: deref(c.BaseURL), Anthropic: deref(c.AnthropicBaseURL), Responses: deref(c.ResponsesBaseURL)})
	if err != nil {
		return "", console.Invalid(console.Problem{Pointer: "/base_url", Message: err.Error()})
	}
	return v.Origin(), nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Put changes a provider's settings.
func (p providers) Put(ctx context.Context, id, match string, c console.ProviderChange) (console.Provider, string, error) {
	if err := p.there(id); err != nil {
		return console.Provider{}, "", err
	}
	err := p.edit(ctx, match, "changed provider "+id, func(o *schema.Overrides, r *schema.Result) error { return setProvider(o, r, id, c) })
	if err != nil {
		return console.Provider{}, "", err
	}
	return p.Get(ctx, id)
}

func (p providers) there(id string) error {
	if _, ok := p.Gateway.View().Result.Config.Providers[id]; !ok {
		return noProvider(id)
	}
	return nil
}

// Delete removes a provider that the overrides made, with its keys. One of the
// user's file or of the environment can only be switched off there.
func (p providers) Delete(ctx context.Context, id, match string) error {
	if err := p.there(id); err != nil {
		return err
	}
	var orphans []string
	err := p.edit(ctx, match, "removed provider "+id, func(o *schema.Overrides, r *schema.Result) error {
		at := "/providers/" + pointerStep(id)
		if r.LayerOf(at+"/kind") != schema.LayerOverrides {
			return console.Conflict(fmt.Sprintf("provider %q is not of the console's making: it is in %s; switch it off instead, or remove it there", id, madeIn(r.LayerOf(at+"/kind"))))
		}
		if _, err := o.Unset(r, at); err != nil {
			return err
		}
		for _, k := range r.Config.Keys {
			if k.Provider == id && o.DropRow("/keys", map[string]any{"provider": id, "name": k.Name}) && k.Secret.Scheme == "vault" {
				orphans = append(orphans, k.Secret.Name)
			}
		}
		for _, m := range r.Config.Models {
			if m.Provider == id {
				o.DropRow("/models", map[string]any{"alias": m.Alias, "provider": id, "model": m.Model})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.dropSecrets(ctx, orphans)
	return nil
}

func madeIn(layer string) string {
	switch layer {
	case schema.LayerFile:
		return "the configuration file"
	case schema.LayerDefault:
		return "the defaults"
	}
	return "the environment"
}

// Toggle turns a provider on or off.
func (p providers) Toggle(ctx context.Context, id string, enabled bool) (console.Provider, error) {
	out, _, err := p.Put(ctx, id, "", console.ProviderChange{Enabled: &enabled})
	return out, err
}

// Order sets tiers.
func (p providers) Order(ctx context.Context, tiers map[string]int) error {
	for id := range tiers {
		if err := p.there(id); err != nil {
			return err
		}
	}
	return p.edit(ctx, "", "changed the order of providers", func(o *schema.Overrides, r *schema.Result) error {
		for id, tier := range tiers {
			if err := o.Set(r, "/providers/"+pointerStep(id)+"/tier", tier); err != nil {
				return err
			}
		}
		return nil
	})
}

// Catalogue returns the kinds aimux knows.
func (providers) Catalogue(context.Context) ([]console.Kind, error) {
	var out []console.Kind
	for _, v := range provider.Catalogue().Vendors() {
		k := console.Kind{Kind: v.Kind, Title: v.Title, NeedsBaseURL: v.NeedsURL, KeyOptional: v.KeyOptional, Env: append([]string{}, v.Env...), Models: []console.KindModel{}}
		for _, m := range v.Models {
			row := console.KindModel{ID: m.ID, Context: int64(m.Context), MaxOutput: int64(m.MaxOutput), Tools: m.Tools, Vision: m.Vision, Thinking: m.Thinking}
			if m.Price != (provider.Price{}) {
				row.InputPrice, row.OutputPrice = &m.Price.Input, &m.Price.Output
			}
			k.Models = append(k.Models, row)
		}
		out = append(out, k)
	}
	return out, nil
}

// Test asks the provider what costs nothing: its list of models.
func (p providers) Test(ctx context.Context, id, key string) (console.TestResult, error) {
	v := p.Gateway.View()
	for _, x := range v.Providers {
		if x.Name == id {
			return p.probe(ctx, x, key)
		}
	}
	if err := p.there(id); err != nil {
		return console.TestResult{}, err
	}
	return console.TestResult{}, console.Conflict(fmt.Sprintf("provider %q is switched off or has no key", id))
}

// statusText is what an HTTP status says of a key.
func statusText(status int) (code, message string) {
	switch {
	case status == http.StatusOK:
		return "ok", "the provider answers and takes the key"
	case status == http.StatusUnauthorized:
		return "unauthorized", "the provider does not take the key"
	case status == http.StatusForbidden:
		return "forbidden", "the key is known but may not do this"
	case status == http.StatusPaymentRequired:
		return "balance", "the account has no balance left"
	case status == http.StatusTooManyRequests:
		return "rate_limited", "the key works, but its limit is used up for now"
	case status == http.StatusNotFound:
		return "no_listing", "the address answers, but has no list of models: the key could not be tested without paying"
	case status >= 500:
		return "provider_error", "the provider has a failure of its own"
	}
	return "unexpected", http.StatusText(status)
}
