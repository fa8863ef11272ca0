package legacy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aimux/aimux/schema"
	"github.com/aimux/aimux/toon"
)

// wishes are what the drafts say beside providers, the first word of each counting.
type wishes struct {
	roles          map[string]*merged
	thinking       string // alias target of requests that think
	strategy       string
	body, inFlight int
	model          string // provider/model the user had chosen for everything
}

// wish collects them and reports what became of each.
func (m *merger) wish(drafts []*draft) wishes {
	w := wishes{roles: map[string]*merged{}}
	for _, d := range drafts {
		for _, r := range d.roles {
			m.role(&w, d, r)
		}
		m.choice(&w, d)
		if d.strategy != "" {
			v := Kept
			if w.strategy == "" {
				w.strategy = d.strategy
			} else if w.strategy != d.strategy {
				v = Refused
			}
			m.entry(v, d.strategyAt, "routing.strategy "+w.strategy, againWhy(v))
		}
		w.body, w.inFlight = cmp.Or(w.body, d.body), cmp.Or(w.inFlight, d.inFlight)
	}
	return w
}

func againWhy(v Verdict) string {
	if v == Refused {
		return "a file that counts more says otherwise"
	}
	return ""
}

// role finds the provider of a kind of request.
func (m *merger) role(w *wishes, d *draft, r role) {
	g := m.named(d, r.to)
	switch {
	case g == nil || !g.enabled:
		m.entry(Refused, r.where, "", "the provider it names is not there or switched off")
	case w.roles[r.name] != nil && w.roles[r.name] != g:
		m.entry(Refused, r.where, "", "a file that counts more says otherwise")
	case r.name == "default" || r.name == "fallback":
		w.roles[r.name] = g
		m.entry(Kept, r.where, "models *, "+g.name, "")
	case g.model() == "":
		m.entry(Refused, r.where, "", "no model of "+g.name+" is known")
	default:
		w.roles[r.name] = g
		m.entry(Kept, r.where, "routing.purposes."+r.name+" "+g.name+"/"+g.model(), "")
	}
}

// named finds a provider by the name it has in a file.
func (m *merger) named(d *draft, name string) *merged {
	if p := d.provider(name); p != nil {
		return m.owner[p]
	}
	v := vendorNamed(m.catalogue, name)
	for _, g := range m.list {
		if v != nil && g.vendor.Family == v.Family && g.base == "" || g.name == strings.ToLower(name) {
			return g
		}
	}
	return nil
}

// choice follows the models the user had chosen for everything.
func (m *merger) choice(w *wishes, d *draft) {
	if d.model == "" && d.thinking == "" {
		return
	}
	for _, c := range []struct {
		model, now string
		into       *string
		where      place
	}{{d.model, "models *", &w.model, d.modelAt}, {d.thinking, "routing.purposes.thinking", &w.thinking, d.thinkingAt}} {
		if c.model == "" {
			continue
		}
		g := m.chooser(w, d, c.model)
		if g == nil || m.report.secrets.in(c.model) || !isModelName(c.model) || neverWas(g, c.model) {
			m.entry(Refused, c.where, "", "the model chosen is of no provider that was found")
			continue
		}
		target := g.name + "/" + g.spelt(c.model)
		if *c.into == "" {
			*c.into = target
		}
		if *c.into == target {
			m.entry(Kept, c.where, c.now+" "+target, g.unlisted(c.model))
		} else {
			m.entry(Refused, c.where, "", "a file that counts more says otherwise")
		}
	}
}

// unlisted is a warning about a model the catalogue does not list.
func (g *merged) unlisted(model string) string {
	if _, ok := g.vendor.Model(model); ok || len(g.vendor.Models) == 0 {
		return ""
	}
	return "the catalogue does not list it; see whether the provider still has it"
}

// chooser is the provider a chosen model is of: one whose models it is among, the
// default one first, else the default one or the only one.
func (m *merger) chooser(w *wishes, d *draft, model string) *merged {
	first := w.roles["default"]
	candidates := []*merged{}
	if first != nil {
		candidates = append(candidates, first)
	}
	for _, p := range d.providers {
		if g := m.owner[p]; g != nil && g.enabled {
			candidates = append(candidates, g)
		}
	}
	for _, g := range candidates {
		if _, ok := g.vendor.Model(model); ok || slices.Contains(g.models, model) {
			return g
		}
	}
	if first == nil && len(candidates) == 1 {
		return candidates[0]
	}
	return first
}

// spelt returns a model's name as the catalogue has it.
func (g *merged) spelt(model string) string {
	if known, ok := g.vendor.Model(model); ok {
		return known.ID
	}
	return model
}

// model is the one to ask a provider for: the first usable one of the files, else
// the vendor's own.
func (g *merged) model() string {
	if v := g.vendor.DefaultModel(); g.first == "" && v != nil {
		return v.ID
	}
	return g.first
}

// document writes the configuration: providers, keys, and one row for each provider
// that answers any name, since the old versions knew no aliases.
func (m *merger) document(w wishes) ([]byte, error) {
	fields := []toon.Field{{Key: "version", Value: toon.IntValue(schema.Version)}}
	var providers, keys []toon.Field
	var keyRows []toon.Value
	for _, g := range m.list {
		providers = append(providers, toon.Field{Key: g.name, Value: toon.ObjectValue(g.fields()...)})
		keyRows = append(keyRows, g.keyRows()...)
	}
	add := func(name string, v toon.Value) {
		if v.Len() > 0 {
			fields = append(fields, toon.Field{Key: name, Value: v})
		}
	}
	add("providers", toon.ObjectValue(providers...))
	add("keys", toon.ArrayValue(keyRows...))
	add("models", toon.ArrayValue(m.rows(w)...))
	add("routing", toon.ObjectValue(m.routing(w)...))
	if w.body > 0 {
		keys = append(keys, str("body", fmt.Sprintf("%dMiB", w.body)))
	}
	if w.inFlight > 0 {
		keys = append(keys, toon.Field{Key: "in_flight", Value: toon.IntValue(int64(w.inFlight))})
	}
	add("limits", toon.ObjectValue(keys...))
	body, err := toon.Encode(toon.ObjectValue(fields...))
	if err != nil {
		return nil, fmt.Errorf("writing the new document: %w", err)
	}
	head := "# Made by `aimux migrate` from a configuration of an older version.\n# The keys are in the vault; the rows below name them by their ids.\n"
	return schema.Convert(append([]byte(head), body...), schema.TOON, schema.TOON)
}

func str(key, value string) toon.Field {
	return toon.Field{Key: key, Value: toon.StringValue(value)}
}

func integer(key string, value int) toon.Field {
	return toon.Field{Key: key, Value: toon.IntValue(int64(value))}
}

// fields writes a provider.
func (g *merged) fields() []toon.Field {
	out := []toon.Field{str("kind", g.vendor.Kind), integer("tier", g.tier)}
	switch {
	case g.base != "" && g.anthropic:
		out = append(out, str("anthropic_base_url", g.base))
	case g.base != "":
		out = append(out, str("base_url", g.base))
	}
	if g.allowHTTP {
		out = append(out, toon.Field{Key: "allow_http", Value: toon.BoolValue(true)})
	}
	if g.private {
		out = append(out, toon.Field{Key: "allow_private", Value: toon.BoolValue(true)})
	}
	if !g.enabled {
		out = append(out, toon.Field{Key: "enabled", Value: toon.BoolValue(false)})
	}
	out = append(out, g.details()...)
	var models []toon.Value
	for _, id := range g.models {
		models = append(models, toon.ObjectValue(str("id", id)))
	}
	if len(models) > 0 {
		out = append(out, toon.Field{Key: "models", Value: toon.ArrayValue(models...)})
	}
	return out
}

// details are the settings of which the first file that has them counts.
func (g *merged) details() []toon.Field {
	var all oldProvider
	for _, p := range g.said {
		all.timeout = cmp.Or(all.timeout, p.timeout)
		all.inFlight = cmp.Or(all.inFlight, p.inFlight)
		all.weight = cmp.Or(all.weight, p.weight)
		for _, h := range p.headers {
			if !slices.ContainsFunc(all.headers, func(have [2]string) bool { return strings.EqualFold(have[0], h[0]) }) && len(all.headers) < 32 {
				all.headers = append(all.headers, h)
			}
		}
	}
	var out []toon.Field
	if all.weight > 0 {
		out = append(out, integer("weight", all.weight))
	}
	if all.inFlight > 0 {
		out = append(out, integer("max_in_flight", all.inFlight))
	}
	if all.timeout > 0 {
		out = append(out, toon.Field{Key: "timeouts", Value: toon.ObjectValue(str("first_event", schema.Duration(all.timeout).String()))})
	}
	var headers []toon.Field
	for _, h := range all.headers {
		headers = append(headers, str(h[0], h[1]))
	}
	if len(headers) > 0 {
		out = append(out, toon.Field{Key: "headers", Value: toon.ObjectValue(headers...)})
	}
	return out
}

// keyRows writes the rows of a provider's keys.
func (g *merged) keyRows() []toon.Value {
	var rows []toon.Value
	add := func(name, ref string) {
		rows = append(rows, toon.ObjectValue(str("provider", g.name), str("name", name), str("secret", ref)))
	}
	for _, k := range g.keys {
		add(k.Name, "vault:"+k.ID)
	}
	for i, env := range g.envs {
		add(fmt.Sprintf("env-%d", i+1), "env:"+env)
	}
	return rows
}

// rows writes what answers any model's name: each provider with its model, the
// default first and the fallback last.
func (m *merger) rows(w wishes) []toon.Value {
	var rows []toon.Value
	first, last := w.roles["default"], w.roles["fallback"]
	for _, g := range m.list {
		model := g.model()
		if chosen, ok := strings.CutPrefix(w.model, g.name+"/"); ok {
			model = chosen
		}
		if model == "" {
			m.entry(Noted, g.said[0].where, "/providers/"+g.name, "no model of it is known; clients may ask for "+g.name+"/MODEL, or add a row to models")
		}
		if !g.enabled || model == "" {
			continue
		}
		tier := g.tier
		switch {
		case g == first:
			tier = 1
		case g == last:
			tier = 99
		case first != nil:
			tier++
		}
		rows = append(rows, row(g.name, model, tier))
		if v := g.vendor.DefaultModel(); v != nil && g.unlisted(model) != "" && g.base == "" {
			rows = append(rows, row(g.name, v.ID, min(tier+1, 99))) // in case the old model is gone
		}
	}
	return rows
}

func row(provider, model string, tier int) toon.Value {
	return toon.ObjectValue(str("alias", "*"), str("provider", provider), str("model", model), integer("tier", tier))
}

// routing writes the strategy and the providers of special requests.
func (m *merger) routing(w wishes) []toon.Field {
	var out, purposes []toon.Field
	if w.strategy != "" && w.strategy != "fastest" {
		out = append(out, str("strategy", w.strategy))
	}
	for _, purpose := range []string{"thinking", "vision", "tools"} {
		switch g := w.roles[purpose]; {
		case purpose == "thinking" && w.thinking != "" && (g == nil || strings.HasPrefix(w.thinking, g.name+"/")):
			purposes = append(purposes, str(purpose, w.thinking))
		case g != nil:
			purposes = append(purposes, str(purpose, g.name+"/"+g.model()))
		}
	}
	if len(purposes) > 0 {
		out = append(out, toon.Field{Key: "purposes", Value: toon.ObjectValue(purposes...)})
	}
	return out
}
