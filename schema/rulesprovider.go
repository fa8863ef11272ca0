package schema

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// providers checks kinds, addresses and headers.
func (c *checker) providers() {
	some, used := false, false
	for name, p := range entries(c.tree["providers"]) {
		some, used = true, used || enabled(p)
		at := "/providers/" + escapePointer(name)
		c.kind(name, p, at)
		c.baseURLs(name, p, at)
		c.headers(object(p["headers"]), at+"/headers")
		c.ownModels(p, at+"/models")
	}
	if some && !used {
		c.warn("/providers", "every provider is switched off", "remove enabled: false from one")
	}
}

func (c *checker) kind(name string, p map[string]any, at string) {
	kind, k, ok := c.kindOf(name)
	if len(c.known.Kinds) == 0 {
		return
	}
	if !ok {
		place, msg := at+"/kind", "no provider kind "+quote(kind)
		if p["kind"] == nil {
			place, msg = at, "the provider has no kind and "+quote(kind)+" is none"
		}
		hint := didYouMean(kind, c.known.names())
		if hint == "" {
			hint = "kinds: " + strings.Join(slices.Collect(c.known.names()), ", ")
		}
		c.problem(place, msg, hint)
		return
	}
	if k.NeedsBaseURL && text(p, "base_url") == "" && text(p, "anthropic_base_url") == "" && text(p, "responses_base_url") == "" {
		c.problem(at, "a provider of kind "+quote(kind)+" has no address of its own", `add base_url, such as "https://llm.example.com/v1"`)
	}
}

// ownModels reports models described twice.
func (c *checker) ownModels(p map[string]any, at string) {
	seen := map[string]string{}
	for row, m := range rowsOf(p["models"], at) {
		id := text(m, "id")
		if first, twice := seen[id]; twice && id != "" {
			c.twice(row+"/id", first, "the model "+quote(id)+" stands twice", "keep one of them")
		}
		seen[id] = row
	}
}

func (c *checker) baseURLs(name string, p map[string]any, at string) {
	_, k, _ := c.kindOf(name)
	for _, member := range []string{"base_url", "anthropic_base_url", "responses_base_url"} {
		raw := text(p, member)
		if raw == "" {
			continue
		}
		if msg, hint := checkURL(raw, p["allow_http"] == true, k.Local); msg != "" {
			c.problem(at+"/"+member, msg, hint)
		} else if p["allow_private"] != true && isPrivate(raw) {
			c.problem(at+"/"+member, quote(raw)+" is an address of a private network", "add allow_private: true, so that aimux may connect to it")
		}
	}
}

// checkURL says what is wrong with a base URL. It repeats the URL only when no
// part of it may be a credential.
func checkURL(raw string, allowHTTP, local bool) (msg, hint string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "not a URL", `for example "https://llm.example.com/v1"`
	case u.User != nil:
		return "the URL contains a user name or password", "remove it; keys are rows of keys"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "the URL has a query or fragment", "a base URL ends with its path; keys are rows of keys"
	case slices.ContainsFunc(strings.Split(u.Path, "/"), hasSecretShape):
		return "the URL contains what looks like a secret", "keys are rows of keys"
	case u.Scheme == "" || u.Host == "" || u.Hostname() == "":
		return quote(raw) + " is not an absolute URL", absoluteHint(raw)
	case u.Scheme == "https":
		return "", ""
	case u.Scheme != "http":
		return quote(raw) + " is not an http or https URL", "a base URL begins with https://"
	}
	return checkPlainHTTP(u, allowHTTP, local)
}

// isPrivate says whether a URL names an address of a private network by number.
func isPrivate(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && (addr.IsPrivate() || addr.IsLinkLocalUnicast())
}

func absoluteHint(raw string) string {
	if strings.Contains(raw, "://") || strings.HasPrefix(raw, "/") {
		return `a base URL begins with https:// and a host`
	}
	return "did you mean " + strconv.Quote("https://"+raw) + "?"
}

// checkPlainHTTP allows http where the key does not travel in clear through
// strangers' networks.
func checkPlainHTTP(u *url.URL, allowHTTP, local bool) (msg, hint string) {
	addr, err := netip.ParseAddr(u.Hostname())
	public := err == nil && !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast()
	loopback := err == nil && addr.IsLoopback() || u.Hostname() == "localhost"
	switch {
	case public:
		return "the URL sends keys in clear to a public address", "use https://"
	case allowHTTP, local && loopback:
		return "", ""
	}
	return "the URL is plain http", "use https://, or allow_http: true for a server in a network you trust"
}

// credentialHeaders carry keys; hopHeaders belong to the connection; idHeaders
// carry long ids that are no secrets.
var (
	idHeaders         = []string{"openai-organization", "openai-project"}
	credentialHeaders = []string{"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "x-auth-token"}
	hopHeaders        = []string{"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "content-type", "content-encoding", "accept-encoding", "expect", "proxy-connection"}
)

func (c *checker) headers(headers map[string]any, at string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value, _ := headers[name].(string)
		place := at + "/" + escapePointer(name)
		folded := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		switch {
		case !isToken(name):
			c.problem(place, quote(name)+" is not the name of a header", "letters, digits and -")
		case slices.Contains(credentialHeaders, folded):
			c.problem(place, "the header "+quote(name)+" carries a credential", "make it a row of keys with secret: env:NAME")
		case slices.Contains(hopHeaders, folded):
			c.problem(place, "the header "+quote(name)+" is set by aimux itself", "remove it")
		case strings.ContainsFunc(value, isControl):
			c.problem(place, "the value has a line break or another control character", "write it on one line")
		case !slices.Contains(idHeaders, folded) && (looksSecret(value) || scrub(value) != value):
			c.problem(place, "the value looks like a secret", "make it a row of keys with secret: env:NAME or file:PATH")
		}
	}
}

// isToken says whether s is a token of HTTP (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for _, c := range s {
		if !isLetter(c) && !('0' <= c && c <= '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c) {
			return false
		}
	}
	return s != ""
}
