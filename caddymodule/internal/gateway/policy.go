package gateway

import (
	"net/url"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// policyKey names one endpoint and model of a provider.
type policyKey struct {
	dialect llm.Dialect
	model   string
}

// policy returns what the provider takes for a model, made once. All models the
// vendor does not list share one, so that clients cannot make it grow.
func (p *Provider) policy(d llm.Dialect, model string) *dialect.Policy {
	if _, listed := p.Vendor.Model(model); !listed {
		model = ""
	}
	key := policyKey{d, model}
	if known, ok := p.policies.Load(key); ok {
		return known.(*dialect.Policy)
	}
	made, _ := p.policies.LoadOrStore(key, p.Vendor.Policy(d, model))
	return made.(*dialect.Policy)
}

// urlKey names one call of a provider.
type urlKey struct {
	dialect llm.Dialect
	call    provider.Call
}

// url returns where a call goes, parsed once.
func (p *Provider) url(d llm.Dialect, call provider.Call) (*url.URL, error) {
	key := urlKey{d, call}
	if known, ok := p.urls.Load(key); ok {
		return known.(*url.URL), nil
	}
	made, err := url.Parse(p.Vendor.Endpoints[d].URL(d, call))
	if err != nil {
		return nil, err
	}
	p.urls.Store(key, made)
	return made, nil
}

// offends reports whether p has anything to say about the request, so that one
// it has nothing to say about passes untouched.
func (o *outline) offends(d llm.Dialect, p *dialect.Policy) bool {
	if p.MaxOutput > 0 && o.maxTokens > p.MaxOutput || o.mayHide(d, p) && dialect.NeedsScrub(o.data, d, p) {
		return true
	}
	return slices.ContainsFunc(o.seen, func(key string) bool { return concerns(p, key) })
}

// mayHide reports whether the request has a part in which something may stand
// that is private or was made by aimux, so that most are not searched for it.
func (o *outline) mayHide(d llm.Dialect, p *dialect.Policy) bool {
	if d != llm.Anthropic || p.SystemFirst || o.thoughts {
		return true
	}
	return !p.Genuine && (slices.Contains(o.seen, "metadata") || slices.Contains(o.seen, "system"))
}

// concerns reports whether p may have to change a top-level field.
func concerns(p *dialect.Policy, key string) bool {
	_, renamed := p.Rename[key]
	switch {
	case renamed, slices.Contains(p.Drop, key), slices.Contains(p.Refuse, key),
		len(p.Allow) > 0 && !slices.Contains(p.Allow, key):
		return true
	}
	switch key {
	case "temperature":
		return p.Temperature > 0
	case "stop", "stop_sequences":
		return p.MaxStop > 0
	case "tool_choice":
		return p.NoToolChoice
	case "response_format":
		return p.NoSchema
	case "reasoning_effort":
		return len(p.Efforts) > 0
	}
	return false
}
