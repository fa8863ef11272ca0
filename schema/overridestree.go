package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// valueAt returns what stands at the end of the steps through objects; nil when
// there is nothing.
func valueAt(tree any, steps []string) any {
	for _, step := range steps {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = m[step]
	}
	return tree
}

// setIn sets a member, making the objects on the way.
func setIn(tree map[string]any, steps []string, value any) error {
	last := len(steps) - 1
	for i, step := range steps[:last] {
		switch next := tree[step].(type) {
		case map[string]any:
			tree = next
		case nil:
			made := map[string]any{}
			tree[step] = made
			tree = made
		default:
			return fmt.Errorf("/%s is not an object", strings.Join(escaped(steps[:i+1]), "/"))
		}
	}
	tree[steps[last]] = value
	return nil
}

// unsetIn removes a member and the objects it leaves empty.
func unsetIn(tree map[string]any, steps []string) bool {
	if len(steps) == 1 {
		_, had := tree[steps[0]]
		delete(tree, steps[0])
		return had
	}
	next, ok := tree[steps[0]].(map[string]any)
	if !ok || !unsetIn(next, steps[1:]) {
		return false
	}
	if len(next) == 0 {
		delete(tree, steps[0])
	}
	return true
}

func escaped(steps []string) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = escapePointer(s)
	}
	return out
}

// plainValue makes of any value what a parsed document would hold.
func plainValue(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return v
	}
	root, ps := parseJSON(data)
	if len(ps) > 0 {
		return v
	}
	return root.plain()
}

// node makes a node of a plain value, members in the order of the schema.
func (s *spec) node(v any) *node {
	switch v := v.(type) {
	case map[string]any:
		n := &node{kind: kindObject}
		if s == nil {
			return nodeOf(v)
		}
		for _, name := range s.order(v) {
			n.fields = append(n.fields, field{key: name, value: s.member(name).node(v[name])})
		}
		return n
	case []any:
		n := &node{kind: kindArray}
		for _, e := range v {
			var items *spec
			if s != nil {
				items = s.items
			}
			n.elems = append(n.elems, items.node(e))
		}
		return n
	}
	return nodeOf(v)
}
