package legacy

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// environment follows an environment file, or the env block of Claude Code's
// settings: it makes providers of the variables that belong together and reads
// those as any other.
func (r *reading) environment(root *node, cat *provider.Cat) {
	e := &envReader{byName: map[string]*node{}, cat: cat}
	for _, m := range root.members {
		if n, ok := e.field(m.name); ok && m.value.is(text) {
			p := e.provider(n.provider)
			if len(p.members) == 0 {
				p.line, p.at = m.value.line, m.value.at
			}
			p.add(n.field, m.value)
		}
	}
	e.listed(root)
	for _, name := range e.names {
		r.variables(name, e.byName[name])
	}
	r.leftovers(root, true)
}

// variables reads the variables of one provider, unless they are only a stray
// setting or lead to a gateway on this machine.
func (r *reading) variables(name string, p *node) {
	switch address := p.get("base_url"); {
	case !p.has("api_key", "base_url"):
	case r.draft.dialect == dialectClaude && isLoopback(address.str()):
		for _, m := range p.members {
			r.report.secrets.hide(m.value.text)
			r.entry(Dropped, m.value, "", "it leads to a gateway on this machine, which aimux replaces")
		}
	default:
		r.provider(name, p)
	}
}

// envReader sorts variables by provider.
type envReader struct {
	cat    *provider.Cat
	names  []string
	byName map[string]*node
}

func (e *envReader) provider(name string) *node {
	p := e.byName[name]
	if p == nil {
		p = &node{kind: object}
		e.byName[name] = p
		e.names = append(e.names, name)
	}
	return p
}

// envField is what a variable says: a field of a provider.
type envField struct{ provider, field string }

// envSuffixes end the names of variables that belong to a provider.
var envSuffixes = [...]struct{ end, field string }{
	{"_API_KEY", "api_key"}, {"_AUTH_TOKEN", "api_key"}, {"_BASE_URL", "base_url"}, {"_ENDPOINT", "base_url"},
	{"_GROUP_ID", "group_id"}, {"_PRIORITY", "priority"}, {"_ENABLED", "enabled"}, {"_TIMEOUT_MS", "timeout_ms"},
	{"_MAX_REQUESTS_PER_MINUTE", "max_requests_per_minute"}, {"_RETRY_ATTEMPTS", "retry_attempts"}, {"_MODELS", "models"},
}

// field tells whose a variable is. The catalogue's own names come first, also
// numbered as in ZAI_API_KEY_2.
func (e *envReader) field(name string) (envField, bool) {
	plain := strings.TrimRight(name, "0123456789")
	if plain = strings.TrimSuffix(plain, "_"); plain == "" {
		plain = name
	}
	for _, v := range e.cat.Vendors() {
		for _, known := range v.Env {
			if plain == known {
				return envField{v.Kind, "api_key"}, true
			}
		}
	}
	upper := strings.ToUpper(plain)
	aimux := strings.HasPrefix(upper, "AIMUX_")
	for _, s := range envSuffixes {
		owner, ok := strings.CutSuffix(upper, s.end)
		if !ok || owner == "" || owner == "AIMUX" {
			continue
		}
		if s.field != "api_key" && s.field != "base_url" && !aimux {
			continue
		}
		return envField{strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(owner, "AIMUX_"), "_", "-")), s.field}, true
	}
	return envField{}, false
}

// listed marks AIMUX_PROVIDERS, which named the providers the variables describe.
func (e *envReader) listed(root *node) {
	list := root.get("AIMUX_PROVIDERS")
	if list == nil {
		return
	}
	for name := range strings.SplitSeq(list.str(), ",") {
		name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", "-"))
		if e.byName[name] != nil {
			list.used = true
		}
	}
}

// isLoopback reports whether an address is on this machine.
func isLoopback(raw string) bool {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
