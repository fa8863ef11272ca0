package toon

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads a document.
func Decode(data []byte, opts ...DecodeOption) (Value, error) {
	d := decoder{opt: newDecodeOptions(opts)}
	if err := d.decode(data); err != nil {
		return Value{}, err
	}
	return d.root(), nil
}

// decoder fills a tape from the lines of a document. The scopes that are open
// lie on a stack, so that nesting costs no recursion.
type decoder struct {
	t        *tape
	opt      decodeOptions
	scopes   []scope
	values   int  // counted against opt.maxNodes
	blank    int  // 1 + offset of a blank line not yet judged, or 0
	blankRun bool // the line before was blank
	begun    bool
	lone     line // the line of a root that is no container
	warnings []Warning

	remarks []remark // comments and blank lines, if keepRemarks
	keep    bool

	groups   []uint32  // scratch of headerReader
	spare    []column  // scratch of headerReader: a field list that came to nothing
	siblings []sibling // scratch of the duplicate check
}

func (d *decoder) root() Value { return Value{t: d.t, how: viewNode} }

func (d *decoder) decode(data []byte) error {
	d.t = new(tape)
	if len(data) > d.opt.maxBytes {
		return &SyntaxError{Line: 1, Column: 1,
			Msg: fmt.Sprintf("the document has %d bytes, the limit is %d", len(data), d.opt.maxBytes)}
	}
	d.t.src = string(data)
	if !utf8.ValidString(d.t.src) {
		return d.invalidUTF8()
	}
	d.reserve()
	pos := 0
	if strings.HasPrefix(d.t.src, byteOrderMark) {
		pos = len(byteOrderMark)
		d.warn(0, "the document begins with a byte order mark", "save it as UTF-8 without one")
	}
	for pos < len(d.t.src) {
		end := len(d.t.src)
		if n := strings.IndexByte(d.t.src[pos:], '\n'); n >= 0 {
			end = pos + n
		}
		if err := d.line(pos, end); err != nil {
			return err
		}
		pos = end + 1
	}
	return d.finish()
}

// reserve sizes the tape from what the document can hold at most, so that its
// slices hardly ever grow: the allocation bound of the package rests on it.
func (d *decoder) reserve() {
	src := d.t.src
	lines := strings.Count(src, "\n") + 1
	items := min(lines, strings.Count(src, "- ")) // an item may be an object with its first field
	d.t.nodes = make([]node, 0, min(lines+items, len(src)/3, d.opt.maxNodes)+2)
	if cells := min(cellsAtMost(src, lines), d.opt.maxNodes); cells > 0 {
		d.t.cells = make([]token, 0, cells)
	}
	if tables := min(strings.Count(src, "]{"), len(src)/8+1, d.opt.maxNodes); tables > 0 {
		d.t.tables = make([]table, 0, tables)
	}
	if d.keep {
		d.remarks = make([]remark, 0, min(lines, len(src)*2/3+1))
	}
}

func (d *decoder) invalidUTF8() error {
	off := validUTF8Prefix(d.t.src)
	return d.fail(off, off, "the document is not valid UTF-8", "save it as UTF-8")
}

// line reads the line src[start:end], its terminator excluded.
func (d *decoder) line(start, end int) error {
	src := d.t.src
	if end-start > d.opt.maxLine {
		return d.fail(start, start, fmt.Sprintf("the line has %d bytes, the limit is %d", end-start, d.opt.maxLine), "")
	}
	if end > start && src[end-1] == '\r' {
		end--
	}
	ln := line{start: start, at: start, end: end}
	ln.at, ln.end = trimSpan(src, start, end)
	switch {
	case ln.at == ln.end, src[ln.at] == '\t' && strings.Trim(src[ln.at:ln.end], " \t") == "":
		d.blankLine(start)
		return nil
	case src[ln.at] == '#':
		d.comment(ln)
		return nil
	}
	d.blankRun = false
	if err := d.indentation(&ln); err != nil {
		return err
	}
	return d.content(ln)
}

// indentation sets the depth of a line.
func (d *decoder) indentation(ln *line) error {
	spaces := ln.at - ln.start
	ln.depth = spaces / d.opt.indent
	ln.tabbed = d.t.src[ln.at] == '\t'
	if d.opt.strict {
		if spaces%d.opt.indent != 0 {
			return d.fail(ln.at, ln.end, "indented by "+plural(strconv.Itoa(spaces), "space"),
				fmt.Sprintf("indent by a multiple of %d", d.opt.indent))
		}
		return nil
	}
	if !ln.tabbed || d.inTabTable(ln.depth) {
		return nil
	}
	for src := d.t.src; src[ln.at] == '\t' || src[ln.at] == ' '; ln.at++ {
		if src[ln.at] == '\t' {
			ln.depth++
		}
	}
	ln.tabbed = false
	return nil
}

// inTabTable reports whether a row of a tab-delimited table may stand at depth,
// in which case a leading tab ends an empty cell.
func (d *decoder) inTabTable(depth int) bool {
	for i := len(d.scopes) - 1; i >= 0; i-- {
		if s := &d.scopes[i]; s.depth <= depth {
			return s.depth == depth && s.kind == classTable && s.delim == '\t'
		}
	}
	return false
}

// content reads a line that is neither blank nor a comment.
func (d *decoder) content(ln line) error {
	if ln.tabbed && !d.inTabTable(ln.depth) {
		return d.fail(ln.at, ln.end, "tab used for indentation", fmt.Sprintf("indent by %d spaces per level", d.opt.indent))
	}
	if !d.begun {
		d.begun = true
		return d.rootLine(ln)
	}
	for len(d.scopes) > 0 && ln.depth < d.top().depth {
		if err := d.closeScope(); err != nil {
			return err
		}
	}
	if len(d.scopes) == 0 {
		return d.trailing(ln)
	}
	if err := d.judgeBlank(); err != nil {
		return err
	}
	if s := d.top(); ln.depth > s.depth {
		if skip, err := d.overIndented(ln, s); skip || err != nil {
			return err
		}
	}
	switch s := d.top(); s.kind {
	case classObject:
		return d.field(ln.at, ln.end, s)
	case classList:
		return d.item(ln, s)
	default:
		return d.row(ln, s)
	}
}

// overIndented judges a line deeper than the innermost scope's. A lenient
// reader lets the first line of a scope set its depth and skips other lines.
func (d *decoder) overIndented(ln line, s *scope) (skip bool, err error) {
	if s.count == 0 {
		if d.opt.strict {
			return false, d.fail(ln.at, ln.end, fmt.Sprintf("indented by %s where %d fit", plural(strconv.Itoa(ln.depth), "level"), s.depth),
				fmt.Sprintf("indent it by %d spaces", s.depth*d.opt.indent))
		}
		s.depth = ln.depth
		return false, nil
	}
	return true, d.stray(ln, "the line is indented but the line above it opens nothing", "indent it like its siblings")
}

// stray refuses a line that belongs to no scope; a lenient reader skips it.
func (d *decoder) stray(ln line, msg, hint string) error {
	if d.opt.strict {
		return d.fail(ln.at, ln.end, msg, hint)
	}
	if len(d.warnings) < maxWarnings {
		d.warn(ln.at, msg+"; it was skipped", hint)
	}
	return nil
}

func (d *decoder) blankLine(start int) {
	if d.blank == 0 {
		d.blank = start + 1
	}
	d.remarkBlank(start)
	d.blankRun = true
}

// judgeBlank decides, at the next content line and after the scopes it ends are
// closed, whether the blank lines before it stood inside an array (§12).
func (d *decoder) judgeBlank() error {
	if d.blank == 0 {
		return nil
	}
	at := d.blank - 1
	d.blank = 0
	inArray := slices.ContainsFunc(d.scopes, func(s scope) bool { return s.counted() && s.count > 0 })
	if d.opt.strict && inArray {
		return d.fail(at, at, "blank line inside an array", "remove it, or make it a comment with #")
	}
	return nil
}

// finish closes what is still open at the end of the document.
func (d *decoder) finish() error {
	for len(d.scopes) > 0 {
		if err := d.closeScope(); err != nil {
			return err
		}
	}
	if d.begun {
		return nil
	}
	_, err := d.addNode(makeToken(classNone, 0, 0), makeToken(classObject, 0, 0))
	return err
}

// count adds n values to those the document holds.
func (d *decoder) count(n, at int) error {
	d.values += n
	if d.values <= d.opt.maxNodes {
		return nil
	}
	return d.fail(at, at, fmt.Sprintf("more than %d values in one document", d.opt.maxNodes), "")
}

// addNode appends a node that has no children so far.
func (d *decoder) addNode(key, val token) (uint32, error) {
	if err := d.count(1, int(key.off)); err != nil {
		return 0, err
	}
	if len(d.t.nodes) == cap(d.t.nodes) {
		d.t.nodes = slices.Grow(d.t.nodes, len(d.t.nodes)+1)
	}
	at := uint32(len(d.t.nodes))
	d.t.nodes = append(d.t.nodes, node{key: key, val: val, next: at + 1})
	return at, nil
}

// fail returns an error about src[at:end].
func (d *decoder) fail(at, end int, msg, hint string) error {
	p := positionAt(d.t.src, at)
	return &SyntaxError{
		Line: p.Line, Column: p.Column, Msg: msg, Hint: hint,
		Excerpt: excerpt(d.t.src[at:max(at, end)]),
	}
}

func (d *decoder) failMalformed(m malformed) error { return d.fail(m.at, m.end, m.msg, m.hint) }

// maxWarnings bounds the warnings kept: they must not outgrow the input.
const maxWarnings = 100

func (d *decoder) warn(at int, msg, hint string) {
	if len(d.warnings) == maxWarnings {
		return
	}
	p := positionAt(d.t.src, at)
	d.warnings = append(d.warnings, Warning{Line: p.Line, Column: p.Column, Msg: msg, Hint: hint})
}
