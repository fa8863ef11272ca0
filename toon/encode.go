package toon

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Encode writes v in the canonical form of the specification: LF between lines,
// none at the end, tables wherever the data allows, no comments. It fails on a
// string that is not valid UTF-8 and on a value nested deeper than MaxDepth.
func Encode(v Value, opts ...EncodeOption) ([]byte, error) {
	e := encoder{opt: newEncodeOptions(opts)}
	if err := e.encode(v); err != nil {
		return nil, err
	}
	return e.out, nil
}

// encoder writes a value line by line. The containers it is inside of lie on a
// stack, so that nesting costs no recursion.
type encoder struct {
	opt    encodeOptions
	out    []byte
	scopes []encodeScope
	lists  int  // how many of scopes are lists
	hyphen bool // the next line is the first of a list item
	shape  shape
	notes  *notes // what Format carries over; nil in Encode
}

// encodeScope is a container that is written one line or more per child.
type encodeScope struct {
	cursor
	list  bool
	depth int // indentation of its lines, in levels
	level int // how deep it nests; the root is level 1
}

func (e *encoder) encode(v Value) error {
	if err := e.root(v); err != nil {
		return err
	}
	for len(e.scopes) > 0 {
		s := &e.scopes[len(e.scopes)-1]
		if !s.next() {
			if s.list {
				e.lists--
			}
			e.scopes = e.scopes[:len(e.scopes)-1]
			continue
		}
		write := e.field
		if s.list {
			write = e.item
		}
		if err := write(s.key, s.val, s.depth, s.level+1); err != nil {
			return err
		}
	}
	if !utf8.Valid(e.out) {
		return errors.New("a string is not valid UTF-8")
	}
	return nil
}

// root writes the value of the document (§5).
func (e *encoder) root(v Value) error {
	var key token
	if e.notes != nil {
		key = v.t.nodes[0].key
	}
	switch v.Kind() {
	case KindObject:
		if v.Len() == 0 {
			return nil
		}
		if ok, err := e.table(key, v, 0, 1); ok || err != nil {
			return err
		}
		return e.push(encodeScope{cursor: v.children(), level: 1})
	case KindArray:
		if v.Len() > 0 {
			return e.array(key, v, 0, 1, true)
		}
		e.startLine(0, key.off, key.off)
		e.out = append(e.out, '[', ']')
	default:
		e.startLine(0, key.off, key.off)
		e.primitive(v)
	}
	return nil
}

func (e *encoder) push(s encodeScope) error {
	if err := e.checkLevel(s.level); err != nil {
		return err
	}
	if s.list {
		e.lists++
	}
	e.scopes = append(e.scopes, s)
	return nil
}

func (e *encoder) checkLevel(level int) error {
	if level > e.opt.maxDepth {
		return fmt.Errorf("value nested deeper than %d levels", e.opt.maxDepth)
	}
	return nil
}

// field writes a field of an object: its line, and a scope for what follows.
func (e *encoder) field(key token, v Value, depth, level int) error {
	if v.Kind() == KindArray && v.Len() > 0 {
		return e.array(key, v, depth, level, true)
	}
	if v.Kind() == KindObject {
		if ok, err := e.table(key, v, depth, level); ok || err != nil {
			return err
		}
	}
	e.startLine(depth, key.off, key.off)
	e.key(key, v)
	e.out = append(e.out, ':')
	switch v.Kind() {
	case KindArray:
		e.out = append(e.out, " []"...)
		return e.checkLevel(level)
	case KindObject:
		return e.push(encodeScope{cursor: v.children(), depth: depth + 1, level: level})
	default:
		e.out = append(e.out, ' ')
		e.primitive(v)
		return nil
	}
}

// item writes an element of a list (§9.4, §10).
func (e *encoder) item(key token, v Value, depth, level int) error {
	e.hyphen = true
	switch v.Kind() {
	case KindArray:
		return e.array(key, v, depth, level, false)
	case KindObject:
		if v.Len() == 0 {
			e.startLine(depth+1, key.off, key.off)
			e.out = e.out[:len(e.out)-1] // a hyphen without its space
		}
		return e.push(encodeScope{cursor: v.children(), depth: depth + 1, level: level})
	default:
		e.startLine(depth+1, key.off, key.off)
		e.primitive(v)
		return nil
	}
}

// array writes the header of an array with what belongs on its line, and a
// table's rows. key is classNone or absent where the array has none: at the
// root and in a list, and only at the root may such an array be a table.
func (e *encoder) array(key token, v Value, depth, level int, named bool) error {
	if err := e.checkLevel(level); err != nil {
		return err
	}
	inline := onlyPrimitives(v)
	if named && !inline {
		if ok, err := e.table(key, v, depth, level); ok || err != nil {
			return err
		}
	}
	covers := key.off
	if inline && e.notes != nil {
		covers = v.lastOffset(covers)
	}
	line := depth
	if !named {
		line++ // of which the hyphen takes a level
	}
	e.startLine(line, key.off, covers)
	e.key(key, v)
	e.bracket(v.Len(), false)
	e.out = append(e.out, ':')
	if !inline {
		return e.push(encodeScope{cursor: v.children(), list: true, depth: depth + 1, level: level})
	}
	separator := byte(' ')
	for c := v.children(); c.next(); separator = e.opt.delim {
		e.out = append(e.out, separator)
		e.primitive(c.val)
	}
	return nil
}

func onlyPrimitives(v Value) bool {
	for c := v.children(); c.next(); {
		if c.val.token().class() >= classObject {
			return false
		}
	}
	return true
}

// table writes v as a table or a keyed table if it is one, and reports whether
// it is (§9.3, §9.5).
func (e *encoder) table(key token, v Value, depth, level int) (ok bool, err error) {
	keyed := v.Kind() == KindObject
	if keyed && v.Len() < 2 || !e.shape.fits(v) {
		return false, nil
	}
	if err := e.checkLevel(level + e.shape.levels); err != nil {
		return false, err
	}
	e.startLine(depth, key.off, key.off)
	e.key(key, v)
	e.bracket(v.Len(), keyed)
	e.fieldList()
	e.lists++ // for notes: no blank lines between rows
	for c := v.children(); c.next(); {
		covers := c.key.off
		if e.notes != nil {
			covers = c.val.lastOffset(covers)
		}
		e.startLine(depth+1, c.key.off, covers)
		if keyed {
			e.key(c.key, v)
			e.out = append(e.out, ": "...)
		}
		e.shape.match(c.val)
		for i, cell := range e.shape.cells {
			if i > 0 {
				e.out = append(e.out, e.opt.delim)
			}
			e.primitive(cell)
		}
	}
	e.lists--
	return true, nil
}

// bracket writes [N], or [N:] of a keyed header, with the delimiter.
func (e *encoder) bracket(n int, keyed bool) {
	e.out = strconv.AppendInt(append(e.out, '['), int64(n), 10)
	if keyed {
		e.out = append(e.out, ':')
	}
	if e.opt.delim != ',' {
		e.out = append(e.out, e.opt.delim)
	}
	e.out = append(e.out, ']')
}

// fieldList writes {a,b{c}}: from the shape that was found to fit.
func (e *encoder) fieldList() {
	cols := e.shape.cols
	open := e.shape.stack[:0]
	for i := range cols {
		for len(open) > 0 && i == cols[open[len(open)-1]].next {
			e.out = append(e.out, '}')
			open = open[:len(open)-1]
		}
		if i > 0 {
			if last := e.out[len(e.out)-1]; i != open[len(open)-1]+1 || last != '{' {
				e.out = append(e.out, e.opt.delim)
			}
			e.out = appendKey(e.out, cols[i].name)
		}
		if cols[i].kids > 0 {
			e.out = append(e.out, '{')
			open = append(open, i)
		}
	}
	for range open {
		e.out = append(e.out, '}')
	}
	e.shape.stack = open[:0]
	e.out = append(e.out, ':')
}

// startLine begins a line at depth. What it says began at the offset start of
// the source and reached as far as covers; the comments up to there come first.
// On the first line of a list item the hyphen takes the last level of
// indentation.
func (e *encoder) startLine(depth int, start, covers uint32) {
	spaces := depth * e.opt.indent
	if e.hyphen {
		spaces -= e.opt.indent
	}
	if e.notes != nil {
		e.note(spaces, start, covers)
	}
	e.newLine(spaces)
	if e.hyphen {
		e.out = append(e.out, "- "...)
		e.hyphen = false
	}
}

func (e *encoder) newLine(spaces int) {
	if len(e.out) > 0 {
		e.out = append(e.out, '\n')
	}
	for range spaces {
		e.out = append(e.out, ' ')
	}
}

// key writes the key of v, if there is one.
func (e *encoder) key(key token, of Value) {
	if c := key.class(); c == classString || c == classEscaped {
		e.out = appendKey(e.out, of.t.text(key))
	}
}

func appendKey(out []byte, key string) []byte {
	if isPlainKey(key) {
		return append(out, key...)
	}
	return appendQuoted(out, key)
}

func (e *encoder) primitive(v Value) {
	switch tok := v.token(); tok.class() {
	case classFalse:
		e.out = append(e.out, "false"...)
	case classTrue:
		e.out = append(e.out, "true"...)
	case classNumber:
		e.out = append(e.out, canonicalNumber(v.t.text(tok))...)
	case classString, classEscaped:
		if s := v.t.text(tok); needsQuotes(s, e.opt.delim) {
			e.out = appendQuoted(e.out, s)
		} else {
			e.out = append(e.out, s...)
		}
	default:
		e.out = append(e.out, "null"...)
	}
}
