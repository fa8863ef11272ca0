package schema

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker applies the rules a schema cannot say. It reads the merged tree
// defensively, since it also runs when the schema was broken, so that all
// problems show at once; what has the wrong shape is left to the schema.
type checker struct {
	tree     map[string]any
	known    Known
	env      func(string) (string, bool) // nil: the environment is not checked
	strict   bool                        // a secret that cannot be found is a problem, not a warning
	envNames []string
	isSet    func(pointer string) bool // whether the user set a value

	problems, warnings []finding
}

// check runs every rule.
func (c *checker) check() {
	c.providers()
	c.keys()
	c.clients()
	c.services()
	c.routes()
	c.aliases()
	c.timeouts()
	c.durations(rootSpec(), c.tree, "")
	c.strays(c.tree, "")
}

func (c *checker) problem(pointer, msg, hint string) {
	c.problems = append(c.problems, finding{pointer: pointer, msg: msg, hint: hint})
}

// twice reports what already stands at another place, first.
func (c *checker) twice(pointer, first, msg, hint string) {
	c.problems = append(c.problems, finding{pointer: pointer, msg: msg, hint: hint, also: first})
}

func (c *checker) warn(pointer, msg, hint string) {
	c.warnings = append(c.warnings, finding{pointer: pointer, msg: msg, hint: hint})
}

// object returns the members of an object, none if there is no object.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// text returns a member that is a string, "" otherwise.
func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

// enabled says whether an entry is in use.
func enabled(m map[string]any) bool { return m["enabled"] != false }

// entries yields the entries of an object of objects by name, sorted.
func entries(v any) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		m := object(v)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if e, ok := m[name].(map[string]any); ok && !yield(name, e) {
				return
			}
		}
	}
}

// rowsOf yields the rows of a list with their pointers.
func rowsOf(v any, at string) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		rows, _ := v.([]any)
		for i, row := range rows {
			if m, ok := row.(map[string]any); ok && !yield(at+"/"+strconv.Itoa(i), m) {
				return
			}
		}
	}
}

// provider returns the entry of a provider.
func (c *checker) provider(name string) (map[string]any, bool) {
	p, ok := object(c.tree["providers"])[name].(map[string]any)
	return p, ok
}

func (c *checker) providerNames() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(object(c.tree["providers"]))))
}

// kindOf returns the catalogue's entry for a provider; its kind is by default
// its name.
func (c *checker) kindOf(name string) (kind string, k Kind, ok bool) {
	p, _ := c.provider(name)
	kind = name
	if v := text(p, "kind"); v != "" {
		kind = v
	}
	k, ok = c.known.kind(kind)
	return kind, k, ok
}

// refersTo reports a provider that is not there; at points to its name.
func (c *checker) refersTo(at, name string) bool {
	if name == "" {
		return false
	}
	if _, ok := object(c.tree["providers"])[name]; ok {
		return true
	}
	hint := didYouMean(name, c.providerNames())
	if _, isKind := c.known.kind(name); isKind {
		hint = "add it to providers, as " + strconv.Quote(name)
	} else if hint == "" {
		hint = "known: " + listed(c.providerNames())
	}
	c.problem(at, "no provider "+quote(name), hint)
	return false
}

// listed joins names for a message, the first ten of them.
func listed(names iter.Seq[string]) string {
	all := slices.Collect(names)
	if len(all) == 0 {
		return "none"
	}
	if len(all) > 10 {
		return strings.Join(all[:10], ", ") + fmt.Sprintf(" and %d more", len(all)-10)
	}
	return strings.Join(all, ", ")
}

// strays reports keys that were pasted where no key belongs. Secrets, headers and
// base URLs have rules of their own.
func (c *checker) strays(v any, at string) {
	switch t := v.(type) {
	case map[string]any:
		for name, e := range t {
			p := at + "/" + escapePointer(name)
			if hasSecretShape(name) {
				c.problems = append(c.problems, finding{pointer: p, key: true, msg: "a name that looks like a secret", hint: strayHint})
			}
			if name != "secret" && name != "passphrase" && name != "webhook_secret" && name != "trace_headers" && name != "headers" && !strings.HasSuffix(name, "base_url") {
				c.strays(e, p)
			}
		}
	case []any:
		for i, e := range t {
			c.strays(e, at+"/"+strconv.Itoa(i))
		}
	case string:
		if hasSecretShape(t) {
			c.problem(at, "the value looks like a secret", strayHint)
		}
	}
}

const strayHint = "a key is kept elsewhere and named by the secret of a row of keys"

// durations checks what the pattern of durations cannot: that they fit.
func (c *checker) durations(s *spec, v any, at string) {
	switch t := v.(type) {
	case map[string]any:
		for name, e := range t {
			if m := s.member(name); m != nil {
				c.durations(m, e, at+"/"+escapePointer(name))
			}
		}
	case []any:
		for i, e := range t {
			if s.items != nil {
				c.durations(s.items, e, at+"/"+strconv.Itoa(i))
			}
		}
	case string:
		c.unit(s, t, at)
	}
}

func (c *checker) unit(s *spec, value, at string) {
	switch s.ref {
	case "duration":
		if d, err := time.ParseDuration(value); err == nil && d > 30*24*time.Hour {
			c.problem(at, quote(value)+" is longer than 30 days", "")
		} else if err != nil && strings.Contains(err.Error(), "invalid duration") && strings.HasSuffix(value, "h") && isDigits(value[:len(value)-1]) {
			c.problem(at, quote(value)+" is longer than 30 days", "")
		}
	case "size":
		if _, err := parseSize(value); err != nil && strings.Contains(err.Error(), "larger") {
			c.problem(at, quote(value)+" is "+err.Error(), "")
		}
	}
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// timeouts checks that no time limit the user sets is longer than the total
// around it, in general and for each provider. A total below limits that were
// only inherited is fine: it ends the attempt first.
func (c *checker) timeouts() {
	general := object(c.tree["timeouts"])
	c.nested(general, nil, "/timeouts")
	for name, p := range entries(c.tree["providers"]) {
		c.nested(object(p["timeouts"]), general, "/providers/"+escapePointer(name)+"/timeouts")
	}
}

func (c *checker) nested(own, general map[string]any, at string) {
	total, ok := durationOf(own, "total")
	if !ok {
		total, ok = durationOf(general, "total")
	}
	if !ok || total == 0 {
		return
	}
	for _, name := range []string{"connect", "tls", "first_event", "idle", "no_progress"} {
		d, ok := durationOf(own, name)
		if ok && d > total && c.isSet(at+"/"+name) {
			c.problem(at+"/"+name, fmt.Sprintf("%s is longer than total, %s", Duration(d), Duration(total)), "lower it, or raise total")
		}
	}
}

func durationOf(in map[string]any, name string) (time.Duration, bool) {
	d, err := time.ParseDuration(text(in, name))
	return d, err == nil
}
