package legacy

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// identity is who a provider of an old file is today.
type identity struct {
	vendor *provider.Vendor // nil: nobody knows
	// base is the address where it is not the catalogue's.
	base      string
	anthropic bool // base speaks Anthropic Messages
	allowHTTP bool
	private   bool // base is a number of a private network
	// sure says that the address told the kind, rather than a name or a key.
	sure bool
	why  string // what had to be decided or changed; empty if nothing
	bad  string // why the address cannot be used; the keys have nowhere to go
}

// oldNames are names of old files that the catalogue does not list.
var oldNames = map[string]string{"minimax-m2-100k": "minimax", "z_ai": "zai", "zhipu": "zai", "synthetic_new": "synthetic"}

// identify tells who p is: by its address, else by its name, else by the shape of
// its keys.
func identify(cat *provider.Cat, p *oldProvider) identity {
	named := vendorNamed(cat, p.name)
	if p.url == "" {
		return byNameOrKey(cat, p, named)
	}
	base, err := provider.ParseBase(p.url)
	if err != nil || strings.ContainsAny(p.url, "?#") {
		return badAddress(p, named, "the address is not one, or holds more than an address")
	}
	if id, ok := byAddress(cat, p, base, named); ok {
		return id
	}
	return ownAddress(cat, p, named)
}

func vendorNamed(cat *provider.Cat, name string) *provider.Vendor {
	name = strings.ToLower(strings.TrimSpace(name))
	if kind, ok := oldNames[name]; ok {
		name = kind
	}
	v, _ := cat.Vendor(name)
	return v
}

func byNameOrKey(cat *provider.Cat, p *oldProvider, named *provider.Vendor) identity {
	if named != nil {
		v, why := planOf(cat, named, p.dialect)
		return identity{vendor: v, why: why}
	}
	for _, k := range p.keys {
		if kind, _ := vendorOf(k.value); kind != "" {
			v, _ := cat.Vendor(kind)
			v, why := planOf(cat, v, p.dialect)
			return identity{vendor: v, why: strings.TrimSuffix("nothing but the shape of the key tells whose it is; "+why, "; ")}
		}
	}
	return identity{bad: "nobody knows this provider, and it has no address"}
}

// planOf chooses between the two kinds of Z.AI where nothing tells them apart. The
// first version spoke to the address of the Coding Plan.
func planOf(cat *provider.Cat, v *provider.Vendor, dialect string) (*provider.Vendor, string) {
	if v == nil || v.Kind != "zai" {
		return v, ""
	}
	const hint = "; if the keys answer 429, the kind is the other one of zai and zai-coding"
	switch dialect {
	case dialectV1, dialectDocker, dialectPlan, dialectOldest, dialectClaude:
		if plan, ok := cat.Vendor("zai-coding"); ok {
			return plan, "taken for keys of the Coding Plan, whose address this version used" + hint
		}
	}
	return v, "taken for pay-as-you-go keys" + hint
}

// byAddress finds the vendor whose host an address names.
func byAddress(cat *provider.Cat, p *oldProvider, base provider.Base, named *provider.Vendor) (identity, bool) {
	host := strings.TrimPrefix(strings.TrimPrefix(base.Origin(), "https://"), "http://")
	if host == "api.minimax.chat" {
		v, _ := cat.Vendor("minimax")
		return identity{vendor: v, sure: true, why: "the address is an old one and is replaced by the catalogue's"}, v != nil
	}
	var there []*provider.Vendor
	for _, v := range cat.Vendors() {
		for _, e := range v.Endpoints {
			if b, err := provider.ParseBase(e.BaseURL); err == nil && hostOf(b) == host && !v.Local {
				there = append(there, v)
				break
			}
		}
	}
	if len(there) == 0 {
		return identity{}, false
	}
	secure, _ := provider.ParseBase(overHTTPS(p.url))
	for _, v := range preferring(there, named) {
		if speaksAt(v, secure) {
			return identity{vendor: v, sure: true, why: wrongName(v, named)}, true
		}
	}
	v := preferring(there, named)[0]
	v, why := planOf(cat, v, p.dialect)
	if !base.Bare() {
		why = strings.TrimSuffix("the path is not one the provider documents; the catalogue's is used; "+why, "; ")
	}
	return identity{vendor: v, why: why}, true
}

// overHTTPS returns an absolute address with https for its scheme.
func overHTTPS(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	return "https://" + rest
}

func hostOf(b provider.Base) string {
	return strings.TrimPrefix(strings.TrimPrefix(b.Origin(), "https://"), "http://")
}

// preferring puts the vendors of named's family first.
func preferring(vendors []*provider.Vendor, named *provider.Vendor) []*provider.Vendor {
	if named == nil {
		return vendors
	}
	var first, rest []*provider.Vendor
	for _, v := range vendors {
		if v == named {
			first = append([]*provider.Vendor{v}, first...)
		} else if v.Family == named.Family {
			first = append(first, v)
		} else {
			rest = append(rest, v)
		}
	}
	return append(first, rest...)
}

// speaksAt reports whether a base URL is one of the vendor's endpoints, however it
// is spelt.
func speaksAt(v *provider.Vendor, base provider.Base) bool {
	for d, e := range v.Endpoints {
		if base.URL(d, provider.CallMain) == e.URL(d, provider.CallMain) {
			return true
		}
	}
	return false
}

func wrongName(v, named *provider.Vendor) string {
	if named != nil && named.Family != v.Family {
		return "its name says " + named.Title + ", its address " + v.Title + "; the address counts"
	}
	return ""
}

func badAddress(p *oldProvider, named *provider.Vendor, why string) identity {
	if named == nil || named.NeedsURL {
		return identity{bad: why}
	}
	return identity{bad: why, vendor: named}
}

// ownAddress is for a server the catalogue does not know: a mirror, a proxy, one's
// own. Its keys are never sent anywhere else.
func ownAddress(cat *provider.Cat, p *oldProvider, named *provider.Vendor) identity {
	id := identity{vendor: named, base: p.url, sure: true}
	path := strings.ToLower(p.url)
	id.anthropic = strings.Contains(path, "/anthropic") || strings.HasSuffix(strings.TrimRight(path, "/"), "/messages")
	if named == nil {
		kind := "openai-compatible"
		if id.anthropic {
			kind = "anthropic-compatible"
		}
		id.vendor, _ = cat.Vendor(kind)
	}
	u, err := url.Parse(p.url)
	switch {
	case err != nil || !plainPath(u.Path):
		return identity{bad: "the address holds what looks like a secret"}
	case !plainHost(u):
		return identity{bad: "the host of the address is not a plain name or number; write other scripts in the xn-- form"}
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err == nil && addr.IsLinkLocalUnicast() {
		return identity{bad: "a link-local address, where machines of a cloud keep their secrets"}
	}
	if id.private = err == nil && addr.IsPrivate(); id.private {
		id.why = "a private network, which is allowed for this provider alone"
	}
	if u.Scheme == "http" {
		id.plainHTTP(u)
	}
	return id
}

// plainHTTP allows http to this machine and private networks, and makes https of it
// elsewhere.
func (id *identity) plainHTTP(u *url.URL) {
	addr, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Hostname() == "localhost" || err == nil && (addr.IsLoopback() || addr.IsPrivate()):
		id.allowHTTP = true
		id.why = "plain http, which is allowed for this address alone"
	default:
		id.base = overHTTPS(id.base)
		id.why = "http is made https, so that keys do not travel in clear"
	}
}

// plainHost reports whether the host and port of an address are ones the vault can
// bind a key to.
func plainHost(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if u.Port() != "" && (err != nil || port == 0) {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	return host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// plainPath reports whether no segment of a path may be a secret.
func plainPath(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if hasSecretShape(segment) {
			return false
		}
	}
	return true
}

// origin returns what the keys are bound to; "" if nobody knows.
func (id identity) origin() string {
	if id.bad != "" {
		return ""
	}
	address := id.base
	if address == "" && id.vendor != nil {
		for _, d := range [...]llm.Dialect{llm.OpenAI, llm.Anthropic, llm.Responses} {
			if e, ok := id.vendor.Endpoints[d]; ok && e.BaseURL != "" {
				address = e.BaseURL
				break
			}
		}
	}
	b, err := provider.ParseBase(address)
	if err != nil {
		return ""
	}
	return b.Origin()
}
