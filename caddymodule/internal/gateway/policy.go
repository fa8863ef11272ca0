package gateway

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// policyKey names one endpoint and model of a provider.
type policyKey struct {
	dialect llm.Dialect
	model   string
}

// policy returns what the provider takes for a model, made once.
func (p *Provider) policy(d llm.Dialect, model string) *dialect.Policy {
	key := policyKey{d, model}
	if known, ok := p.policies.Load(key); ok {
		return known.(*dialect.Policy)
	}
	made, _ := p.policies.LoadOrStore(key, p.Vendor.Policy(d, model))
	return made.(*dialect.Policy)
}

// offends reports whether p has anything to say about the request, so that one
// it has nothing to say about passes untouched. Messages requests to others
// than Anthropic are always looked through for what is private to Anthropic,
// and those with thinking blocks for blocks that aimux made.
func (o *outline) offends(d llm.Dialect, p *dialect.Policy) bool {
	if d == llm.Anthropic && (o.thoughts || !p.Genuine) {
		return true
	}
	if p.MaxOutput > 0 && o.maxTokens > p.MaxOutput {
		return true
	}
	for _, key := range o.seen {
		_, renamed := p.Rename[key]
		switch {
		case renamed, slices.Contains(p.Drop, key), slices.Contains(p.Refuse, key),
			len(p.Allow) > 0 && !slices.Contains(p.Allow, key):
			return true
		case key == "temperature" && p.Temperature > 0, key == "stop" && p.MaxStop > 0,
			key == "tool_choice" && p.NoToolChoice, key == "response_format" && p.NoSchema:
			return true
		}
	}
	return false
}
