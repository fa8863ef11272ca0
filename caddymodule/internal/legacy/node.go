package legacy

import (
	"strconv"
	"strings"
)

// kind is what a node is.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// node is a value of an old document, whatever it was written in, with its place
// and a mark that says whether the import has dealt with it. A nil node stands for
// a value that is not there; all methods accept it.
type node struct {
	kind kind
	text string // a string's contents, a number's or boolean's text
	at   string // JSON pointer
	line int    // counts from 1; 0: unknown
	cut  bool   // the file ended within it
	used bool

	members []member // of an object, in order; a name may stand twice
	elems   []*node
}

type member struct {
	name  string
	value *node
}

// get returns the first of names that the object has. Of a name that stands twice
// the last counts, as it did for the old readers.
func (n *node) get(names ...string) *node {
	if n == nil {
		return nil
	}
	for _, name := range names {
		for i := len(n.members) - 1; i >= 0; i-- {
			if n.members[i].name == name {
				return n.members[i].value
			}
		}
	}
	return nil
}

// has reports whether the object has any of names.
func (n *node) has(names ...string) bool { return n.get(names...) != nil }

// take is get, and marks what it found as dealt with.
func (n *node) take(names ...string) *node {
	v := n.get(names...)
	if v != nil {
		v.used = true
	}
	return v
}

// all returns every member with one of names, also those that stand twice, in the
// order of names, the last of equal ones first.
func (n *node) all(names ...string) []*node {
	if n == nil {
		return nil
	}
	var out []*node
	for _, name := range names {
		for i := len(n.members) - 1; i >= 0; i-- {
			if n.members[i].name == name {
				out = append(out, n.members[i].value)
			}
		}
	}
	return out
}

// is reports whether n is there and of kind k.
func (n *node) is(k kind) bool { return n != nil && n.kind == k }

// str returns the contents of a string, "" for anything else.
func (n *node) str() string {
	if n.is(text) {
		return n.text
	}
	return ""
}

// truth returns a boolean; a string may stand for one, as in environment files.
func (n *node) truth() (value, ok bool) {
	if !n.is(boolean) && !n.is(text) && !n.is(number) {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(n.text)) {
	case "true", "1", "yes", "on":
		return true, true
	case "false", "0", "no", "off":
		return false, true
	}
	return false, false
}

// num returns a finite number; a string may stand for one.
func (n *node) num() (float64, bool) {
	if !n.is(number) && !n.is(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(n.text), 64)
	return f, err == nil && f-f == 0 // neither infinite nor no number
}

// strings returns a string, or the strings of an array, with their places.
func (n *node) strings() []*node {
	switch {
	case n.is(text):
		return []*node{n}
	case n.is(array):
		var out []*node
		for _, e := range n.elems {
			if e.is(text) {
				out = append(out, e)
			}
		}
		return out
	}
	return nil
}

// mark says of n and everything in it that it is dealt with.
func (n *node) mark() {
	if n == nil {
		return
	}
	n.used = true
	for _, m := range n.members {
		m.value.mark()
	}
	for _, e := range n.elems {
		e.mark()
	}
}

// touched reports whether n or anything in it is dealt with.
func (n *node) touched() bool {
	if n.used {
		return true
	}
	for _, m := range n.members {
		if m.value.touched() {
			return true
		}
	}
	for _, e := range n.elems {
		if e.touched() {
			return true
		}
	}
	return false
}

// place sets the pointers of n and everything in it.
func (n *node) place(at string) {
	n.at = at
	for _, m := range n.members {
		m.value.place(at + "/" + escape(m.name))
	}
	for i, e := range n.elems {
		e.place(at + "/" + strconv.Itoa(i))
	}
}

// escape writes a name as a part of a JSON pointer (RFC 6901).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// add appends a member to an object.
func (n *node) add(name string, v *node) { n.members = append(n.members, member{name, v}) }

// elemsOf returns the elements of an array, none for anything else.
func (n *node) elemsOf() []*node {
	if n == nil {
		return nil
	}
	return n.elems
}
