package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// route is one thing the console answers.
type route struct {
	method  string
	pattern string // segments; {name} takes any one
	role    auth.Role
	// action is the change's name in the audit log. A route without one changes
	// nothing but the caller's own session.
	action string
	// unset also serves identities that have to set a password first.
	unset  bool
	handle func(*call) (any, error)
}

// maxSegment bounds a name in a path, in bytes.
const maxSegment = 256

// table finds the route of a request. There is one decision: the route that is
// found is also the one whose role is checked and whose handler runs (LiteLLM
// CVE-2026-49468: the gate looked at another path than the router).
type table struct{ rows []row }

type row struct {
	route
	segments []string
}

func newTable(routes []route) table {
	var t table
	for _, r := range routes {
		t.rows = append(t.rows, row{r, strings.Split(r.pattern, "/")[1:]})
	}
	return t
}

// find returns the route for a method and an escaped path, and the decoded
// names in it. allowed lists the methods of the path if only the method is
// wrong. HEAD is answered where GET is.
func (t table) find(method, escaped string) (found *route, names []string, allowed []string) {
	raw, decoded, ok := segments(escaped)
	if !ok {
		return nil, nil, nil
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range t.rows {
		names, ok := t.rows[i].match(raw, decoded)
		if !ok {
			continue
		}
		if t.rows[i].method == method {
			return &t.rows[i].route, names, nil
		}
		allowed = append(allowed, t.rows[i].method)
	}
	slices.Sort(allowed)
	return nil, nil, allowed
}

// match compares whole segments. What the table spells out must be sent
// unescaped, in the same case.
func (r row) match(raw, decoded []string) (names []string, ok bool) {
	if len(raw) != len(r.segments) {
		return nil, false
	}
	for i, want := range r.segments {
		if strings.HasPrefix(want, "{") {
			if decoded[i] == "" {
				return nil, false
			}
			names = append(names, decoded[i])
		} else if raw[i] != want {
			return nil, false
		}
	}
	return names, true
}

// segments splits a path. Paths with a second spelling are refused: dot
// segments, escaped slashes, control characters. Empty segments match nothing.
func segments(escaped string) (raw, decoded []string, ok bool) {
	if !strings.HasPrefix(escaped, "/") || len(escaped) > 2048 {
		return nil, nil, false
	}
	raw = strings.Split(escaped, "/")[1:]
	decoded = make([]string, len(raw))
	for i, s := range raw {
		d, err := url.PathUnescape(s)
		if err != nil || !plain(d) || d == "." || d == ".." || strings.Contains(d, "/") {
			return nil, nil, false
		}
		decoded[i] = d
	}
	return raw, decoded, true
}

// plain reports whether a name is text that can be shown and logged as it is.
func plain(s string) bool {
	return len(s) <= maxSegment && utf8.ValidString(s) && !strings.Contains(s, `\`) && !strings.ContainsFunc(s, unicode.IsControl)
}

// serve finds the route, asks who the caller is and whether they may, and lets
// the route's handler answer.
func (c *Console) serve(w http.ResponseWriter, r *http.Request) error {
	if a, ok := c.assets[r.URL.EscapedPath()]; ok && safe(r.Method) {
		a.serve(w, r)
		return nil
	}
	rt, names, allowed := c.routes.find(r.Method, r.URL.EscapedPath())
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "this method is not for this path"}
	}
	if rt == nil {
		return NotFound("there is nothing here")
	}
	k := &call{c: c, w: w, r: r, route: rt, names: names, ip: c.o.ClientIP(r)}
	if err := k.authorise(); err != nil {
		return err
	}
	out, err := rt.handle(k)
	if err != nil {
		return err
	}
	return k.answer(out)
}
