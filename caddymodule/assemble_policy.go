package caddymodule

import (
	"maps"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
)

// customizePolicies lays a provider's `params` over its catalogue policies, for
// every dialect it speaks.
func customizePolicies(v *provider.Vendor, p schema.Params) {
	policies := make(map[llm.Dialect]*dialect.Policy, len(v.Endpoints))
	for d := range v.Endpoints {
		var policy dialect.Policy
		if known := v.Policies[d]; known != nil {
			policy = *known
		}
		overlay(&policy, p)
		policies[d] = &policy
	}
	v.Policies = policies
}

// overlay changes what p says anything about. Lists and maps are copied, so
// that the catalogue stays as it is.
func overlay(policy *dialect.Policy, p schema.Params) {
	if p.Allow != nil {
		policy.Allow = p.Allow
	}
	if p.Efforts != nil {
		policy.Efforts = p.Efforts
	}
	policy.Drop = append(slices.Clone(policy.Drop), p.Drop...)
	policy.Refuse = append(slices.Clone(policy.Refuse), p.Refuse...)
	if len(p.Rename) > 0 {
		renamed := maps.Clone(policy.Rename)
		if renamed == nil {
			renamed = map[string]string{}
		}
		maps.Copy(renamed, p.Rename)
		policy.Rename = renamed
	}
	policy.MaxOutput = or(p.MaxOutput, policy.MaxOutput)
	policy.Temperature = or(p.Temperature, policy.Temperature)
	policy.MaxStop = or(p.MaxStop, policy.MaxStop)
	policy.Reasoning = or(p.Reasoning, policy.Reasoning)
	policy.Thinking = or(p.Thinking, policy.Thinking)
	for field, value := range map[*bool]*bool{
		&policy.NoToolChoice: p.NoToolChoice, &policy.NoImages: p.NoImages, &policy.NoImageURLs: p.NoImageURLs,
		&policy.NoDocuments: p.NoDocuments, &policy.NoDeveloper: p.NoDeveloper, &policy.NoSchema: p.NoSchema,
		&policy.SystemFirst: p.SystemFirst,
	} {
		if value != nil {
			*field = *value
		}
	}
}
