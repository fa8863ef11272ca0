package toon

import (
	"bytes"
	"fmt"
	"strings"
)

// Format rewrites a document canonically, as Encode does, and keeps its comments
// where they stood: before the line they preceded, at the indentation of that
// line. A single blank line is kept where one or more separated fields outside
// of arrays. Wrong counts are repaired. Any consistent indentation is read; what
// is written follows the options. The result ends with a newline, as text files
// do, unless it is empty. A result that Decode would refuse, because a list has
// become a line that is too long, is an error.
func Format(data []byte, opts ...EncodeOption) ([]byte, error) {
	e := encoder{opt: newEncodeOptions(opts)}
	indent := indentOf(string(data[:min(len(data), DefaultMaxBytes)]))
	doc, err := Parse(data, RepairCounts(), IndentSize(indent), MaxDepth(e.opt.maxDepth))
	if err != nil {
		return nil, err
	}
	e.notes = &notes{src: doc.Root.t.src, list: doc.remarks, indent: indent}
	if err := e.encode(doc.Root); err != nil {
		return nil, err
	}
	end := uint32(len(e.notes.src)) + 1
	e.note(0, end, end)
	out := bytes.TrimRight(e.out, "\n")
	if len(out) > 0 {
		out = append(out, '\n')
	}
	if _, err := Decode(out, IndentSize(e.opt.indent), MaxDepth(e.opt.maxDepth)); err != nil {
		return nil, fmt.Errorf("the result would break a limit: %w", err)
	}
	return out, nil
}

// indentOf returns the indentation of the first indented line, which in a strict
// document is one level, and 2 when there is none.
func indentOf(src string) int {
	for line := range strings.SplitSeq(src, "\n") {
		content := strings.TrimLeft(line, " ")
		if n := len(line) - len(content); n > 0 && strings.TrimSpace(content) != "" && content[0] != '#' {
			return n
		}
	}
	return 2
}

// notes are the comments and blank lines of the source, not yet written.
type notes struct {
	src    string
	list   []remark
	indent int // of the source, in spaces per level
	before int // indentation of the line written last, in spaces
}

// note writes what stood before the offset end of the source, ahead of a line
// indented by spaces that began at start.
func (e *encoder) note(spaces int, start, end uint32) {
	n := e.notes
	opens := spaces > n.before // a blank line would come right after a key
	for len(n.list) > 0 && n.list[0].at < end {
		r := n.list[0]
		n.list = n.list[1:]
		if r.isBlank() {
			if e.lists == 0 && !opens && len(e.out) > 0 {
				e.blank()
			}
			continue
		}
		opens = false
		indent := spaces
		if r.at < start {
			indent = e.commentIndent(r, spaces)
		}
		e.newLine(indent)
		e.out = append(e.out, n.src[r.at:r.end]...)
	}
	n.before = spaces
}

// commentIndent returns the indentation of a comment: that of the next line;
// where scopes end in between, that of the source as far as both lines allow.
func (e *encoder) commentIndent(r remark, spaces int) int {
	n := e.notes
	if spaces >= n.before {
		return spaces
	}
	depth := int(r.indent) / n.indent
	return min(max(depth*e.opt.indent, spaces), n.before)
}

// blank ends the line with an empty one, unless there is one already.
func (e *encoder) blank() {
	if last := len(e.out) - 1; e.out[last] != '\n' {
		e.out = append(e.out, '\n')
	}
}

// lastOffset returns where the last line of v begins or a place in it; start
// when v is empty.
func (v Value) lastOffset(start uint32) uint32 {
	if v.how != viewNode {
		return max(start, v.t.cells[v.at].off)
	}
	last := v.t.nodes[v.t.nodes[v.at].next-1]
	end := last.key.off
	switch c := last.val.class(); {
	case c < classObject:
		end = last.val.off
	case c == classInline:
		end = v.t.cells[int(last.val.off)+last.val.size()-1].off
	case c == classTable || c == classKeyed:
		if tb := v.t.tables[last.val.off]; tb.rows > 0 {
			end = v.t.cells[tb.cells+tb.rows*tb.stride-1].off
		}
	}
	return max(start, end)
}
