package simulator

import (
	"strings"
)

// fitArgs returns arguments that a tool's schema takes.
func fitArgs(t tool) []byte {
	if t.custom {
		return []byte("sim")
	}
	if t.schema == nil {
		return []byte("{}")
	}
	b := fit(nil, t.schema)
	if len(b) == 0 || b[0] != '{' {
		return []byte("{}")
	}
	return b
}

// fit appends a small JSON value that the JSON Schema takes: required members only, first of enum and anyOf, shortest
// arrays and strings. It knows type, enum, const, default, properties, required, items, minItems, minLength, minimum,
// exclusiveMinimum, anyOf, oneOf, allOf and local $ref.
func fit(b, schema []byte) []byte {
	return fitter{root: schema}.value(b, schema, 0)
}

// fitter keeps the root for references.
type fitter struct{ root []byte }

// keywords are the parts of a schema that fit looks at, raw.
type keywords struct {
	kind, enum, constant, fallback, ref, choices, all       []byte
	properties, required, items, minItems, minLength, least []byte
	above                                                   bool // least is itself excluded
}

func keywordsOf(schema []byte) (k keywords) {
	for name, v := range members(schema) {
		switch string(name) {
		case "type":
			k.kind = v
		case "enum":
			k.enum = v
		case "const":
			k.constant = v
		case "default":
			k.fallback = v
		case "$ref":
			k.ref = v
		case "anyOf", "oneOf":
			k.choices = v
		case "allOf":
			k.all = v
		case "properties":
			k.properties = v
		case "required":
			k.required = v
		case "items":
			k.items = v
		case "minItems":
			k.minItems = v
		case "minLength":
			k.minLength = v
		case "minimum":
			k.least = v
		case "exclusiveMinimum":
			k.least, k.above = v, true
		}
	}
	return k
}

func (f fitter) value(b, schema []byte, depth int) []byte {
	if depth > 32 || len(b) > 1<<16 {
		return append(b, "null"...)
	}
	k := keywordsOf(schema)
	switch {
	case k.constant != nil:
		return append(b, k.constant...)
	case first(k.enum) != nil:
		return append(b, first(k.enum)...)
	case k.ref != nil:
		return f.value(b, f.resolve(text(k.ref)), depth+1)
	case first(k.choices) != nil:
		return f.value(b, first(k.choices), depth+1)
	case k.kind == nil && first(k.all) != nil:
		return f.value(b, first(k.all), depth+1)
	}
	kind := text(k.kind)
	if kind == "" {
		kind = text(first(k.kind))
	}
	return f.typed(b, kind, k, depth)
}

func (f fitter) typed(b []byte, kind string, k keywords, depth int) []byte {
	switch kind {
	case "string":
		n, _ := number(k.minLength)
		return quote(b, "sim"+strings.Repeat("-", min(max(n-3, 0), 4096)))
	case "integer", "number":
		return fitNumber(b, k)
	case "boolean":
		return append(b, "true"...)
	case "null":
		return append(b, "null"...)
	case "array":
		return f.array(b, k, depth)
	}
	if kind == "object" || k.properties != nil {
		return f.object(b, k, depth)
	}
	return append(b, "{}"...)
}

func (f fitter) array(b []byte, k keywords, depth int) []byte {
	n, _ := number(k.minItems)
	b = append(b, '[')
	for range min(n, 64) {
		b = f.value(comma(b), k.items, depth+1)
	}
	return append(b, ']')
}

func (f fitter) object(b []byte, k keywords, depth int) []byte {
	b = append(b, '{')
	for name := range elements(k.required) {
		if len(name) < 2 || name[0] != '"' {
			continue
		}
		property := member(k.properties, string(name[1:len(name)-1]))
		b = append(append(comma(b), name...), ':')
		b = f.value(b, property, depth+1)
	}
	return append(b, '}')
}

func fitNumber(b []byte, k keywords) []byte {
	n, ok := number(k.least)
	switch {
	case !ok:
		return append(b, '1')
	case k.above:
		return integer(b, n+1)
	}
	return append(b, k.least...)
}

// resolve follows a reference such as #/$defs/Name inside the root schema.
func (f fitter) resolve(ref string) []byte {
	at := f.root
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for step := range strings.SplitSeq(path, "/") {
		if step != "" {
			at = member(at, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
	}
	return at
}

func first(array []byte) []byte {
	for e := range elements(array) {
		return e
	}
	return nil
}
