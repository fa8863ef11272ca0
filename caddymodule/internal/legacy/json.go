package legacy

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The limits of an old document. They are far above what any of them held.
const (
	maxDepth = 64
	maxNodes = 100_000
	maxNames = 2000 // of one object
)

// defect is something wrong with the writing of a file that did not keep it from
// being read.
type defect struct {
	line int
	msg  string
}

// readJSON reads JSON as people left it behind: with a byte order mark, comments,
// commas too many, names that stand twice, NUL bytes, cut off in the middle. What
// it had to overlook is in defects. It fails only if there is nothing to read.
func readJSON(data []byte) (root *node, defects []defect, err error) {
	p := &jsonReader{data: data, line: 1}
	p.space()
	if p.pos == len(p.data) {
		return nil, p.defects, errors.New("the file is empty")
	}
	root = p.value(1)
	if root == nil {
		return nil, p.defects, errors.New("not JSON")
	}
	p.space()
	if !p.stop && p.pos < len(p.data) {
		p.defect("something follows the end of the document; it is not read")
	}
	root.place("")
	return root, p.defects, nil
}

type jsonReader struct {
	data    []byte
	pos     int
	line    int
	nodes   int
	stop    bool // the rest cannot be read
	defects []defect
}

func (p *jsonReader) defect(format string, args ...any) {
	if len(p.defects) < 20 {
		p.defects = append(p.defects, defect{p.line, fmt.Sprintf(format, args...)})
	}
}

// halt is the defect that ends the reading.
func (p *jsonReader) halt(msg string) {
	if !p.stop {
		p.stop = true
		p.defect("%s; what follows is not read", msg)
	}
}

func (p *jsonReader) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// space skips white space, comments and NUL bytes.
func (p *jsonReader) space() {
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '\n':
			p.line++
			p.pos++
		case c == ' ' || c == '\t' || c == '\r':
			p.pos++
		case c == 0:
			p.defect("the file has NUL bytes; they are passed over")
			p.skipWhile(func(c byte) bool { return c == 0 })
		case c == '#' || bytes.HasPrefix(p.data[p.pos:], []byte("//")):
			p.defect("a comment, which JSON does not have; it is passed over")
			p.skipWhile(func(c byte) bool { return c != '\n' })
		case bytes.HasPrefix(p.data[p.pos:], []byte("/*")):
			p.blockComment()
		default:
			return
		}
	}
}

func (p *jsonReader) skipWhile(ok func(byte) bool) {
	for p.pos < len(p.data) && ok(p.data[p.pos]) {
		p.pos++
	}
}

func (p *jsonReader) blockComment() {
	p.defect("a comment, which JSON does not have; it is passed over")
	end := bytes.Index(p.data[p.pos:], []byte("*/"))
	if end < 0 {
		end = len(p.data) - p.pos - 2
	}
	p.line += bytes.Count(p.data[p.pos:p.pos+end+2], []byte("\n"))
	p.pos += end + 2
}

// value reads one value; nil if there is none.
func (p *jsonReader) value(depth int) *node {
	p.space()
	p.nodes++
	if depth > maxDepth || p.nodes > maxNodes {
		p.halt("the file nests too deep or holds too many values")
		return nil
	}
	n := &node{line: p.line}
	switch c := p.peek(); {
	case c == '{':
		n.kind = object
		p.object(n, depth)
	case c == '[':
		n.kind = array
		p.array(n, depth)
	case c == '"':
		n.kind = text
		n.text, n.cut = p.str()
	default:
		return p.word(n)
	}
	return n
}

// word reads a number, true, false or null.
func (p *jsonReader) word(n *node) *node {
	start := p.pos
	p.skipWhile(func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
	})
	n.text = string(p.data[start:p.pos])
	switch n.text {
	case "true", "false":
		n.kind = boolean
	case "null":
		n.kind = null
	default:
		if _, err := strconv.ParseFloat(n.text, 64); err != nil {
			p.pos = start
			p.halt("something that is no JSON value")
			return nil
		}
		n.kind = number
	}
	return n
}

// next steps to the next element of an array or object that end closes.
func (p *jsonReader) next(end byte, first bool) bool {
	p.space()
	if p.stop {
		return false
	}
	comma := false
	for p.peek() == ',' {
		comma = true
		p.pos++
		p.space()
	}
	switch {
	case p.pos >= len(p.data):
		p.halt("the file ends in the middle")
		return false
	case p.peek() == end:
		if comma {
			p.defect("a comma before %q; it is passed over", end)
		}
		p.pos++
		return false
	case !first && !comma:
		p.defect("a comma is missing")
	}
	return true
}

func (p *jsonReader) array(n *node, depth int) {
	p.pos++
	for first := true; p.next(']', first); first = false {
		v := p.value(depth + 1)
		if v == nil {
			return
		}
		n.elems = append(n.elems, v)
	}
}

func (p *jsonReader) object(n *node, depth int) {
	p.pos++
	for first := true; p.next('}', first); first = false {
		if p.peek() != '"' {
			p.halt("a name without quotes")
			return
		}
		name, _ := p.str()
		p.space()
		if p.peek() != ':' {
			p.halt("a name without a colon and a value")
			return
		}
		p.pos++
		v := p.value(depth + 1)
		if v == nil {
			return
		}
		if len(n.members) == maxNames {
			p.halt("an object with too many names")
			return
		}
		if n.has(name) {
			p.defect("a name stands twice in one object; the later value counts, keys of both are kept")
		}
		n.add(name, v)
	}
}

// str reads a string. A line break or the end of the file ends one that is not
// closed; cut says so.
func (p *jsonReader) str() (s string, cut bool) {
	p.pos++
	var b []byte
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch c {
		case '"':
			p.pos++
			return tidyText(b), false
		case '\n':
			p.halt("a string that is not closed")
			return tidyText(b), true
		case '\\':
			b = p.escaped(b)
		default:
			b = append(b, c)
			p.pos++
		}
	}
	p.halt("the file ends within a string")
	return tidyText(b), true
}

// tidyText keeps a string what reports and documents can hold.
func tidyText(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))) }

// escaped reads an escape sequence; a wrong one stands for itself.
func (p *jsonReader) escaped(b []byte) []byte {
	p.pos++
	if p.pos >= len(p.data) {
		return b
	}
	c := p.data[p.pos]
	p.pos++
	switch c {
	case 'n':
		return append(b, '\n')
	case 't':
		return append(b, '\t')
	case 'r':
		return append(b, '\r')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'u':
		r := p.hex()
		if utf16.IsSurrogate(r) && bytes.HasPrefix(p.data[p.pos:], []byte(`\u`)) {
			p.pos += 2
			r = utf16.DecodeRune(r, p.hex())
		}
		return utf8.AppendRune(b, r)
	}
	return append(b, c)
}

func (p *jsonReader) hex() rune {
	if p.pos+4 > len(p.data) {
		p.pos = len(p.data)
		return utf8.RuneError
	}
	v, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 32)
	p.pos += 4
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}
