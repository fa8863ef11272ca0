package toon

import (
	"fmt"
	"slices"
	"strconv"
)

// array reads the container a header declares: values on its line, a list, a
// table or a keyed table. ln is the line of the header, level that of the
// container.
func (d *decoder) array(h header, key token, ln line, level int) error {
	if h.cols != nil {
		return d.table(h, key, ln, level)
	}
	at, end := trimSpan(d.t.src, h.rest, ln.end)
	if at < end {
		return d.inline(h, key, at, end, level)
	}
	return d.open(key, makeToken(classList, h.open, 0), scope{
		kind: classList, depth: ln.depth + 1, level: level, want: h.count, head: h.open,
	})
}

// inline reads the values on the line of a header.
func (d *decoder) inline(h header, key token, at, end, level int) error {
	if err := d.checkLevel(level, h.open); err != nil {
		return err
	}
	first := len(d.t.cells)
	values := splitter{src: d.t.src, delim: h.delim, at: at, end: end}
	for {
		from, to, ok := values.next()
		if !ok {
			break
		}
		if err := d.cell(from, to); err != nil {
			return err
		}
	}
	got := len(d.t.cells) - first
	if err := d.count(got, h.open); err != nil {
		return err
	}
	if _, err := d.addNode(key, makeToken(classInline, first, got)); err != nil {
		return err
	}
	return d.checkCount(h.open, h.count, got, countNouns[classInline])
}

// cell appends a primitive.
func (d *decoder) cell(at, end int) error {
	tok, err := d.primitive(at, end)
	if err != nil {
		return err
	}
	d.addCell(tok)
	return nil
}

func (d *decoder) addCell(tok token) {
	if len(d.t.cells) == cap(d.t.cells) {
		d.t.cells = slices.Grow(d.t.cells, len(d.t.cells)+1)
	}
	d.t.cells = append(d.t.cells, tok)
}

// table opens the scope of a header with fields.
func (d *decoder) table(h header, key token, ln line, level int) error {
	kind, stride, rows := classTable, h.leaves, level+1
	if h.keyed {
		kind, stride = classKeyed, h.leaves+1
	}
	if err := d.checkLevel(rows+h.levels-1, h.open); err != nil {
		return err
	}
	if len(d.t.tables) == cap(d.t.tables) {
		d.t.tables = slices.Grow(d.t.tables, len(d.t.tables)+1)
	}
	tab := uint32(len(d.t.tables))
	d.t.tables = append(d.t.tables, table{cols: h.cols, cells: uint32(len(d.t.cells)), stride: stride})
	return d.open(key, makeToken(kind, int(tab), 0), scope{
		kind: kind, depth: ln.depth + 1, level: level,
		tab: tab, delim: h.delim, want: h.count, head: h.open,
	})
}

// row reads a row of the table s.
func (d *decoder) row(ln line, s *scope) error {
	tb := &d.t.tables[s.tab]
	if err := d.count(len(tb.cols), ln.at); err != nil {
		return err
	}
	first := len(d.t.cells)
	cells := splitter{src: d.t.src, delim: s.delim, at: ln.at, end: ln.end}
	if s.kind == classKeyed {
		if err := d.entryKey(ln, &cells); err != nil {
			return err
		}
	} else if d.endsRows(ln, s.delim) {
		return d.stray(ln, "a field among the rows of a table", "quote the cell if the colon is part of it, or indent the field like the header")
	}
	for {
		at, end, ok := cells.next()
		if !ok {
			break
		}
		if err := d.cell(at, end); err != nil {
			return err
		}
	}
	s.count++
	got, want := len(d.t.cells)-first, int(tb.stride)
	if s.kind == classKeyed {
		got, want = got-1, want-1
	}
	if got == want {
		return nil
	}
	hint := "quote a value that contains the delimiter, and leave no cell out"
	if got < want {
		hint = `write null or "" for a value that is missing`
	}
	return d.fail(ln.at, ln.end, fmt.Sprintf("the row has %s, the header names %d", plural(strconv.Itoa(got), "value"), want), hint)
}

// entryKey reads the key of an entry row and leaves the rest of the line to
// cells; nothing after the colon is no cell at all (§9.5).
func (d *decoder) entryKey(ln line, cells *splitter) error {
	colon := unquotedIndex(d.t.src, ln.at, ln.end, ':')
	if colon < 0 {
		return d.fail(ln.at, ln.end, "missing colon", "a row of a keyed table begins with its key and a colon")
	}
	key, err := d.key(ln.at, colon)
	if err != nil {
		return err
	}
	d.addCell(key)
	cells.at, cells.end = trimSpan(d.t.src, colon+1, ln.end)
	if cells.at == cells.end {
		cells.at++
	}
	return nil
}

// endsRows reports whether a line at row depth is a field: an unquoted colon
// comes before any delimiter (§9.3).
func (d *decoder) endsRows(ln line, delim byte) bool {
	for i := ln.at; i < ln.end; i++ {
		switch d.t.src[i] {
		case delim:
			return false
		case ':':
			return true
		case '"':
			closed := quotedEnd(d.t.src[:ln.end], i)
			if closed < 0 {
				return false
			}
			i = closed - 1
		}
	}
	return false
}
