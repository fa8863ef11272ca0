package schema

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSON reads one JSON document (RFC 8259). Keys that stand twice are kept
// for checkKeys to report.
func parseJSON(data []byte) (*node, Problems) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, Problems{{Line: 1, Column: 1, Msg: "the document is empty", Hint: "an empty configuration is {}"}}
	}
	p := &jsonParser{
		cursor: cursor{data: data, line: 1, column: 1},
		dec:    jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true)),
	}
	root, err := p.document()
	if err == nil {
		return root, nil
	}
	return nil, Problems{p.problem(err)}
}

type jsonParser struct {
	cursor
	dec   *jsontext.Decoder
	open  []*node // the arrays and objects around the next value
	nodes int
}

// document reads one value and makes sure that nothing follows it.
func (p *jsonParser) document() (*node, error) {
	var root *node
	for root == nil || len(p.open) > 0 {
		n, err := p.next()
		if err != nil {
			return nil, err
		}
		if root == nil {
			root = n
		}
	}
	p.dec.PeekKind()
	p.skipSpace(p.dec.InputOffset())
	if p.offset < len(p.data) {
		return nil, errors.New("something follows the end of the document")
	}
	return root, nil
}

// next reads one token. It returns the node the token begins, nil for a key or
// for the end of an array or object.
func (p *jsonParser) next() (*node, error) {
	p.dec.PeekKind()
	p.skipSpace(p.dec.InputOffset())
	pos := p.position()
	tok, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{pos: pos}
	switch tok.Kind() {
	case '}', ']':
		p.open = p.open[:len(p.open)-1]
		return nil, nil
	case '"':
		n.kind, n.text = kindString, tok.String()
		if p.takeKey(n) {
			return nil, nil
		}
	case '0':
		n.kind, n.text = kindNumber, tok.String()
		if !isNumber(n.text) {
			return nil, errNumberRange
		}
	case 't', 'f':
		n.kind, n.truth = kindBool, tok.Bool()
	case '{':
		n.kind = kindObject
	case '[':
		n.kind = kindArray
	}
	return n, p.place(n)
}

var (
	errNumberRange = errors.New("a number too large to hold")
	errTooDeep     = errors.New("nested more than 64 levels deep")
	errTooMany     = errors.New("more than 100000 values")
)

// takeKey adds a member to the innermost object if that waits for a key.
func (p *jsonParser) takeKey(n *node) bool {
	if len(p.open) == 0 {
		return false
	}
	in := p.open[len(p.open)-1]
	if in.kind != kindObject || len(in.fields) > 0 && in.fields[len(in.fields)-1].value == nil {
		return false
	}
	in.fields = append(in.fields, field{key: n.text, pos: n.pos})
	return true
}

// place puts a value where it belongs and, if it has contents, opens it.
func (p *jsonParser) place(n *node) error {
	if p.nodes++; p.nodes > maxNodes {
		return errTooMany
	}
	if len(p.open) > 0 {
		in := p.open[len(p.open)-1]
		if in.kind == kindObject {
			in.fields[len(in.fields)-1].value = n
		} else {
			in.elems = append(in.elems, n)
		}
	}
	if n.kind == kindArray || n.kind == kindObject {
		if len(p.open) >= maxDepth {
			return errTooDeep
		}
		p.open = append(p.open, n)
	}
	return nil
}

// problem says where and why the document ends being JSON.
func (p *jsonParser) problem(err error) Problem {
	out := Problem{Msg: "not valid JSON: " + err.Error()}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		p.advance(len(p.data))
		out.Msg = "the document ends too early"
		out.Hint = "a bracket, brace or quotation mark is not closed"
	case errors.As(err, &syntax):
		p.advance(int(syntax.ByteOffset))
		out.Msg = "not valid JSON: " + scrub(syntax.Err.Error())
		out.Hint = "JSON has no comments, no trailing commas and no single quotes"
		if p.afterComma() {
			out.Msg, out.Hint = "not valid JSON: a comma stands before the closing bracket", "remove the comma"
		}
	}
	out.Line, out.Column = p.line, p.column
	return out
}

// afterComma says whether a closing bracket stands here right after a comma.
func (p *jsonParser) afterComma() bool {
	if p.offset >= len(p.data) || p.data[p.offset] != '}' && p.data[p.offset] != ']' {
		return false
	}
	return bytes.HasSuffix(bytes.TrimRight(p.data[:p.offset], " \t\r\n"), []byte(","))
}

// cursor counts lines and columns while it moves forward over data.
type cursor struct {
	data         []byte
	offset       int
	line, column int
}

func (c *cursor) position() Position { return Position{Line: c.line, Column: c.column} }

// advance moves to an offset at or after the present one.
func (c *cursor) advance(to int) {
	for c.offset < min(to, len(c.data)) {
		r, size := utf8.DecodeRune(c.data[c.offset:])
		c.offset += size
		c.column++
		if r == '\n' {
			c.line, c.column = c.line+1, 1
		}
	}
}

// skipSpace moves to an offset and past the white space and separators there.
func (c *cursor) skipSpace(to int64) {
	end := max(int(to), c.offset)
	for end < len(c.data) && strings.IndexByte(" \t\r\n,:", c.data[end]) >= 0 {
		end++
	}
	c.advance(end)
}
