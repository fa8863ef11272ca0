package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aimux/aimux/toon"
)

// Convert writes a document of one format in another, with the same values in the
// same order. Comments are kept from TOON to TOON and from YAML to YAML, where it
// tidies the document up. It checks the syntax, not the meaning; its error is
// *Problems.
func Convert(data []byte, from, to string) ([]byte, error) {
	if !slices.Contains(Formats(), to) {
		return nil, Problems{{Msg: "no format " + quote(to), Hint: "one of " + strings.Join(Formats(), ", ")}}.asError()
	}
	doc, ps := parse(data, from, "")
	if err := ps.asError(); err != nil {
		return nil, err
	}
	switch {
	case from == TOON && to == TOON:
		out, err := toon.Format(data)
		return endLine(out), err
	case from == YAML && to == YAML:
		return tidyYAML(data)
	}
	return emit(doc.root, to)
}

// FormatFile tidies a configuration file up in its own format, keeping its
// comments, and repairs declared counts. It reports whether the file changed; a
// changed file keeps its permissions and its former contents beside it, with a ~
// after the name.
func FormatFile(path string) (changed bool, err error) {
	format, err := FormatOf(path)
	if err != nil {
		return false, err
	}
	before, err := readConfigFile(path)
	if err != nil {
		return false, fmt.Errorf("%s: reading the configuration: %w", path, err)
	}
	after, err := Convert(before, format, format)
	if err != nil {
		return false, named(err, filepath.Base(path))
	}
	if bytes.Equal(before, after) {
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if err := writeAtomic(path, after, info.Mode().Perm()); err != nil {
		return false, fmt.Errorf("writing %s: %w", path, err)
	}
	return true, nil
}

// endLine ends a text file as editors do.
func endLine(text []byte) []byte { return append(bytes.TrimRight(text, "\n"), '\n') }

// named puts the name of a file into problems that lack it.
func named(err error, file string) error {
	var ps *Problems
	if errors.As(err, &ps) {
		for i := range *ps {
			(*ps)[i].File = file
		}
	}
	return err
}

// tidyYAML indents a YAML document by two spaces, keeping its comments.
func tidyYAML(data []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil || doc.Kind == 0 {
		return data, err
	}
	return writeYAML(&doc)
}

func writeYAML(n *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := errors.Join(enc.Encode(n), enc.Close())
	return out.Bytes(), err
}

// compact returns a value as JSON without white space.
func (n *node) compact() []byte {
	var b bytes.Buffer
	n.writeJSON(&b)
	return b.Bytes()
}

// emit writes a document in a format, members in their order.
func emit(n *node, format string) ([]byte, error) {
	switch format {
	case TOON:
		v, err := toon.FromJSON(n.compact())
		if err != nil {
			return nil, err
		}
		out, err := toon.Encode(v)
		return endLine(out), err
	case JSON:
		var out bytes.Buffer
		err := json.Indent(&out, n.compact(), "", "  ")
		out.WriteByte('\n')
		return out.Bytes(), err
	case YAML:
		return writeYAML(n.yaml())
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
		if strings.Trim(n.text, "-0123456789") == "" {
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
