package schema

import (
	"encoding/json"
	"strconv"
	"strings"
)

// specReader reads aimux.schema.json into specs. It is needed at every start, so
// it takes the schema to be JSON and itself to know all of its keywords, as tests
// make sure, and keeps no places.
type specReader struct {
	text string
	at   int
	defs map[string]int   // where definitions stand
	read map[string]*spec // definitions that were referred to
}

// root reads a whole schema.
func (r *specReader) root() *spec {
	r.members(func(keyword string) {
		if keyword != "$defs" {
			r.skip()
			return
		}
		r.members(func(name string) {
			r.defs[name] = r.at
			r.skip()
		})
	})
	r.at = 0
	return r.spec("")
}

// spec reads one schema object. The schema is not recursive, and beside a
// reference nothing is demanded.
func (r *specReader) spec(name string) *spec {
	s := &spec{}
	r.members(func(keyword string) { r.keyword(s, keyword) })
	s.name = name
	return s
}

func (r *specReader) keyword(s *spec, keyword string) {
	switch keyword {
	case "$ref":
		id := strings.TrimPrefix(r.string(), "#/$defs/")
		*s = *r.definition(id) // it is written before anything else of s
		s.ref = id
	case "title":
		s.title = r.string()
	case "description":
		s.text = r.string()
	case "type":
		s.types = r.strings()
	case "enum":
		s.enum = r.strings()
	case "required":
		s.required = r.strings()
	case "properties":
		r.members(func(name string) { s.fields = append(s.fields, r.spec(name)) })
	case "additionalProperties":
		if s.closed = r.peek() == 'f'; s.closed {
			r.skip()
		} else {
			s.extra = r.spec("*")
		}
	case "propertyNames":
		s.naming = r.spec("")
	case "items":
		s.items = r.spec("*")
	case "default":
		s.def = r.node()
	case "examples":
		s.examples = r.node().elems
	case "pattern":
		s.pattern = r.string()
	case "minimum":
		s.min = r.word()
	case "maximum":
		s.max = r.word()
	case "maxProperties", "maxItems":
		s.most = r.number()
	case "minLength":
		s.short = r.number()
	case "maxLength":
		s.long = r.number()
	default:
		r.skip()
	}
}

// definition reads what a reference leads to, once.
func (r *specReader) definition(id string) *spec {
	if s := r.read[id]; s != nil {
		return s
	}
	back := r.at
	r.at = r.defs[id]
	s := r.spec(id)
	r.at, r.read[id] = back, s
	return s
}

// peek skips white space and separators, and returns the byte that follows.
func (r *specReader) peek() byte {
	for {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			r.at++
		default:
			return c
		}
	}
}

// members calls visit at the value of each member, which visit reads or skips.
func (r *specReader) members(visit func(name string)) {
	r.peek()
	r.at++
	for r.peek() != '}' {
		visit(r.string())
	}
	r.at++
}

func (r *specReader) elements(visit func()) {
	r.peek()
	r.at++
	for r.peek() != ']' {
		visit()
	}
	r.at++
}

// string reads a string; one without escapes is a part of the text.
func (r *specReader) string() string {
	r.peek()
	start := r.at
	for r.at++; ; r.at++ {
		r.at += strings.IndexByte(r.text[r.at:], '"')
		before := strings.TrimRight(r.text[start+1:r.at], `\`)
		if (r.at-start-1-len(before))%2 == 0 {
			break // the quotation mark is not escaped
		}
	}
	r.at++
	plain := r.text[start+1 : r.at-1]
	if strings.IndexByte(plain, '\\') < 0 {
		return plain
	}
	var out string
	_ = json.Unmarshal([]byte(r.text[start:r.at]), &out)
	return out
}

// strings reads a list of strings, or a single one.
func (r *specReader) strings() []string {
	if r.peek() == '"' {
		return []string{r.string()}
	}
	var out []string
	r.elements(func() { out = append(out, r.string()) })
	return out
}

// word reads a number, true, false or null as it is written.
func (r *specReader) word() string {
	r.peek()
	rest := r.text[r.at:]
	end := strings.IndexAny(rest, " \t\r\n,]}")
	r.at += end
	return rest[:end]
}

func (r *specReader) number() int {
	n, _ := strconv.Atoi(r.word())
	return n
}

// node reads any value.
func (r *specReader) node() *node {
	switch r.peek() {
	case '"':
		return &node{kind: kindString, text: r.string()}
	case '{':
		n := &node{kind: kindObject}
		r.members(func(name string) { n.fields = append(n.fields, field{key: name, value: r.node()}) })
		return n
	case '[':
		n := &node{kind: kindArray}
		r.elements(func() { n.elems = append(n.elems, r.node()) })
		return n
	case 't', 'f':
		return &node{kind: kindBool, truth: r.word() == "true"}
	case 'n':
		r.word()
		return &node{}
	}
	return &node{kind: kindNumber, text: r.word()}
}

// skip passes over any value.
func (r *specReader) skip() {
	switch r.peek() {
	case '"':
		r.string()
	case '{':
		r.members(func(string) { r.skip() })
	case '[':
		r.elements(r.skip)
	default:
		r.word()
	}
}
