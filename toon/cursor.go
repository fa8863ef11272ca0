package toon

// cursor walks the children of one container. Walkers keep a stack of cursors
// where a recursive function would call itself.
//
//	for c := v.children(); c.next(); { use(c.key, c.val) }
type cursor struct {
	t      *tape
	mode   cursorMode
	i, end uint32
	tab    uint32 // rows and records: the table
	base   uint32 // records: the first cell of the row
	key    token  // of the current child; classNone for an element
	val    Value  // the current child
}

type cursorMode uint8

const (
	overNothing cursorMode = iota
	overNodes
	overCells
	overRows
	overEntries // the rows of a keyed table
	overRecord
)

// children returns a cursor before the first child of v.
func (v Value) children() cursor {
	if v.t == nil {
		return cursor{}
	}
	if v.how == viewRecord {
		end := v.t.tables[v.tab].cols[v.col].next
		return cursor{t: v.t, mode: overRecord, i: v.col + 1, end: end, tab: v.tab, base: v.at}
	}
	tok := v.token()
	switch tok.class() {
	case classObject, classList:
		return cursor{t: v.t, mode: overNodes, i: v.at + 1, end: v.t.nodes[v.at].next}
	case classInline:
		return cursor{t: v.t, mode: overCells, i: tok.off, end: tok.off + uint32(tok.size())}
	case classTable:
		return v.t.rows(tok.off, overRows)
	case classKeyed:
		return v.t.rows(tok.off, overEntries)
	default:
		return cursor{}
	}
}

func (t *tape) rows(tab uint32, mode cursorMode) cursor {
	tb := &t.tables[tab]
	return cursor{t: t, mode: mode, i: tb.cells, end: tb.cells + tb.rows*tb.stride, tab: tab}
}

// next moves to the next child and reports whether there is one.
func (c *cursor) next() bool {
	for c.i < c.end {
		c.step()
		if c.key.class() != classDead {
			return true
		}
	}
	return false
}

func (c *cursor) step() {
	at := c.i
	switch c.mode {
	case overNodes:
		c.key, c.val = c.t.nodes[at].key, Value{t: c.t, at: at, how: viewNode}
		c.i = c.t.nodes[at].next
	case overCells:
		c.key, c.val = c.elementKey(at), Value{t: c.t, at: at, how: viewCell}
		c.i++
	case overRows:
		c.key, c.val = c.elementKey(at), Value{t: c.t, at: at, tab: c.tab, how: viewRecord}
		c.i += c.t.tables[c.tab].stride
	case overEntries:
		c.key, c.val = c.t.cells[at], Value{t: c.t, at: at + 1, tab: c.tab, how: viewRecord}
		c.i += c.t.tables[c.tab].stride
	case overRecord:
		col := &c.t.tables[c.tab].cols[at]
		c.key, c.i = col.name, col.next
		if col.kids > 0 {
			c.val = Value{t: c.t, at: c.base, tab: c.tab, col: at, how: viewRecord}
		} else {
			c.val = Value{t: c.t, at: c.base + col.leaf, how: viewCell}
		}
	}
}

// elementKey is the absent key of a cell or row, standing where that begins.
func (c *cursor) elementKey(cell uint32) token {
	return makeToken(classNone, int(c.t.cells[cell].off), 0)
}
