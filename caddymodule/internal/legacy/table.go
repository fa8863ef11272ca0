package legacy

import (
	"errors"
	"strings"

	"github.com/aimux/aimux/toon"
)

// readTOON reads the table format that was planned for the second version. Where
// it follows the specification package toon reads it; the plan's own rows, with
// lists in brackets as cells and addresses without quotes, are read here.
func readTOON(data []byte) (root *node, defects []defect, err error) {
	doc, err := toon.Parse(data, toon.Strict(false), toon.MaxDepth(maxDepth), toon.MaxNodes(maxNodes))
	if err == nil && doc.Root.Kind() == toon.KindObject && doc.Root.Len() > 0 {
		root = fromTOON(doc.Root)
		root.place("")
		locate(root, doc.Positions)
		return root, nil, nil
	}
	t := &tableReader{root: &node{kind: object, line: 1}}
	for no, line := range lines(data) {
		t.line(no, strings.ReplaceAll(line, "\x00", ""))
	}
	if len(t.root.members) == 0 {
		return nil, t.defects, errors.New("neither a table nor a map in it")
	}
	t.root.place("")
	return t.root, t.defects, nil
}

// fromTOON makes a node of a value; the decoder bounded its depth.
func fromTOON(v toon.Value) *node {
	n := &node{}
	switch v.Kind() {
	case toon.KindBool:
		n.kind, n.text = boolean, "false"
		if v.Bool() {
			n.text = "true"
		}
	case toon.KindNumber:
		n.kind, n.text = number, v.Number().String()
	case toon.KindString:
		n.kind, n.text = text, v.Str()
	case toon.KindArray:
		n.kind = array
		for _, e := range v.Elems() {
			n.elems = append(n.elems, fromTOON(e))
		}
	case toon.KindObject:
		n.kind = object
		for name, e := range v.All() {
			n.add(name, fromTOON(e))
		}
	}
	return n
}

// locate sets the lines of n and everything in it.
func locate(n *node, positions toon.Positions) {
	if p, ok := positions.Of(n.at); ok {
		n.line = p.Line
	}
	for _, m := range n.members {
		locate(m.value, positions)
	}
	for _, e := range n.elems {
		locate(e, positions)
	}
}

// tableReader reads the plan's form line by line.
type tableReader struct {
	root    *node
	fields  []string // of the table being read
	current *node    // the table or map being read; nil at the top level
	defects []defect
}

func (t *tableReader) line(no int, line string) {
	body := strings.TrimSpace(line)
	switch indented := strings.TrimLeft(line, " \t") != line; {
	case body == "" || body[0] == '#':
	case !indented:
		t.top(no, body)
	case t.current.is(array):
		t.row(no, body)
	case t.current.is(object):
		t.pair(t.current, no, body)
	default:
		t.pass(no)
	}
}

func (t *tableReader) pass(no int) {
	t.defects = tooMany(t.defects, defect{no, "a line that fits nowhere; it is passed over"})
}

// top reads `name[n]{fields}:`, `name:` or `name: value`.
func (t *tableReader) top(no int, body string) {
	t.current, t.fields = nil, nil
	name, rest, isTable := strings.Cut(body, "[")
	fields, closed := strings.CutSuffix(body, "}:")
	if open := strings.IndexByte(rest, '{'); isTable && closed && open >= 0 && !strings.Contains(name, ":") {
		t.fields = strings.Split(fields[strings.IndexByte(fields, '{')+1:], ",")
		t.current = &node{kind: array, line: no}
		t.root.add(strings.TrimSpace(name), t.current)
		return
	}
	if name, ok := strings.CutSuffix(body, ":"); ok {
		t.current = &node{kind: object, line: no}
		t.root.add(name, t.current)
		return
	}
	t.pair(t.root, no, body)
}

func (t *tableReader) pair(into *node, no int, body string) {
	name, value, ok := strings.Cut(body, ":")
	if !ok {
		t.pass(no)
		return
	}
	into.add(strings.TrimSpace(name), iniValue(strings.TrimSpace(value), no))
}

// row reads a row; a row of the wrong width keeps what has a field.
func (t *tableReader) row(no int, body string) {
	cells := splitCells(body)
	if len(cells) != len(t.fields) {
		t.defects = tooMany(t.defects, defect{no, "a row with more or fewer cells than its table has fields"})
	}
	n := &node{kind: object, line: no}
	for i, cell := range cells[:min(len(cells), len(t.fields))] {
		n.add(strings.TrimSpace(t.fields[i]), iniValue(strings.TrimSpace(cell), no))
	}
	t.current.elems = append(t.current.elems, n)
}

// splitCells splits at the commas that stand neither in brackets nor in quotes.
func splitCells(row string) []string {
	var cells []string
	start, depth, quoted := 0, 0, false
	for i := range len(row) {
		switch c := row[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth <= 0:
			cells = append(cells, row[start:i])
			start = i + 1
		}
	}
	return append(cells, row[start:])
}
