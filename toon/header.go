package toon

import (
	"math"
	"strings"
)

// header is an array header or a keyed header (§6).
type header struct {
	key    token // classNone when keyless
	open   int   // offset of the bracket
	count  uint64
	keyed  bool
	delim  byte
	cols   []column // the field list; nil without one
	leaves uint32   // cells in a row
	levels int      // how deep field groups nest, the list itself included
	rest   int      // offset after the colon
}

// malformed says why a line that set out to be a header is none. The zero value
// says it is one.
type malformed struct {
	at, end   int // the offending text
	msg, hint string
}

func (m malformed) failed() bool { return m.msg != "" }

const (
	lengthHint = "write the number of entries, as in key[3]: or key[3:]{a,b}:"
	fieldsHint = "write the names between braces, as in key[2]{id,name}: or key[2:]{id,name}:"
)

// headerReader reads the header a line may begin with.
type headerReader struct {
	d   *decoder
	src string // ends with the line
	i   int
	h   header
}

// readHeader reads src[at:end] as a header. It reports false when the line is
// none; with a malformed set, it tried to be one.
func (d *decoder) readHeader(at, end int) (h header, ok bool, bad malformed) {
	r := headerReader{d: d, src: d.t.src[:end], i: at}
	r.h.key = makeToken(classNone, at, 0)
	if !r.key() {
		return h, false, malformed{}
	}
	r.h.open = r.i
	if bad = r.bracket(); !bad.failed() {
		bad = r.tail()
	}
	if !bad.failed() {
		return r.h, true, malformed{}
	}
	d.spare = r.h.cols
	if unquotedIndex(d.t.src, at, end, ':') < 0 {
		return h, false, malformed{} // a bare word with a bracket in it (§5.2)
	}
	return h, false, bad
}

// key reads the optional key; true means that a bracket follows.
func (r *headerReader) key() bool {
	start := r.i
	switch {
	case start >= len(r.src):
		return false
	case r.src[start] == '[':
		return true
	case r.src[start] == '"':
		end := quotedEnd(r.src, start)
		if end < 0 {
			return false
		}
		escaped, bad := checkQuoted(r.src[start+1 : end-1])
		if bad.msg != "" {
			return false // the key-value reader reports it
		}
		r.h.key, r.i = quotedToken(escaped, start, end), end
	default:
		end := plainKeyEnd(r.src, start)
		if end == start {
			return false
		}
		r.h.key, r.i = makeToken(classString, start, end-start), end
	}
	return r.i < len(r.src) && r.src[r.i] == '['
}

// quotedToken describes the string between the quotes at start and end-1.
func quotedToken(escaped bool, start, end int) token {
	if escaped {
		return makeToken(classEscaped, start+1, end-start-2)
	}
	return makeToken(classString, start+1, end-start-2)
}

func (r *headerReader) peek() byte {
	if r.i < len(r.src) {
		return r.src[r.i]
	}
	return 0
}

func (r *headerReader) fail(msg, hint string) malformed {
	return malformed{at: r.h.open, end: len(r.src), msg: msg, hint: hint}
}

// bracket reads [N], [N:] and either with a delimiter symbol.
func (r *headerReader) bracket() malformed {
	r.i++
	digits, _ := leadingDigits(r.src[r.i:])
	r.i += len(digits)
	if digits == "" || len(digits) > 1 && digits[0] == '0' {
		return r.fail("malformed length in a header", lengthHint)
	}
	r.h.count = declared(digits)
	if r.peek() == ':' {
		r.h.keyed = true
		r.i++
	}
	r.h.delim = ','
	if c := r.peek(); c == '\t' || c == '|' {
		r.h.delim = c
		r.i++
	}
	if r.peek() != ']' {
		return r.fail("malformed bracket in a header", lengthHint)
	}
	r.i++
	return malformed{}
}

// declared converts the digits of a count. A number nothing can reach stands
// for all that do not fit: the count is only ever compared.
func declared(digits string) uint64 {
	if len(digits) > 18 {
		return math.MaxUint64
	}
	var n uint64
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	return n
}

// tail reads the field list and the colon, and checks what follows it.
func (r *headerReader) tail() malformed {
	if r.peek() == '{' {
		if bad := r.fieldList(); bad.failed() {
			return bad
		}
	} else if r.h.keyed {
		return r.fail("keyed header without a field list", fieldsHint)
	}
	if r.peek() != ':' {
		if r.i == len(r.src) {
			return r.fail("header without a colon", "end the header with a colon")
		}
		return malformed{r.i, len(r.src), "text between the header and its colon", "nothing may stand there, not even a space"}
	}
	r.i++
	r.h.rest = r.i
	if at, end := trimSpan(r.src, r.i, len(r.src)); r.h.cols != nil && at < end {
		return malformed{at, end, "values on the line of a header with fields", "put each row on its own line below"}
	}
	return malformed{}
}

// fieldList reads {a,b{c,d}} into columns, in pre-order. The indices of groups
// still open are kept on the decoder's stack, which the depth limit bounds.
func (r *headerReader) fieldList() malformed {
	// A column takes a delimiter or a brace, and two bytes on the average.
	rest := r.src[r.i:]
	atMost := strings.Count(rest, string(r.h.delim)) + strings.Count(rest, "{") + 1
	r.h.cols = r.d.columns(1 + min(atMost, 1+len(rest)/2))
	r.h.cols[0].name = makeToken(classNone, r.i, 0)
	groups := append(r.d.groups[:0], 0)
	r.i++
	for len(groups) > 0 {
		r.d.groups, r.h.levels = groups, max(r.h.levels, len(groups))
		if bad := r.fieldName(groups[len(groups)-1]); bad.failed() {
			return bad
		}
		last := uint32(len(r.h.cols) - 1)
		if r.peek() == '{' {
			if len(groups) >= r.d.opt.maxDepth {
				return r.fail("field groups nest too deep", "")
			}
			groups = append(groups, last)
			r.i++
			continue
		}
		r.h.cols[last].leaf = r.h.leaves
		r.h.leaves++
		var bad malformed
		if groups, bad = r.closeGroups(groups); bad.failed() {
			return bad
		}
	}
	return r.checkNames()
}

// columns returns the first column of a list of at most n.
func (d *decoder) columns(n int) []column {
	cols := d.spare
	if d.spare = nil; cap(cols) < n {
		cols = make([]column, 0, n)
	}
	return append(cols[:0], column{})
}

// fieldName reads one name and adds its column to group.
func (r *headerReader) fieldName(group uint32) malformed {
	r.skipSpaces()
	start := r.i
	var name token
	switch c := r.peek(); {
	case c == '"':
		end := quotedEnd(r.src, start)
		if end < 0 {
			return r.fail("unterminated string", "close it with a double quote")
		}
		escaped, bad := checkQuoted(r.src[start+1 : end-1])
		if bad.msg != "" {
			return malformed{start + 1 + bad.offset, end, bad.msg, bad.hint}
		}
		name, r.i = quotedToken(escaped, start, end), end
	case c == '}':
		return r.fail("empty field name or field list", fieldsHint)
	default:
		end := plainKeyEnd(r.src, start)
		if end == start {
			return r.badField()
		}
		name, r.i = makeToken(classString, start, end-start), end
	}
	r.h.cols = append(r.h.cols, column{name: name, next: uint32(len(r.h.cols) + 1)})
	r.h.cols[group].kids++
	return malformed{}
}

// closeGroups reads the closing braces after a field, and the delimiter to the
// next one. It returns the groups that are still open.
func (r *headerReader) closeGroups(groups []uint32) ([]uint32, malformed) {
	r.skipSpaces()
	for r.peek() == '}' {
		last := len(groups) - 1
		r.h.cols[groups[last]].next = uint32(len(r.h.cols))
		groups = groups[:last]
		r.i++
		if last == 0 {
			return groups, malformed{}
		}
		r.skipSpaces()
	}
	if r.i < len(r.src) && r.peek() == r.h.delim {
		r.i++
		return groups, malformed{}
	}
	return groups, r.badField()
}

func (r *headerReader) skipSpaces() {
	for r.peek() == ' ' {
		r.i++
	}
}

func (r *headerReader) badField() malformed {
	switch c := r.peek(); {
	case r.i >= len(r.src) || c == ':':
		return r.fail("field list without its closing brace", fieldsHint)
	case c == r.h.delim:
		return r.fail("empty field name or field list", fieldsHint)
	case c == ',' || c == '\t' || c == '|':
		return malformed{r.i, len(r.src), "fields are not separated by the delimiter of the bracket",
			"use one delimiter for both, as in [2]{a,b} or [2|]{a|b}"}
	default:
		return malformed{r.i, len(r.src), "malformed field name", "quote names that are not letters, digits, _ and ."}
	}
}

// checkNames looks for equal names in one group: the strict reader complains,
// the lenient one keeps the last (§14.3).
func (r *headerReader) checkNames() malformed {
	for group, end := uint32(0), uint32(len(r.h.cols)); group < end; group++ {
		if r.h.cols[group].kids < 2 {
			continue
		}
		names := r.d.siblings[:0]
		for i := group + 1; i < r.h.cols[group].next; i = r.h.cols[i].next {
			names = append(names, sibling{r.d.t.text(r.h.cols[i].name), i})
		}
		r.d.siblings = names
		if _, later, found := firstDuplicate(names); found && r.d.opt.strict {
			at := int(r.h.cols[later].name.off)
			return malformed{at, at + r.h.cols[later].name.size(), "duplicate field name", "give each field of a header its own name"}
		}
		eachDuplicate(names, func(earlier, _ uint32) {
			r.h.cols[earlier].name = makeToken(classDead, 0, 0)
			r.h.cols[group].kids--
		})
	}
	return malformed{}
}
