package legacy

import (
	"fmt"
	"strings"
	"time"
)

// reading follows one document field by field into a draft.
type reading struct {
	report *Report
	draft  *draft
}

// entry reports what became of n.
func (r *reading) entry(v Verdict, n *node, now, why string) {
	n.used = true
	r.report.Entries = append(r.report.Entries, Entry{Verdict: v, File: r.draft.file, Line: n.line, Pointer: n.at, Now: now, Why: why})
}

func (r *reading) at(n *node) place { return place{r.draft.file, n.line, n.at} }

// document follows a whole document.
func (r *reading) document(root *node) {
	r.providers(root)
	r.single(root)
	r.roles(root)
	r.choice(root)
	r.strategy(root)
	r.limits(root)
	r.leftovers(root, true)
}

// providers reads every list or map of providers in the document.
func (r *reading) providers(root *node) {
	for _, holder := range []*node{root.get("multiProvider"), root} {
		for _, list := range holder.all("providers") {
			list.used = true
			for _, m := range list.members {
				r.provider(m.name, m.value)
			}
			for i, row := range list.elems {
				name := row.take("name")
				if name.str() == "" {
					r.entry(Refused, row, "", fmt.Sprintf("row %d has no name; its keys are found by their shape", i+1))
					r.provider("", row)
					continue
				}
				r.provider(name.str(), row)
			}
		}
	}
}

// single reads the fields of the time when there was one provider: its key and
// addresses at the top level. They are Synthetic's and nobody else's.
func (r *reading) single(root *node) {
	keys := root.all("apiKey")
	if len(keys) == 0 && !root.has("anthropicBaseUrl", "modelsApiUrl") {
		return
	}
	p := &oldProvider{name: "synthetic-new", dialect: r.draft.dialect, where: r.at(root), rank: 11 - 5}
	for _, k := range keys {
		r.key(p, k)
	}
	r.address(p, root, "anthropicBaseUrl", "baseUrl")
	if n := root.take("modelsApiUrl"); n != nil {
		r.entry(Dropped, n, "", "where a provider lists its models follows from its address")
	}
	if len(p.keys) > 0 {
		r.draft.providers = append(r.draft.providers, p)
	}
}

// roleFields are where the dialects say which provider serves which requests.
var roleFields = [...]struct{ path, role string }{
	{"multiProvider/routing/defaultProvider", "default"}, {"multiProvider/routing/thinkingProvider", "thinking"},
	{"multiProvider/routing/visionProvider", "vision"}, {"multiProvider/routing/toolsProvider", "tools"},
	{"routingRules/default", "default"}, {"routingRules/thinking", "thinking"},
	{"routingRules/vision", "vision"}, {"routingRules/tools", "tools"},
	{"hybridMode/defaultProvider", "default"}, {"hybridMode/thinkingProvider", "thinking"},
	{"defaultProvider", "default"}, {"lastUsedProvider", "default"},
	{"router/default_provider", "default"}, {"default_provider", "default"},
	{"thinking_provider", "thinking"}, {"vision_provider", "vision"}, {"tools_provider", "tools"},
	{"fallback_provider", "fallback"}, {"routing/fallbackProvider", "fallback"},
}

func (r *reading) roles(root *node) {
	if on, ok := root.get("hybridMode").get("enabled").truth(); ok && !on {
		r.entry(Dropped, root.get("hybridMode"), "", "it was switched off")
		root.get("hybridMode").mark()
	}
	for _, f := range roleFields {
		n := descend(root, f.path)
		switch {
		case n == nil || n.used:
		case n.str() == "":
			r.entry(Dropped, n, "", "it names no provider")
		default:
			n.used = true
			r.draft.roles = append(r.draft.roles, role{f.role, n.text, r.at(n)})
		}
	}
}

// descend follows a path of names.
func descend(n *node, path string) *node {
	for name := range strings.SplitSeq(path, "/") {
		n = n.get(name)
	}
	return n
}

// choice reads the models the user had chosen for everything.
func (r *reading) choice(root *node) {
	for _, f := range []struct {
		name string
		into *string
		at   *place
	}{{"selectedModel", &r.draft.model, &r.draft.modelAt}, {"selectedThinkingModel", &r.draft.thinking, &r.draft.thinkingAt}} {
		n := root.take(f.name)
		switch {
		case n == nil:
		case n.str() == "":
			r.entry(Dropped, n, "", "no model was chosen")
		default:
			*f.into, *f.at = n.text, r.at(n)
		}
	}
}

// strategies are the old names and what comes nearest to them.
var strategies = map[string]string{
	"capability": "fastest", "capability-based": "fastest", "speed": "fastest", "reliability": "fastest", "adaptive": "fastest",
	"fastest": "fastest", "balanced": "fastest", "performance": "fastest", "cost": "cheapest", "cost_based": "cheapest",
	"round_robin": "round_robin", "roundrobin": "round_robin", "random": "round_robin", "weighted": "weighted",
	"weighted_round_robin": "weighted", "least_connections": "least_in_flight", "leastconnections": "least_in_flight",
	"priority": "fastest",
}

func (r *reading) strategy(root *node) {
	for _, path := range []string{"multiProvider/routing/strategy", "routing/strategy", "load_balancing/strategy"} {
		n := descend(root, path)
		if n == nil {
			continue
		}
		now, ok := strategies[strings.ToLower(n.str())]
		switch {
		case !ok:
			r.entry(Refused, n, "", "no such strategy here; the fastest provider is chosen")
		case r.draft.strategy == "":
			n.used = true
			r.draft.strategy, r.draft.strategyAt = now, r.at(n)
		}
	}
	weights := descend(root, "load_balancing/weights")
	if weights.is(object) {
		r.weights(weights)
	}
}

func (r *reading) weights(weights *node) {
	for _, m := range weights.members {
		w, ok := m.value.num()
		p := r.draft.provider(m.name)
		if !ok || p == nil || w < 0.001 || w > 1000 {
			r.entry(Refused, m.value, "", "not a weight of a provider of this file")
			continue
		}
		p.weight = max(1, int(w))
		if w < 1 {
			p.weight = max(1, int(w*100))
		}
		r.entry(Kept, m.value, fmt.Sprintf("weight %d", p.weight), "")
	}
}

func (d *draft) provider(name string) *oldProvider {
	for _, p := range d.providers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// limits reads the two ceilings that exist here too. What equals the old default
// was written by a template, not by the user.
func (r *reading) limits(root *node) {
	if n := descend(root, "claude_gateway/max_request_size_mb"); n != nil {
		if v, ok := n.num(); ok && v >= 1 && v <= 100 && v != 10 {
			r.draft.body, r.draft.limitsAt = int(v), r.at(n)
			r.entry(Kept, n, fmt.Sprintf("/limits/body %dMiB", int(v)), "")
		}
	}
	if n := descend(root, "system/max_concurrent_requests"); n != nil {
		if v, ok := n.num(); ok && v >= 1 && v <= 10000 && v != 1000 {
			r.draft.inFlight, r.draft.limitsAt = int(v), r.at(n)
			r.entry(Kept, n, fmt.Sprintf("/limits/in_flight %d", int(v)), "")
		}
	}
}

// leftovers reports what nothing has dealt with: an object as a whole if nothing in
// it was.
func (r *reading) leftovers(n *node, top bool) {
	switch {
	case !top && !n.touched():
		r.entry(Dropped, n, "", whyDropped(n.at))
	case n.used && !n.is(object) && !n.is(array):
	default:
		for _, m := range n.members {
			r.leftovers(m.value, false)
		}
		for _, e := range n.elems {
			r.leftovers(e, false)
		}
	}
}

// milliseconds reads a span written as a number.
func milliseconds(n *node) (time.Duration, bool) {
	v, ok := n.num()
	return time.Duration(v * float64(time.Millisecond)), ok && v >= 100 && v <= 3_600_000
}
