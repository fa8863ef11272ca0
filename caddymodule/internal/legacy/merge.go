package legacy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// merged is one provider of the new document, out of everything all files say.
type merged struct {
	identity
	name string // in the new document
	key  string // what makes it the same provider in several files

	said     []*oldProvider // in the order in which they count
	enabled  bool
	tier     int
	rank     float64
	explicit bool

	keys   []*Key
	ring   map[string]*Key // keys by value
	envs   []string        // variables that hold keys
	models []string        // those the catalogue does not list
	first  string          // the first usable model the files name
	listed bool            // first is in the catalogue
}

// merger brings the drafts together.
type merger struct {
	importer
	list  []*merged
	owner map[*oldProvider]*merged
	stray []oldKey // keys of nobody

	recovered map[string]bool // all keys by value
}

// merge makes the providers of the new document. The drafts come in the order in
// which they count: configurations, environments, copies.
func (m *merger) merge(drafts []*draft) {
	for _, d := range drafts {
		d.tidyRanks()
		for _, p := range d.providers {
			m.place(p)
		}
	}
	m.names()
	m.tiers()
	for _, g := range m.list {
		m.keysOf(g)
		m.modelsOf(g)
	}
	m.strays()
}

// place finds or makes the provider p is.
func (m *merger) place(p *oldProvider) {
	m.weed(p)
	id := identify(m.catalogue, p)
	if id.bad != "" {
		m.entry(Refused, cmp.Or(p.urlAt, p.where), "", id.bad+"; add the provider with a base_url, its keys are kept aside")
		m.stray = append(m.stray, p.keys...)
		return
	}
	key := id.vendor.Family + "|" + id.base + "|" + id.origin()
	if id.vendor.Family == "" {
		key += "|" + strings.ToLower(p.name)
	}
	g := m.find(key)
	if g == nil {
		g = &merged{identity: id, key: key, enabled: p.enabled == nil || *p.enabled}
		m.list = append(m.list, g)
	} else if id.sure && !g.sure {
		g.identity = id
	}
	m.tell(p, id, g)
	if p.explicit && !g.explicit {
		g.rank, g.explicit = p.rank, true
	}
	if p.enabled != nil && !anySays(g.said) {
		g.enabled = *p.enabled
	}
	g.said = append(g.said, p)
	m.owner[p] = g
}

// weed takes out what is a key in a place where none belongs. All files are read by
// now, so all keys are known.
func (m *merger) weed(p *oldProvider) {
	const why = "it holds a key, which belongs with the keys"
	if m.report.secrets.in(p.url) {
		m.entry(Refused, p.urlAt, "", why)
		p.url = "a key"
	}
	if m.report.secrets.in(p.name) {
		p.name = ""
	}
	p.headers = slices.DeleteFunc(p.headers, func(h [2]string) bool { return m.report.secrets.in(h[0]) || m.report.secrets.in(h[1]) })
	p.models = slices.DeleteFunc(p.models, func(old oldModel) bool {
		if !m.report.secrets.in(old.id) {
			return false
		}
		m.entry(Refused, old.where, "", why)
		return true
	})
}

// tell reports what became of the address, and how it was decided whose it is.
func (m *merger) tell(p *oldProvider, id identity, g *merged) {
	where, now := cmp.Or(p.urlAt, p.where), "kind "+g.vendor.Kind
	switch {
	case g.base != "":
		m.entry(Kept, where, g.base, id.why)
	case g.vendor != id.vendor:
		m.entry(Changed, where, now, "as "+g.said[0].where.file+" has it; "+id.why)
	case id.why != "":
		m.entry(Changed, where, now, id.why)
	case p.url != "":
		m.entry(Kept, where, now, "the address is the catalogue's")
	}
}

func (m *merger) find(key string) *merged {
	for _, g := range m.list {
		if g.key == key {
			return g
		}
	}
	return nil
}

// anySays reports whether one of them says that it is switched on or off.
func anySays(said []*oldProvider) bool {
	return slices.ContainsFunc(said, func(p *oldProvider) bool { return p.enabled != nil })
}

// isMock recognises the mock provider of the C++ versions: named synthetic, at an
// address that is none, without a key.
func isMock(p *oldProvider) bool {
	host := strings.Contains(p.url, "synthetic.test")
	cpp := strings.HasPrefix(p.dialect, "C++")
	return len(p.keys) == 0 && (host || cpp && p.url == "" && strings.EqualFold(p.name, "synthetic"))
}

// names gives every provider the name it has in the new document.
func (m *merger) names() {
	taken := map[string]bool{}
	for _, g := range m.list {
		candidates := []string{g.vendor.Family, g.vendor.Kind}
		if g.base != "" || g.vendor.Family == "" {
			candidates = []string{tidyName(g.said[0].name)}
		}
		for n := 2; g.name == "" || taken[g.name]; n++ {
			g.name = ""
			if len(candidates) > 0 {
				g.name, candidates = candidates[0], candidates[1:]
				continue
			}
			g.name = fmt.Sprintf("%s-%d", cmp.Or(tidyName(g.said[0].name), "provider"), n)
		}
		taken[g.name] = true
		for _, p := range g.said {
			if p.name != g.name {
				m.entry(Changed, p.where, "/providers/"+g.name, "the name it has here")
			}
		}
	}
}

// tidyName makes a name of the present language out of an old one; "" if nothing is
// left of it, or if it may be a secret.
func tidyName(s string) string {
	if hasSecretShape(s) || len(s) > 200 {
		return ""
	}
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0:
			b.WriteByte('-')
		}
		if b.Len() == 24 {
			break
		}
	}
	name := strings.TrimRight(b.String(), "-")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	if hasSecretShape(name) || strings.ContainsAny(name, "0123456789") && len(name) >= 20 {
		return ""
	}
	return name
}

// tidyRanks makes 1, 2, 3 … of a file's priorities, so that files of different
// times can be compared.
func (d *draft) tidyRanks() {
	var ranks []float64
	some := false
	for _, p := range d.providers {
		ranks = append(ranks, p.rank)
		some = some || p.given
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	for _, p := range d.providers {
		i, _ := slices.BinarySearch(ranks, p.rank)
		p.rank, p.explicit = float64(i+1), some
	}
}

// tiers numbers the ranks that are left. Without any priority all share one tier.
func (m *merger) tiers() {
	var ranks []float64
	for _, g := range m.list {
		if g.explicit {
			ranks = append(ranks, g.rank)
		}
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	for _, g := range m.list {
		g.tier = 1
		if i, found := slices.BinarySearch(ranks, g.rank); g.explicit && found {
			g.tier = min(i+1, 50)
		}
		for _, p := range g.said {
			if p.given {
				m.entry(Changed, p.rankAt, fmt.Sprintf("tier %d", g.tier), "its priority among the providers found; the lowest tier is used first")
			}
		}
	}
}
