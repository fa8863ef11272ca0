package schema

import (
	_ "embed"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed aimux.schema.json
var schemaJSON []byte

// SchemaJSON returns the JSON Schema (draft 2020-12) of a configuration, for
// editors and for `aimux config schema`. The caller may keep and change it.
func SchemaJSON() []byte { return slices.Clone(schemaJSON) }

// spec is what the schema says about one value, with references followed. It
// serves what a validator cannot: types for environment variables, defaults,
// suggestions, documentation.
type spec struct {
	name        string // the last step of the path, or of the definition
	ref         string // the definition it refers to, such as "duration"
	title, text string // title and description
	types       []string
	enum        []string
	required    []string
	fields      []*spec // the members of an object, in the schema's order
	extra       *spec   // the members of a map with names of the user's choice
	items       *spec   // the elements of a list
	def         *node   // the default, nil when there is none
	examples    []*node
	min, max    string // bounds of a number, as written
	most        int    // most members of an object or list, 0 for any number
}

// schemaRoot is the schema as a document, which nobody may change.
func schemaRoot() *node { return &schemaNodes }

// rootSpec is the schema's own view of a whole document.
var rootSpec = sync.OnceValue(func() *spec { return newSpec("", schemaRoot(), schemaRoot().get("$defs")) })

// newSpec reads one schema object; defs holds the definitions it may refer to.
// The schema is not recursive.
func newSpec(name string, n, defs *node) *spec {
	s := &spec{}
	if ref := n.get("$ref"); ref != nil {
		id := strings.TrimPrefix(ref.text, "#/$defs/")
		s = newSpec(id, defs.get(id), defs)
		s.ref = id
	}
	s.name = name
	for _, f := range n.fields {
		s.set(f.key, f.value, defs)
	}
	return s
}

func (s *spec) set(keyword string, v, defs *node) {
	switch keyword {
	case "title":
		s.title = v.text
	case "description":
		s.text = v.text
	case "type":
		s.types = append(v.texts(), nonEmpty(v.text)...)
	case "enum":
		s.enum = v.texts()
	case "required":
		s.required = v.texts()
	case "properties":
		for _, f := range v.fields {
			s.fields = append(s.fields, newSpec(f.key, f.value, defs))
		}
	case "additionalProperties":
		if v.kind == kindObject {
			s.extra = newSpec("*", v, defs)
		}
	case "items":
		s.items = newSpec("*", v, defs)
	case "default":
		s.def = v
	case "examples":
		s.examples = v.elems
	case "maxProperties", "maxItems":
		s.most, _ = strconv.Atoi(v.text)
	case "minimum":
		s.min = v.text
	case "maximum":
		s.max = v.text
	}
}

// texts returns the strings of a list.
func (n *node) texts() []string {
	var out []string
	for _, e := range n.elems {
		out = append(out, e.text)
	}
	return out
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// member returns the spec of an object's member, nil when there can be none.
func (s *spec) member(key string) *spec {
	for _, f := range s.fields {
		if f.name == key {
			return f
		}
	}
	return s.extra
}

// names yields the names of an object's fixed members.
func (s *spec) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range s.fields {
			if !yield(f.name) {
				return
			}
		}
	}
}

// is says whether values of a JSON type are allowed.
func (s *spec) is(jsonType string) bool { return slices.Contains(s.types, jsonType) }

// at returns the spec of the value at a pointer, nil when there can be none.
func (s *spec) at(pointer string) *spec {
	for _, step := range splitPointer(pointer) {
		switch {
		case s == nil:
			return nil
		case s.items != nil:
			if _, err := strconv.Atoi(step); err != nil {
				return nil
			}
			s = s.items
		default:
			s = s.member(step)
		}
	}
	return s
}

// fillDefaults adds to a tree the members it leaves out and the schema has a
// default for, and tells added where. Objects of fixed members are made when
// missing, members with names of the user's choice are not.
func (s *spec) fillDefaults(tree any, at string, added func(pointer string)) {
	switch t := tree.(type) {
	case map[string]any:
		for _, f := range s.fields {
			f.fillMember(t, at+"/"+escapePointer(f.name), added)
		}
		if s.extra != nil {
			for name, v := range t {
				s.extra.fillDefaults(v, at+"/"+escapePointer(name), added)
			}
		}
	case []any:
		for i, v := range t {
			if s.items != nil {
				s.items.fillDefaults(v, at+"/"+strconv.Itoa(i), added)
			}
		}
	}
}

func (s *spec) fillMember(in map[string]any, at string, added func(pointer string)) {
	v, ok := in[s.name]
	switch {
	case ok:
		s.fillDefaults(v, at, added)
	case s.def != nil:
		in[s.name] = s.def.plain()
		added(at)
	case s.holdsDefaults():
		made := map[string]any{}
		in[s.name] = made
		s.fillDefaults(made, at, added)
	}
}

// holdsDefaults says whether an object has a member with a default.
func (s *spec) holdsDefaults() bool {
	for _, f := range s.fields {
		if f.def != nil || f.holdsDefaults() {
			return true
		}
	}
	return false
}

// Defaults returns the configuration of an empty document, before providers are
// looked for in the environment.
func Defaults() *Config {
	tree := map[string]any{}
	rootSpec().fillDefaults(tree, "", func(string) {})
	c, err := decode(tree)
	if err != nil {
		panic("the defaults of aimux.schema.json: " + err.Error())
	}
	return c
}

// decode turns a checked tree into a Config.
func decode(tree map[string]any) (*Config, error) {
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	c := new(Config)
	return c, json.Unmarshal(data, c)
}
