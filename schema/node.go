package schema

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxDepth and maxNodes bound every document, whatever its format.
const (
	maxDepth = 64
	maxNodes = 100_000
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

var kindNames = [...]string{"nothing (null)", "true or false", "a number", "a string", "a list", "an object"}

// node is a value of a document as it was written: in order, with positions.
// All three formats are parsed into nodes.
type node struct {
	kind   kind
	text   string // of a string or number
	truth  bool   // of a boolean
	elems  []*node
	fields []field
	pos    Position // Line and Column only
}

// field is one member of an object; pos is where its key was written.
type field struct {
	key   string
	pos   Position
	value *node
}

// get returns the value of a key, nil when there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].key == key {
			return n.fields[i].value
		}
	}
	return nil
}

// plain returns the value as encoding/json would decode it, except that whole
// numbers are int64.
func (n *node) plain() any {
	switch n.kind {
	case kindBool:
		return n.truth
	case kindNumber:
		return number(n.text)
	case kindString:
		return n.text
	case kindArray:
		out := make([]any, len(n.elems))
		for i, e := range n.elems {
			out[i] = e.plain()
		}
		return out
	case kindObject:
		return n.plainObject()
	}
	return nil
}

func (n *node) plainObject() map[string]any {
	out := make(map[string]any, len(n.fields))
	for _, f := range n.fields {
		out[f.key] = f.value.plain()
	}
	return out
}

// number reads the text of a JSON number: int64 where that is exact, so that 1,
// 1.0 and 1e0 are the same in every format.
func number(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(text, 64)
	f = max(-math.MaxFloat64, min(math.MaxFloat64, f)) // the schema's bounds refuse it
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// isNumber says whether text is a number of JSON's grammar that a float64 can
// hold.
func isNumber(text string) bool {
	if text == "" || !json.Valid([]byte(text)) || !strings.ContainsRune("-0123456789", rune(text[0])) {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// place is where a value and, in an object, its key were written.
type place struct{ value, key Position }

// places lists where everything in the document was written, by JSON pointer.
func (n *node) places() map[string]place {
	out := map[string]place{"": {value: n.pos, key: n.pos}}
	n.addPlaces("", out)
	return out
}

func (n *node) addPlaces(at string, out map[string]place) {
	for _, f := range n.fields {
		p := at + "/" + escapePointer(f.key)
		out[p] = place{value: f.value.pos, key: f.pos}
		f.value.addPlaces(p, out)
	}
	for i, e := range n.elems {
		p := at + "/" + strconv.Itoa(i)
		out[p] = place{value: e.pos, key: e.pos}
		e.addPlaces(p, out)
	}
}

// checkKeys reports keys that stand twice in one object, in the same or in
// another case: readers of the three formats disagree on which one counts. where
// tells the place of a key whose node does not.
func (n *node) checkKeys(at string, where func(pointer string) Position) Problems {
	var out Problems
	seen := make(map[string]field, len(n.fields))
	for _, f := range n.fields {
		p := at + "/" + escapePointer(f.key)
		if first, ok := seen[strings.ToLower(f.key)]; ok {
			if first.pos.Line == 0 {
				first.pos, f.pos = where(at+"/"+escapePointer(first.key)), where(p)
			}
			out = append(out, duplicateKey(p, f, first))
		} else {
			seen[strings.ToLower(f.key)] = f
		}
		out = append(out, f.value.checkKeys(p, where)...)
	}
	for i, e := range n.elems {
		if e.kind >= kindArray {
			out = append(out, e.checkKeys(at+"/"+strconv.Itoa(i), where)...)
		}
	}
	return out
}

func duplicateKey(pointer string, f, first field) Problem {
	p := Problem{Line: f.pos.Line, Column: f.pos.Column, Pointer: pointer}
	place := Position{Line: first.pos.Line, Column: first.pos.Column}.String()
	if f.key == first.key {
		p.Msg = "the key " + quote(f.key) + " stands twice"
		p.Hint = "it was first set at " + place + "; keep one of them"
	} else {
		p.Msg = "the keys " + quote(first.key) + " and " + quote(f.key) + " differ only in upper and lower case"
		p.Hint = "the other is at " + place + "; keep one of them"
	}
	return p
}
