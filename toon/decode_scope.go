package toon

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// scope is a container whose lines are still being read.
type scope struct {
	kind  class  // classObject, classList, classTable or classKeyed
	node  uint32 // whose children the lines are
	depth int    // indentation its lines have, in levels
	level int    // how deep the container nests; the root is level 1
	count int    // children so far
	tab   uint32 // tables: which one
	delim byte   // tables
	want  uint64 // the declared count
	head  int    // offset of the bracket that declares it
}

// counted reports whether a header declared how many children s has.
func (s *scope) counted() bool { return s.kind != classObject }

func (d *decoder) top() *scope { return &d.scopes[len(d.scopes)-1] }

// open adds a container and makes it the innermost scope.
func (d *decoder) open(key, val token, s scope) (err error) {
	if err := d.checkLevel(s.level, int(key.off)); err != nil {
		return err
	}
	if s.node, err = d.addNode(key, val); err != nil {
		return err
	}
	d.scopes = append(d.scopes, s)
	return nil
}

func (d *decoder) checkLevel(level, at int) error {
	if level <= d.opt.maxDepth {
		return nil
	}
	return d.fail(at, at, "nested deeper than "+plural(strconv.Itoa(d.opt.maxDepth), "level"), "")
}

// closeScope ends the innermost scope: its size is now known.
func (d *decoder) closeScope() error {
	s := *d.top()
	d.scopes = d.scopes[:len(d.scopes)-1]
	n := &d.t.nodes[s.node]
	n.next = uint32(len(d.t.nodes))
	n.val = makeToken(s.kind, int(n.val.off), s.count)
	if s.kind == classTable || s.kind == classKeyed {
		d.t.tables[s.tab].rows = uint32(s.count)
	}
	if s.counted() {
		if err := d.checkCount(s.head, s.want, s.count, countNouns[s.kind]); err != nil {
			return err
		}
	}
	if s.kind == classObject || s.kind == classKeyed {
		return d.checkKeys(s)
	}
	return nil
}

// countNouns names what a declared count counts.
var countNouns = [...]string{classList: "item", classInline: "value", classTable: "row", classKeyed: "entry"}

// checkCount compares a declared count with the number that was found.
func (d *decoder) checkCount(head int, want uint64, got int, noun string) error {
	if want == uint64(got) || !d.opt.strict {
		return nil
	}
	src := d.t.src
	digits, _ := leadingDigits(src[head+1:])
	tail := src[head+1+len(digits) : head+strings.IndexByte(src[head:], ']')+1]
	start := strings.LastIndexByte(src[:head], '\n') + 1
	name := strings.TrimPrefix(strings.TrimLeft(src[start:head], " "), "- ")
	msg := fmt.Sprintf("declared %s, found %d", plural(digits, noun), got)
	hint := fmt.Sprintf("write %s[%d%s", excerpt(name), got, tail)
	if d.opt.repairCounts {
		d.warn(head, msg, hint)
		return nil
	}
	p := positionAt(src, head)
	return &SyntaxError{Line: p.Line, Column: p.Column, Msg: msg, Hint: hint, Excerpt: excerpt(name + "[" + digits + tail)}
}

// checkKeys looks for equal keys among the children of a scope (§14.3).
func (d *decoder) checkKeys(s scope) error {
	v := Value{t: d.t, at: s.node, how: viewNode}
	keys := slices.Grow(d.siblings[:0], s.count)
	for c := v.children(); c.i < c.end; {
		id := c.i
		c.step()
		keys = append(keys, sibling{d.t.text(c.key), id})
	}
	d.siblings = keys
	earlier, later, found := firstDuplicate(keys)
	if !found {
		return nil
	}
	if d.opt.strict {
		first, second := d.keyOf(s, earlier), d.keyOf(s, later)
		at := positionAt(d.t.src, int(first.off))
		from, to := written(d.t.src, *second)
		return d.fail(from, to,
			fmt.Sprintf("duplicate key, first used in line %d", at.Line), "give each key once")
	}
	n := &d.t.nodes[s.node]
	eachDuplicate(keys, func(earlier, _ uint32) {
		*d.keyOf(s, earlier) = makeToken(classDead, 0, 0)
		n.val = makeToken(s.kind, int(n.val.off), n.val.size()-1)
	})
	return nil
}

// keyOf returns where the key of child id is stored.
func (d *decoder) keyOf(s scope, id uint32) *token {
	if s.kind == classKeyed {
		return &d.t.cells[id]
	}
	return &d.t.nodes[id].key
}
