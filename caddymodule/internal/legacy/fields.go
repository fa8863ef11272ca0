package legacy

import (
	"fmt"
	"strings"
	"time"
)

// provider reads one provider. A row without a name has name "".
func (r *reading) provider(name string, n *node) {
	if !n.is(object) {
		r.entry(Refused, n, "", "not a description of a provider")
		return
	}
	n.used = true
	p := &oldProvider{name: name, dialect: r.draft.dialect, where: r.at(n)}
	r.nothings(n)
	r.label(p, n)
	r.keys(p, n)
	r.address(p, n, "anthropicBaseUrl", "anthropic_base_url", "baseUrl", "base_url", "endpoint", "apiUrl", "url")
	if isMock(p) {
		r.entry(Dropped, n, "", "the mock of the C++ versions, which only had the name of Synthetic; the simulator is built in")
		n.mark()
		return
	}
	r.modelNames(p, n)
	r.switches(p, n)
	r.rank(p, n)
	r.timeout(p, n)
	r.ceiling(p, n)
	r.headers(p, n)
	for _, m := range n.members {
		if why := providerDropped(m.name); why != "" && !m.value.touched() {
			r.entry(Dropped, m.value, "", why)
			m.value.mark()
		}
	}
	r.draft.providers = append(r.draft.providers, p)
}

// nothings takes out the fields that are null, which says no more than leaving them
// out.
func (r *reading) nothings(n *node) {
	some := n.members[:0:0]
	for _, m := range n.members {
		if m.value.is(null) {
			r.entry(Dropped, m.value, "", "it is empty")
			continue
		}
		some = append(some, m)
	}
	n.members = some
}

// label takes the name written for people, unless the map had none.
func (r *reading) label(p *oldProvider, n *node) {
	label := n.get("name")
	if label == nil || label.used {
		return
	}
	if p.name == "" {
		p.name = label.str()
	}
	r.entry(Dropped, label, "", "the name for people is the catalogue's")
}

// keyNames are the fields keys were in.
var keyNames = []string{"apiKey", "api_key", "apikey", "apiKeys", "api_keys", "keys", "authToken", "auth_token"}

func (r *reading) keys(p *oldProvider, n *node) {
	for _, field := range n.all(keyNames...) {
		switch {
		case field.is(array):
			field.used = true
			for _, e := range field.elems {
				r.key(p, e)
			}
		default:
			r.key(p, field)
		}
	}
}

// key judges one key. Every value is hidden from the report, whatever it is.
func (r *reading) key(p *oldProvider, n *node) {
	r.report.secrets.hide(n.text)
	if !n.is(text) && !n.is(number) && !n.is(null) {
		r.entry(Refused, n, "", "not a key")
		return
	}
	j := judge(n.text)
	switch {
	case j.verdict == absent || n.is(null):
		r.entry(Dropped, n, "", "no key was given")
	case n.cut:
		r.entry(Refused, n, "", "the file ends within the key; enter it anew")
	case j.verdict == usable:
		n.used = true
		r.report.secrets.hide(j.value)
		if j.why != "" {
			r.entry(Changed, n, "", j.why)
		}
		p.keys = append(p.keys, oldKey{value: j.value, where: r.at(n)})
	case j.verdict == reference:
		n.used = true
		p.keys = append(p.keys, oldKey{env: j.value, where: r.at(n)})
	default:
		r.entry(Refused, n, "", j.why)
	}
}

// address takes the first address of names; the others are the same provider's for
// other dialects, which the catalogue knows.
func (r *reading) address(p *oldProvider, n *node, names ...string) {
	for _, name := range names {
		v := n.get(name)
		switch {
		case v == nil:
		case strings.TrimSpace(v.str()) == "":
			r.entry(Dropped, v, "", "it is empty")
		case p.url == "":
			v.used = true
			p.url, p.urlAt = strings.TrimSpace(v.text), r.at(v)
		default:
			r.entry(Dropped, v, "", "the address used is the one for the Anthropic API; others follow from it or from the catalogue")
		}
	}
}

// modelNames reads the four forms a list of models had.
func (r *reading) modelNames(p *oldProvider, n *node) {
	add := func(v *node) {
		if v.str() == "" {
			return
		}
		v.used = true
		p.models = append(p.models, oldModel{v.text, r.at(v)})
	}
	add(n.get("model"))
	models := n.get("models")
	switch {
	case models.is(object):
		add(models.get("default"))
		add(models.get("thinking"))
		for _, e := range models.get("available").strings() {
			add(e)
		}
	case models != nil:
		models.used = models.is(array)
		for _, e := range models.strings() {
			add(e)
		}
		for _, e := range models.elemsOf() {
			add(e.get("id", "name"))
		}
	}
}

func (r *reading) switches(p *oldProvider, n *node) {
	v := n.get("enabled")
	if v == nil {
		return
	}
	on, ok := v.truth()
	if !ok {
		r.entry(Refused, v, "", "neither true nor false; the provider is used")
		return
	}
	p.enabled = &on
	r.entry(Kept, v, fmt.Sprintf("enabled %t", on), "")
}

// rank puts the three directions of priority into one: the lowest first. The first
// version and the gateway's scores had the highest first.
func (r *reading) rank(p *oldProvider, n *node) {
	v := n.get("priority", "priority_score")
	v1 := r.draft.dialect == dialectV1 || r.draft.dialect == dialectDocker
	switch {
	case v1:
		p.rank = 11 - 5
	case r.draft.dialect == dialectD:
		p.rank = -100
	default:
		p.rank = 1
	}
	if v == nil {
		return
	}
	rank, ok := v.num()
	switch {
	case !ok || rank < -1000 || rank > 1000:
		r.entry(Refused, v, "", "not a priority; the default of its time is used")
		return
	case v1 && n.has("priority"):
		rank = 11 - rank
	case n.get("priority_score") == v:
		rank = -rank
	}
	v.used = true
	p.rank, p.given, p.rankAt = rank, true, r.at(v)
}

// timeout reads the span one request was allowed. 30 s was the default everywhere
// and too short for a long answer, so it is not carried over.
func (r *reading) timeout(p *oldProvider, n *node) {
	v := n.get("timeout", "timeout_ms")
	if v == nil {
		return
	}
	d, ok := milliseconds(v)
	switch {
	case !ok:
		r.entry(Refused, v, "", "not a number of milliseconds from 100 to 3600000; the default is used")
	case d == 30*time.Second:
		r.entry(Dropped, v, "", "it was the default; the default here is 60s until the first piece of an answer")
	default:
		p.timeout = d.Round(time.Millisecond)
		r.entry(Changed, v, "timeouts.first_event "+p.timeout.String(), "the time until the first piece of an answer; the whole of it may take longer")
	}
}

func (r *reading) ceiling(p *oldProvider, n *node) {
	v := n.get("max_concurrent_requests")
	if v == nil {
		return
	}
	limit, ok := v.num()
	switch {
	case !ok || limit < 1 || limit > 10000:
		r.entry(Refused, v, "", "not a number of requests")
	case limit == 10:
		r.entry(Dropped, v, "", "it was the default; here there is no limit unless one is set")
	default:
		p.inFlight = int(limit)
		r.entry(Kept, v, fmt.Sprintf("max_in_flight %d", p.inFlight), "")
	}
}

// headers reads the headers added to requests. One that carries a key gives the
// key; MiniMax's group is a header too.
func (r *reading) headers(p *oldProvider, n *node) {
	if v := n.get("group_id", "groupId"); v != nil {
		r.header(p, "X-GroupId", v)
	}
	custom := n.get("custom_settings")
	for _, holder := range []*node{n.get("custom_headers"), n.get("headers"), custom.get("headers"), custom.get("custom_headers")} {
		if holder.is(object) {
			holder.used = true
			for _, m := range holder.members {
				r.header(p, m.name, m.value)
			}
		}
	}
}

func (r *reading) header(p *oldProvider, name string, v *node) {
	switch {
	case isCredential(name):
		r.key(p, v)
		return
	case v.str() == "":
		r.entry(Dropped, v, "", "it is empty")
		return
	case !isHeaderName(name) || !plainValue(v.text):
		r.report.secrets.hide(v.text)
		r.entry(Refused, v, "", "not a header aimux may send; a value that may be a key is entered as a key")
		return
	}
	p.headers = append(p.headers, [2]string{name, v.text})
	r.entry(Kept, v, "header "+name, "")
}

// isCredential reports whether a header carries a key.
func isCredential(name string) bool {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-auth-token":
		return true
	}
	return false
}

// isHeaderName reports whether name is one a configuration may set.
func isHeaderName(name string) bool {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "cookie",
		"content-type", "content-encoding", "accept-encoding", "expect", "proxy-connection":
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// plainValue reports whether a text is short and cannot be a secret.
func plainValue(s string) bool {
	if len(s) > 200 || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
		return false
	}
	letters := 0
	for _, c := range s {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			letters++
		}
	}
	return scrub(s) == s && !hasSecretShape(s) && (letters < 4 || len(s) < 24)
}
