package schema

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// compiled holds the schema as the validator uses it, by the members it is
// compiled for. To compile all of it takes some fifteen milliseconds, most of a
// start; a document uses few of its members.
var compiled sync.Map // of string to func() (*jsonschema.Schema, error)

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

// compiledFor returns the schema of documents that have no members but of these
// names.
func compiledFor(names map[string]bool) (*jsonschema.Schema, error) {
	key := strings.Join(slices.Sorted(maps.Keys(names)), "\x00")
	compile, _ := compiled.LoadOrStore(key, sync.OnceValues(func() (*jsonschema.Schema, error) { return compile(names) }))
	return compile.(func() (*jsonschema.Schema, error))()
}

func compile(names map[string]bool) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft7
	const name = "aimux.schema.json"
	if err := c.AddResource(name, bytes.NewReader(excerpt(schemaRoot(), names).compact())); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// excerpt is what a validator needs of the schema for documents with members of
// these names: no titles, descriptions and examples, nothing about other
// members, and only the definitions that are used.
//
// It is written in draft 7, in which the few keywords that the schema uses mean
// the same: the validator first checks every schema against its draft, and the
// many vocabularies of 2020-12 double what that takes.
func excerpt(root *node, names map[string]bool) *node {
	e := excerpter{names: names, defs: root.get("$defs"), used: map[string]*node{}}
	out := e.schema(root)
	defs := &node{kind: kindObject}
	for _, f := range e.defs.fields {
		if d := e.used[f.key]; d != nil {
			defs.fields = append(defs.fields, field{key: f.key, value: d})
		}
	}
	out.fields = append(out.fields, field{key: "definitions", value: defs})
	return out
}

type excerpter struct {
	names map[string]bool
	defs  *node
	used  map[string]*node
}

// schema copies one schema object.
func (e *excerpter) schema(n *node) *node {
	if n.kind != kindObject {
		return n
	}
	out := &node{kind: kindObject}
	for _, f := range n.fields {
		e.keyword(out, f)
	}
	return out
}

// keyword copies one keyword, unless it is for people or names the draft.
func (e *excerpter) keyword(to *node, f field) {
	switch f.key {
	case "title", "description", "examples", "default", "$defs", "$schema", "$id":
		return
	case "$ref":
		name := strings.TrimPrefix(f.value.text, "#/$defs/")
		e.define(name)
		f.value = &node{kind: kindString, text: "#/definitions/" + name}
	case "properties":
		f.value = e.members(f.value)
	case "additionalProperties", "items", "propertyNames":
		f.value = e.schema(f.value)
	}
	to.fields = append(to.fields, f)
}

// members keeps the schemas of members that occur.
func (e *excerpter) members(properties *node) *node {
	out := &node{kind: kindObject}
	for _, m := range properties.fields {
		if e.names[m.key] {
			out.fields = append(out.fields, field{key: m.key, value: e.schema(m.value)})
		}
	}
	return out
}

// define copies a definition that something refers to.
func (e *excerpter) define(name string) {
	if d := e.defs.get(name); d != nil && e.used[name] == nil {
		e.used[name] = d // a definition may refer to itself
		e.used[name] = e.schema(d)
	}
}
