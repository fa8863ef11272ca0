package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// emit writes a document in a format, members in their order.
func emit(n *node, format string) ([]byte, error) {
	switch format {
	case JSON:
		var compact, out bytes.Buffer
		n.writeJSON(&compact)
		err := json.Indent(&out, compact.Bytes(), "", "  ")
		out.WriteByte('\n')
		return out.Bytes(), err
	case YAML:
		var out bytes.Buffer
		enc := yaml.NewEncoder(&out)
		enc.SetIndent(2)
		err := enc.Encode(n.yaml())
		return out.Bytes(), err
	}
	return nil, fmt.Errorf("no format %q", format)
}

func (n *node) writeJSON(b *bytes.Buffer) {
	switch n.kind {
	case kindNull:
		b.WriteString("null")
	case kindBool:
		b.WriteString(strconv.FormatBool(n.truth))
	case kindNumber:
		b.WriteString(n.text)
	case kindString:
		writeJSONString(b, n.text)
	case kindArray:
		b.WriteByte('[')
		for i, e := range n.elems {
			if i > 0 {
				b.WriteByte(',')
			}
			e.writeJSON(b)
		}
		b.WriteByte(']')
	case kindObject:
		b.WriteByte('{')
		for i, f := range n.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSONString(b, f.key)
			b.WriteByte(':')
			f.value.writeJSON(b)
		}
		b.WriteByte('}')
	}
}

func writeJSONString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a bytes.Buffer takes everything
	b.Truncate(b.Len() - 1)
}

func (n *node) yaml() *yaml.Node {
	out := &yaml.Node{Kind: yaml.ScalarNode}
	switch n.kind {
	case kindNull:
		out.Tag, out.Value = "!!null", "null"
	case kindBool:
		out.Tag, out.Value = "!!bool", strconv.FormatBool(n.truth)
	case kindNumber:
		out.Tag, out.Value = "!!float", n.text
		if _, whole := number(n.text).(int64); whole {
			out.Tag = "!!int"
		}
	case kindString:
		out.SetString(n.text)
	case kindArray:
		out.Kind, out.Tag = yaml.SequenceNode, "!!seq"
		for _, e := range n.elems {
			out.Content = append(out.Content, e.yaml())
		}
	case kindObject:
		out.Kind, out.Tag = yaml.MappingNode, "!!map"
		for _, f := range n.fields {
			key := &yaml.Node{Kind: yaml.ScalarNode}
			key.SetString(f.key)
			out.Content = append(out.Content, key, f.value.yaml())
		}
	}
	return out
}

// nodeOf makes a node of a plain value, members sorted by name.
func nodeOf(v any) *node {
	switch v := v.(type) {
	case map[string]any:
		n := &node{kind: kindObject}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.fields = append(n.fields, field{key: key, value: nodeOf(v[key])})
		}
		return n
	case []any:
		n := &node{kind: kindArray}
		for _, e := range v {
			n.elems = append(n.elems, nodeOf(e))
		}
		return n
	case string:
		return &node{kind: kindString, text: v}
	case bool:
		return &node{kind: kindBool, truth: v}
	case nil:
		return &node{kind: kindNull}
	case float64:
		return &node{kind: kindNumber, text: strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return &node{kind: kindNumber, text: fmt.Sprint(v)}
}
