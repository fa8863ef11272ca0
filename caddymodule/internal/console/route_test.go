package console

import (
	"strings"
	"testing"
	"unicode"
)

func TestTable_NamesInPathsAreOnePlainSegment(t *testing.T) {
	table := newTable(routes())
	for escaped, want := range map[string]string{
		"/api/providers/zai": "zai", "/api/providers/z%61i": "zai", "/api/providers/Z.AI": "Z.AI", "/api/providers/a%20b": "a b",
		"/api/providers/%E6%BC%A2": "漢", "/api/providers/...": "...", "/api/providers/a%2eb": "a.b",
	} {
		if rt, names, _ := table.find("GET", escaped); rt == nil || names[0] != want {
			t.Errorf("%s: %v %q", escaped, rt, names)
		}
	}
	for _, escaped := range []string{
		"", "api/providers/zai", "/api/providers/", "/api/providers/.", "/api/providers/..", "/api/providers/%2e%2e", "/api/providers/%2e",
		"/api/providers/a%2fb", "/api/providers/a%5cb", "/api/providers/%00", "/api/providers/%0a", "/api/providers/%7f", "/api/providers/%ff",
		"/api/providers/%", "/api/providers/%zz", "/api//zai", "/api/providers//", "/api/providers/" + strings.Repeat("a", maxSegment+1),
		"/%61pi/providers/zai", "/api/providers/%F0%80%80%AF",
	} {
		if rt, names, allowed := table.find("GET", escaped); rt != nil || allowed != nil {
			t.Errorf("%s leads to %s with %q", escaped, rt.pattern, names)
		}
	}
}

// FuzzTable looks any path up: what is found has one spelling and plain names.
func FuzzTable(f *testing.F) {
	table := newTable(routes())
	for _, r := range routes() {
		f.Add("GET", r.pattern)
		f.Add(r.method, strings.ReplaceAll(r.pattern, "{", "%7b"))
	}
	for _, s := range []string{"//api/meta", "/api/meta/", "/API/meta", "/api/keys/a%2f..%2fb/c", "/api/keys/../x", "/api/keys/%2e%2e/x", "/\\api\\meta"} {
		f.Add("GET", s)
	}
	f.Fuzz(func(t *testing.T, method, escaped string) {
		rt, names, allowed := table.find(method, escaped)
		if rt == nil {
			return
		}
		if len(allowed) > 0 || rt.method != method && method != "HEAD" {
			t.Errorf("%s %s: %s, allowed %v", method, escaped, rt.method, allowed)
		}
		for _, n := range names {
			if n == "" || n == "." || n == ".." || strings.ContainsAny(n, `/\`) || strings.ContainsFunc(n, unicode.IsControl) {
				t.Errorf("%s gives the name %q", escaped, n)
			}
		}
		fixed := rt.pattern[:strings.IndexByte(rt.pattern+"{", '{')]
		if !strings.HasPrefix(escaped, fixed) {
			t.Errorf("%s is found as %s", escaped, rt.pattern)
		}
	})
}
