package toon

// class says what a token stands for. Text classes come with a span of the
// source; container classes say where the children are kept.
type class uint8

const (
	classNull    class = iota
	classFalse         // the literal false
	classTrue          // the literal true
	classNumber        // span is the number as written
	classString        // span is the text itself, quotes excluded
	classEscaped       // span is the text between quotes, escapes not yet resolved
	classObject        // fields are the nodes that follow
	classList          // elements are the nodes that follow
	classInline        // elements are cells, all of them primitives
	classTable         // elements are the rows of a table
	classKeyed         // fields are the rows of a keyed table
	classNone          // no key: the node is an element, or the root
	classDead          // overwritten by a later sibling of the same key
)

const (
	classBits = 4
	// maxSpan is the longest text a token can describe, and therefore the
	// upper end of every size option.
	maxSpan = 1<<(32-classBits) - 1
)

// token is a class with a span of the source. In containers the span's start
// is an index (see node) and its size the number of children.
type token struct {
	off  uint32
	meta uint32
}

func makeToken(c class, off, size int) token {
	return token{off: uint32(off), meta: uint32(size)<<classBits | uint32(c)}
}

func (t token) class() class { return class(t.meta & (1<<classBits - 1)) }
func (t token) size() int    { return int(t.meta >> classBits) }

// node is one field or list element. Nodes lie in document order: the first
// child of a container is the node after it, next leads past the subtree.
type node struct {
	// key is the field's name. An element has classNone and the offset of
	// its hyphen, the root the offset of its first character.
	key token
	// val is a primitive's text, or the container: for classInline the
	// start counts into cells, for classTable and classKeyed into tables.
	val  token
	next uint32
}

// table is the block of cells below a fields-bearing header. A row is stride
// cells; in a keyed table the first of them is the entry key.
type table struct {
	cols   []column
	cells  uint32 // index of the first cell
	stride uint32
	rows   uint32 // rows stored, dead ones included
}

// column is an entry of a header's field list. Columns lie in pre-order, the
// first stands for the whole list; next leads past a nested group. A group has
// kids, a leaf has none.
type column struct {
	name token
	next uint32
	leaf uint32 // which cell of the row, counted from zero
	kids uint32
}

// tape holds a whole document in a few flat slices without pointers into one
// another: small, quick to fill, and nothing for the garbage collector to walk.
// It never changes once a Value refers to it.
type tape struct {
	src    string
	nodes  []node
	cells  []token
	tables []table
}

// text returns what a text token says. Only escaped text allocates.
func (t *tape) text(tok token) string {
	raw := t.src[tok.off : int(tok.off)+tok.size()]
	if tok.class() == classEscaped {
		return unescape(raw)
	}
	return raw
}
