package legacy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// Nowhere is the origin of a key that nobody knows the provider of: a name that
// never is an address (RFC 6761), so that the vault can keep the key and nothing can
// send it anywhere.
const Nowhere = "https://nowhere.invalid"

// Key is a key that was recovered, for the vault. It prints as its id and mask.
type Key struct {
	// ID is where the new document looks for the key in the vault.
	ID string
	// Provider and Name are the key's row in the new document. Provider is empty if
	// nobody knows whose the key is; it has no row then.
	Provider, Name string
	// Origin is scheme, host and port of the only address it may be sent to; Nowhere if
	// unknown.
	Origin string
	// Secret is the key itself.
	Secret secret.Text
	// From lists where it stood, "file:line".
	From []string
}

// String returns what may be shown of the key.
func (k Key) String() string { return k.ID + " " + Mask(k.Secret.Reveal()) }

// GoString is String, so that %#v shows no more.
func (k Key) GoString() string { return k.String() }

// keysOf makes the ring of a provider: every key once, in the order of the files.
func (m *merger) keysOf(g *merged) {
	for _, p := range g.said {
		for _, k := range p.keys {
			switch value, known := m.variables[k.env]; {
			case k.env == "":
				m.addKey(g, k)
			case known:
				m.entry(Changed, k.where, "", "the variable "+k.env+" is in an environment file that was read too; its key is taken")
				k.value = value
				m.addKey(g, k)
			case !slices.Contains(g.envs, k.env):
				g.envs = append(g.envs, k.env)
				m.entry(Changed, k.where, "secret env:"+k.env, "it names an environment variable, which has to be set when aimux runs")
			}
		}
	}
	if len(g.keys)+len(g.envs) == 0 && !g.vendor.KeyOptional {
		why := "no usable key was found; enter one"
		if len(g.vendor.Env) > 0 {
			why += ", or set " + g.vendor.Env[0]
		}
		m.entry(Noted, g.said[0].where, "/providers/"+g.name, why)
	}
}

// addKey adds a key to a provider, or its place to the key that is already there.
func (m *merger) addKey(g *merged, k oldKey) {
	from := fmt.Sprintf("%s:%d", k.where.file, k.where.line)
	if have := g.ring[k.value]; have != nil {
		have.From = append(have.From, from)
		m.entry(Changed, k.where, have.ID, "the same key stands at "+have.From[0]+"; it is kept once")
		return
	}
	key := &Key{Provider: g.name, Origin: g.origin(), Secret: secret.New(k.value), From: []string{from}}
	key.Name, key.ID = m.keyID(g.name, len(g.keys))
	g.keys = append(g.keys, key)
	if g.ring == nil {
		g.ring = map[string]*Key{}
	}
	g.ring[k.value], m.recovered[k.value] = key, true
	m.entry(Kept, k.where, "vault:"+key.ID, m.doubt(g, k.value))
}

// doubt is a warning about a key that does not look like its vendor's.
func (m *merger) doubt(g *merged, value string) string {
	kind, ok := vendorOf(value)
	switch v, _ := m.catalogue.Vendor(kind); {
	case g.base != "" || g.vendor.Family == "":
		return ""
	case ok && v != nil && v.Family != g.vendor.Family:
		return "it has the shape of a key of " + v.Title + ", but stood with " + g.vendor.Title
	case !ok && slices.Contains([]string{"zai", "cerebras", "anthropic", "openai"}, g.vendor.Family):
		return "it has not the usual shape of a key of " + g.vendor.Title
	}
	return ""
}

// keyID names the nth key of a provider: "main", then "key-2" and so on.
func (m *merger) keyID(provider string, n int) (name, id string) {
	name = "main"
	if n > 0 {
		name = fmt.Sprintf("key-%d", n+1)
	}
	id = provider + "-" + name
	for i := 2; m.taken[id] || m.options.Taken != nil && m.options.Taken(id); i++ {
		id = fmt.Sprintf("%s-%s-%d", provider, name, i)
	}
	m.taken[id] = true
	return name, id
}

// strays keeps the keys nobody knows the owner of, unless they turned up elsewhere.
func (m *merger) strays() {
	for _, k := range m.stray {
		if k.value == "" || m.recovered[k.value] {
			continue
		}
		m.recovered[k.value] = true
		_, id := m.keyID("unknown", len(m.unowned))
		m.unowned = append(m.unowned, &Key{ID: id, Origin: Nowhere, Secret: secret.New(k.value), From: []string{fmt.Sprintf("%s:%d", k.where.file, k.where.line)}})
		m.entry(Kept, k.where, "vault:"+id, "a key without a provider; it is kept and not used")
	}
}

// modelsOf sorts the models the files name: the catalogue's own, others to be kept,
// and those that were never the provider's.
func (m *merger) modelsOf(g *merged) {
	for _, p := range g.said {
		for _, old := range p.models {
			known, ok := g.vendor.Model(old.id)
			switch {
			case ok:
				g.use(known.ID, true)
				m.entry(Kept, old.where, g.name+"/"+known.ID, "")
			case !isModelName(old.id):
				m.entry(Refused, old.where, "", "not the name of a model")
			case neverWas(g, old.id):
				m.entry(Refused, old.where, "", show(old.id)+" never was a model of "+g.vendor.Title+"; the old version's table was wrong")
			default:
				g.use(old.id, false)
				if !slices.Contains(g.models, old.id) && len(g.models) < 200 {
					g.models = append(g.models, old.id)
				}
				m.entry(Kept, old.where, g.name+"/"+old.id, "the catalogue does not list it; see whether the provider still has it")
			}
		}
	}
}

// use remembers the first model, one of the catalogue rather than another.
func (g *merged) use(model string, listed bool) {
	if g.first == "" || listed && !g.listed {
		g.first, g.listed = model, listed
	}
}

func isModelName(s string) bool {
	return s != "" && len(s) <= 128 && !hasSecretShape(s) && scrub(s) == s &&
		!strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// neverWas knows the entries of the old tables that were made up.
func neverWas(g *merged, model string) bool {
	if g.base != "" {
		return false
	}
	folded := strings.ToLower(model)
	switch g.vendor.Family {
	case "zai":
		return strings.HasPrefix(folded, "claude-") || strings.HasPrefix(folded, "zai-")
	case "minimax":
		return strings.HasPrefix(folded, "minimax-m2-") && strings.HasSuffix(folded, "k") || strings.HasPrefix(folded, "minimax-claude")
	case "synthetic", "cerebras":
		return strings.HasPrefix(folded, "claude-")
	}
	return false
}
