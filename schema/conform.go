package schema

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// conformer holds a tree against the schema and collects what it does not
// allow. It knows the keywords that the schema uses and no others, and needs no
// preparation: a general validator takes more time to get ready than all the
// rest of a start takes with a configuration. Tests hold it against one.
type conformer struct {
	names    map[string]bool // the members that are looked at; of others nothing is said
	findings []finding
}

// value checks one value and all that is in it.
func (c *conformer) value(s *spec, v any, at string) {
	if !s.holds(v) {
		c.breaks(s, "type", v, at)
		return
	}
	switch v := v.(type) {
	case string:
		c.text(s, v, at)
	case int64:
		c.number(s, float64(v), v, at)
	case float64:
		c.number(s, v, v, at)
	case map[string]any:
		c.object(s, v, at)
	case []any:
		for i, e := range v {
			if s.items != nil {
				c.value(s.items, e, at+"/"+strconv.Itoa(i))
			}
		}
	}
}

// breaks notes that a value breaks a keyword of its schema.
func (c *conformer) breaks(s *spec, keyword string, v any, at string) {
	f := finding{pointer: at}
	f.msg, f.hint = s.explainValue(keyword, v, at)
	c.findings = append(c.findings, f)
}

func (c *conformer) text(s *spec, v, at string) {
	for _, keyword := range s.broken(v) {
		c.breaks(s, keyword, v, at)
	}
}

// broken lists the keywords that a string breaks.
func (s *spec) broken(v string) []string {
	var out []string
	length := len(v)
	if s.short > 0 || s.long > 0 && length > s.long {
		length = utf8.RuneCountInString(v)
	}
	if len(s.enum) > 0 && !slices.Contains(s.enum, v) {
		out = append(out, "enum")
	}
	if length < s.short {
		out = append(out, "minLength")
	}
	if s.long > 0 && length > s.long {
		out = append(out, "maxLength")
	}
	if s.pattern != "" && !matches(s.pattern, v) {
		out = append(out, "pattern")
	}
	return out
}

func (c *conformer) number(s *spec, n float64, v any, at string) {
	if low, err := strconv.ParseFloat(s.min, 64); err == nil && n < low {
		c.breaks(s, "minimum", v, at)
	}
	if high, err := strconv.ParseFloat(s.max, 64); err == nil && n > high {
		c.breaks(s, "maximum", v, at)
	}
}

func (c *conformer) object(s *spec, members map[string]any, at string) {
	c.findings = append(c.findings, missingMembers(s, members, at)...)
	if s.closed {
		c.findings = append(c.findings, unknownMembers(s, members, at)...)
	}
	for _, f := range s.fields {
		if v, ok := members[f.name]; ok && c.names[f.name] {
			c.value(f, v, at+"/"+escapePointer(f.name))
		}
	}
	if s.extra == nil {
		return
	}
	for name, v := range members {
		step := at + "/" + escapePointer(name)
		if s.naming != nil && len(s.naming.broken(name)) > 0 {
			c.findings = append(c.findings, badName(step))
		}
		c.value(s.extra, v, step)
	}
}

// holds says whether a value is of one of the types allowed.
func (s *spec) holds(v any) bool {
	switch v := v.(type) {
	case string:
		return s.is("string")
	case bool:
		return s.is("boolean")
	case int64:
		return s.is("integer") || s.is("number")
	case float64:
		return s.is("number") || s.is("integer") && v == math.Trunc(v)
	case map[string]any:
		return s.is("object")
	case []any:
		return s.is("array")
	}
	return false
}

// memberNames lists the names of all members anywhere in a tree.
func memberNames(v any, into map[string]bool) map[string]bool {
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			into[name] = true
			memberNames(e, into)
		}
	case []any:
		for _, e := range v {
			memberNames(e, into)
		}
	}
	return into
}

// expressions holds the schema's patterns that were needed so far, compiled.
var expressions sync.Map // of string to *regexp.Regexp

func matches(pattern, text string) bool {
	known, ok := expressions.Load(pattern)
	if !ok {
		known, _ = expressions.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return known.(*regexp.Regexp).MatchString(text)
}
