package toon

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Document is a value with what a person needs to find it again in the file.
type Document struct {
	Root      Value
	Positions Positions
	// Warnings are about wrong counts (see RepairCounts) and about lines that
	// probably mean something else than their author thought, at most 100.
	Warnings []Warning

	remarks []remark
}

// Parse reads a document and keeps positions, comments and warnings.
func Parse(data []byte, opts ...DecodeOption) (*Document, error) {
	d := decoder{opt: newDecodeOptions(opts), keep: true}
	if err := d.decode(data); err != nil {
		return nil, err
	}
	return &Document{
		Root:      d.root(),
		Positions: Positions{d.root()},
		Warnings:  d.warnings,
		remarks:   d.remarks,
	}, nil
}

// Comment is a comment line. Text begins after the number sign.
type Comment struct {
	Line, Column int
	Text         string
}

// Comments iterates over the comment lines in order.
func (doc *Document) Comments() iter.Seq[Comment] {
	return func(yield func(Comment) bool) {
		src := doc.Root.t.src
		line, counted := 1, 0
		for _, r := range doc.remarks {
			if r.isBlank() {
				continue
			}
			line += strings.Count(src[counted:r.at], "\n")
			counted = int(r.at)
			if !yield(Comment{Line: line, Column: 1 + int(r.indent), Text: src[r.at+1 : r.end]}) {
				return
			}
		}
	}
}

// remark is a comment line or a run of blank lines.
type remark struct {
	at, end uint32 // the comment from its #, or an empty span for blank lines
	indent  uint32 // spaces before the #
}

func (r remark) isBlank() bool { return r.at == r.end }

// comment notes a comment line; its text is never interpreted.
func (d *decoder) comment(ln line) {
	d.blankRun = false
	if d.keep {
		text := strings.TrimRight(d.t.src[ln.at:ln.end], " \t\r")
		d.remarks = append(d.remarks, remark{uint32(ln.at), uint32(ln.at + len(text)), uint32(ln.at - ln.start)})
	}
}

// remarkBlank notes a blank line unless another one comes before it.
func (d *decoder) remarkBlank(start int) {
	if d.keep && !d.blankRun {
		d.remarks = append(d.remarks, remark{at: uint32(start), end: uint32(start)})
	}
}

// Positions answers where a value of a Document was written. Paths are JSON
// pointers (RFC 6901); the empty pointer is the root.
type Positions struct{ root Value }

// Of returns where the value at pointer begins: a primitive at its first
// character, an array or object at its key, or at its hyphen or first cell when
// it has none of its own. It reports false when the document has no such value.
func (p Positions) Of(pointer string) (Position, bool) {
	key, val, ok := p.find(pointer)
	if !ok {
		return Position{}, false
	}
	tok := val.token()
	switch {
	case val.how == viewRecord && val.col > 0:
		tok = val.firstCell()
	case tok.class() >= classObject:
		tok = key
	}
	return p.position(tok), true
}

// firstCell returns the first cell of a nested group of a row.
func (v Value) firstCell() token {
	cols := v.t.tables[v.tab].cols
	col := v.col
	for cols[col].kids > 0 {
		col++
	}
	return v.t.cells[v.at+cols[col].leaf]
}

// KeyOf returns where the key of the value at pointer was written. It reports
// false when the value has none: an element of an array, and the root. The key
// of a table's cell is the field name in the header.
func (p Positions) KeyOf(pointer string) (Position, bool) {
	key, _, ok := p.find(pointer)
	if !ok || key.class() == classNone {
		return Position{}, false
	}
	return p.position(key), true
}

func (p Positions) position(tok token) Position {
	if p.root.t == nil {
		return Position{1, 1}
	}
	at, _ := written(p.root.t.src, tok)
	return positionAt(p.root.t.src, at)
}

// find walks to the value at pointer.
func (p Positions) find(pointer string) (key token, val Value, ok bool) {
	val, key = p.root, makeToken(classNone, 0, 0)
	if val.t != nil && len(val.t.nodes) > 0 {
		key = val.t.nodes[0].key
	}
	if pointer == "" {
		return key, val, true
	}
	if pointer[0] != '/' {
		return key, val, false
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		if key, val, ok = val.child(unescapePointer(part)); !ok {
			return key, val, false
		}
	}
	return key, val, true
}

func unescapePointer(s string) string {
	if !strings.Contains(s, "~") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
}

// child returns the field or element that name stands for in a pointer.
func (v Value) child(name string) (key token, val Value, ok bool) {
	index := -1
	if v.Kind() == KindArray {
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || strconv.Itoa(n) != name {
			return key, val, false
		}
		index = n
	}
	for c := v.children(); c.next(); {
		if index < 0 && v.t.text(c.key) == name || index == 0 {
			return c.key, c.val, true
		}
		index--
	}
	return key, val, false
}

// validUTF8Prefix returns the length of the valid beginning of s.
func validUTF8Prefix(s string) int {
	for off := 0; off < len(s); {
		r, size := utf8.DecodeRuneInString(s[off:])
		if r == utf8.RuneError && size == 1 {
			return off
		}
		off += size
	}
	return len(s)
}
