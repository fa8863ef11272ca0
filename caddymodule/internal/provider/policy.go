package provider

import (
	"maps"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Policy returns what an endpoint takes for one of its models: the endpoint's
// policy refined by the model's own, its output limit and its abilities. A
// model the catalogue does not know has the endpoint's policy alone. The
// result is the caller's; it is meant to be made once per target, not per
// request.
func (v *Vendor) Policy(d llm.Dialect, model string) *dialect.Policy {
	var p dialect.Policy
	if base := v.Policies[d]; base != nil {
		p = clonePolicy(base)
	}
	m, ok := v.Model(model)
	if !ok {
		return &p
	}
	if m.Policy != nil {
		refine(&p, m.Policy)
	}
	if m.MaxOutput > 0 && (p.MaxOutput == 0 || p.MaxOutput > m.MaxOutput) {
		p.MaxOutput = m.MaxOutput
	}
	p.NoImages = p.NoImages || !m.Vision
	if !m.Thinking {
		p.Thinking, p.Efforts = "", nil
	}
	return &p
}

func clonePolicy(p *dialect.Policy) dialect.Policy {
	q := *p
	q.Allow, q.Drop, q.Refuse = slices.Clone(p.Allow), slices.Clone(p.Drop), slices.Clone(p.Refuse)
	q.Efforts, q.Rename = slices.Clone(p.Efforts), maps.Clone(p.Rename)
	return q
}

// refine lays what by states over p. Lists of fields add up, except Allow and
// Efforts, which replace; limits replace; what cannot be done adds up.
func refine(p, by *dialect.Policy) {
	p.Drop = append(p.Drop, by.Drop...)
	p.Refuse = append(p.Refuse, by.Refuse...)
	if len(by.Allow) > 0 {
		p.Allow = slices.Clone(by.Allow)
	}
	if len(by.Efforts) > 0 {
		p.Efforts = slices.Clone(by.Efforts)
	}
	if len(by.Rename) > 0 && p.Rename == nil {
		p.Rename = map[string]string{}
	}
	maps.Copy(p.Rename, by.Rename)
	if by.MaxOutput > 0 {
		p.MaxOutput = by.MaxOutput
	}
	if by.Temperature > 0 {
		p.Temperature = by.Temperature
	}
	if by.MaxStop > 0 {
		p.MaxStop = by.MaxStop
	}
	if by.Reasoning != "" {
		p.Reasoning = by.Reasoning
	}
	if by.Thinking != "" {
		p.Thinking = by.Thinking
	}
	p.NoToolChoice = p.NoToolChoice || by.NoToolChoice
	p.NoImages = p.NoImages || by.NoImages
	p.NoImageURLs = p.NoImageURLs || by.NoImageURLs
	p.NoDocuments = p.NoDocuments || by.NoDocuments
	p.NoDeveloper = p.NoDeveloper || by.NoDeveloper
	p.NoSchema = p.NoSchema || by.NoSchema
	p.SystemFirst = p.SystemFirst || by.SystemFirst
	p.Genuine = p.Genuine || by.Genuine
}
