package toon

// shape is what the rows of a table have in common: the names of the fields, in
// the order of the first row, and which of them are nested objects.
type shape struct {
	cols   []shapeColumn // in pre-order; the first stands for the row
	levels int           // containers a row nests, itself included
	cells  []Value       // the primitives of the row matched last

	walk  []shapeStep // scratch
	stack []int       // scratch
}

// shapeColumn is a field; one without kids is a cell.
type shapeColumn struct {
	name   string
	next   int // past the subtree
	leaf   int // which cell, counted from zero
	kids   int
	byName map[string]int // of a group with many kids
}

// manyKids is the number of kids from which a group is worth an index.
const manyKids = 12

// shapeStep is an object being walked, with the column that describes it.
type shapeStep struct {
	cursor
	col  int
	next int // the column the next field probably has
	seen int
}

// fits learns the shape of v's first child and reports whether all its children
// have it: non-empty objects with the same keys, each a primitive everywhere or
// such an object everywhere (§9.3).
func (sh *shape) fits(v Value) bool {
	first := true
	for c := v.children(); c.next(); first = false {
		if first && !sh.learn(c.val) || !first && !sh.match(c.val) {
			return false
		}
	}
	return !first
}

// learn takes the shape of row.
func (sh *shape) learn(row Value) bool {
	if !isRecord(row) {
		return false
	}
	sh.levels = 1
	sh.cols = append(sh.cols[:0], shapeColumn{})
	sh.walk = append(sh.walk[:0], shapeStep{cursor: row.children()})
	leaves := 0
	for len(sh.walk) > 0 {
		s := &sh.walk[len(sh.walk)-1]
		if !s.cursor.next() {
			sh.close(s.col)
			sh.walk = sh.walk[:len(sh.walk)-1]
			continue
		}
		at := len(sh.cols)
		sh.cols = append(sh.cols, shapeColumn{name: s.t.text(s.key), next: at + 1, leaf: leaves})
		sh.cols[s.col].kids++
		switch {
		case s.val.token().class() < classObject:
			leaves++
		case isRecord(s.val):
			sh.walk = append(sh.walk, shapeStep{cursor: s.val.children(), col: at})
			sh.levels = max(sh.levels, len(sh.walk))
		default:
			return false
		}
	}
	sh.cells = append(sh.cells[:0], make([]Value, leaves)...)
	return true
}

func isRecord(v Value) bool { return v.Kind() == KindObject && v.Len() > 0 }

// close ends the group col: all its kids are known.
func (sh *shape) close(col int) {
	group := &sh.cols[col]
	group.next = len(sh.cols)
	if group.kids < manyKids {
		return
	}
	group.byName = make(map[string]int, group.kids)
	for i := col + 1; i < group.next; i = sh.cols[i].next {
		group.byName[sh.cols[i].name] = i
	}
}

// match reports whether row has the shape, and collects its cells.
func (sh *shape) match(row Value) bool {
	if !isRecord(row) {
		return false
	}
	sh.walk = append(sh.walk[:0], shapeStep{cursor: row.children(), next: 1})
	for len(sh.walk) > 0 {
		s := &sh.walk[len(sh.walk)-1]
		if !s.cursor.next() {
			if s.seen != sh.cols[s.col].kids {
				return false
			}
			sh.walk = sh.walk[:len(sh.walk)-1]
			continue
		}
		s.seen++
		at := sh.find(s)
		if at < 0 {
			return false
		}
		s.next = sh.cols[at].next
		switch isCell := s.val.token().class() < classObject; {
		case isCell != (sh.cols[at].kids == 0):
			return false
		case isCell:
			sh.cells[sh.cols[at].leaf] = s.val
		case isRecord(s.val):
			sh.walk = append(sh.walk, shapeStep{cursor: s.val.children(), col: at, next: at + 1})
		default:
			return false
		}
	}
	return true
}

// find returns the column of the field s stands on, or -1.
func (sh *shape) find(s *shapeStep) int {
	name, group := s.t.text(s.key), &sh.cols[s.col]
	if s.next < group.next && sh.cols[s.next].name == name {
		return s.next
	}
	if group.byName != nil {
		if at, ok := group.byName[name]; ok {
			return at
		}
		return -1
	}
	for i := s.col + 1; i < group.next; i = sh.cols[i].next {
		if sh.cols[i].name == name {
			return i
		}
	}
	return -1
}
