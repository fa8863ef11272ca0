package toon

import "fmt"

// rootLine reads the first content line, which decides what the root is (§5).
func (d *decoder) rootLine(ln line) error {
	if ln.depth > 0 && d.opt.strict {
		return d.fail(ln.at, ln.end, "the first line is indented", "begin it in column 1")
	}
	d.lone = ln
	root := makeToken(classNone, ln.at, 0)
	h, ok, bad := d.readHeader(ln.at, ln.end)
	switch {
	case bad.failed() && d.opt.strict:
		return d.failMalformed(bad)
	case ok && h.key.class() == classNone:
		return d.array(h, root, ln, 1)
	case d.t.src[ln.at:ln.end] == "[]":
		_, err := d.addNode(root, makeToken(classList, ln.at, 0))
		return err
	case ok || unquotedIndex(d.t.src, ln.at, ln.end, ':') >= 0:
		s := scope{kind: classObject, depth: ln.depth, level: 1}
		if err := d.open(root, makeToken(classObject, ln.at, 0), s); err != nil {
			return err
		}
		return d.field(ln.at, ln.end, d.top())
	default:
		return d.primitiveNode(root, ln.at, ln.end)
	}
}

// trailing judges a line after the root is complete.
func (d *decoder) trailing(ln line) error {
	if root := d.root(); root.token().class() < classObject {
		return d.missingColon(d.lone.at, d.lone.end)
	}
	return d.stray(ln, "content after the root array or table", "a document holds one value")
}

// field reads a field of the object s: a header or a key with its value.
func (d *decoder) field(at, end int, s *scope) error {
	h, ok, bad := d.readHeader(at, end)
	if !bad.failed() && ok && h.key.class() == classNone {
		bad = malformed{at, end, "header without a key", "name the field, as in key[2]: a,b"}
	}
	if bad.failed() && d.opt.strict {
		return d.failMalformed(bad)
	}
	s.count++
	if ok && !bad.failed() {
		return d.array(h, h.key, line{at: at, end: end, depth: s.depth}, s.level+1)
	}
	return d.keyValue(at, end, s)
}

// keyValue reads key: value, or key: alone, which opens an object.
func (d *decoder) keyValue(at, end int, s *scope) error {
	colon := unquotedIndex(d.t.src, at, end, ':')
	if colon < 0 {
		return d.missingColon(at, end)
	}
	key, err := d.key(at, colon)
	if err != nil {
		return err
	}
	from, to := trimSpan(d.t.src, colon+1, end)
	switch d.t.src[from:to] {
	case "":
		return d.open(key, makeToken(classObject, at, 0), scope{kind: classObject, depth: s.depth + 1, level: s.level + 1})
	case "[]":
		return d.emptyNode(key, makeToken(classList, from, 0), s.level+1)
	}
	return d.primitiveNode(key, from, to)
}

// primitiveNode adds the primitive src[at:end].
func (d *decoder) primitiveNode(key token, at, end int) error {
	val, err := d.primitive(at, end)
	if err != nil {
		return err
	}
	_, err = d.addNode(key, val)
	return err
}

// emptyNode adds a container without children.
func (d *decoder) emptyNode(key, val token, level int) error {
	if err := d.checkLevel(level, int(val.off)); err != nil {
		return err
	}
	_, err := d.addNode(key, val)
	return err
}

// missingColon explains a line of an object that is no field.
func (d *decoder) missingColon(at, end int) error {
	hint := "put a colon after the key"
	if quote := openQuote(d.t.src, at, end); quote >= 0 {
		return d.fail(quote, end, "unterminated string", "close it with a double quote")
	}
	switch src := d.t.src; {
	case src[at] == '-' && (end == at+1 || src[at+1] == ' '):
		hint = "a list needs a header with its length, as in key[2]:"
	case unquotedIndex(src, at, end, '[') >= 0:
		hint = "a header ends with a colon, as in key[2]{a,b}:"
	}
	return d.fail(at, end, "missing colon", hint)
}

// key reads the key src[at:colon].
func (d *decoder) key(at, colon int) (token, error) {
	from, to := trimSpan(d.t.src, at, colon)
	switch {
	case from == to:
		return token{}, d.fail(at, colon+1, "missing key", `write "" for the empty key`)
	case d.t.src[from] == '"':
		return d.quoted(from, to)
	}
	if unquotedIndex(d.t.src, from, to, '[') >= 0 {
		d.warn(from, "a bracket in an unquoted key makes no array", `quote the key before the bracket, as in "my-key"[2]:`)
	}
	return makeToken(classString, from, to-from), nil
}

// quoted reads src[at:end], which begins with a quote and must end with its
// partner.
func (d *decoder) quoted(at, end int) (token, error) {
	closed := quotedEnd(d.t.src[:end], at)
	if closed < 0 {
		return token{}, d.fail(at, end, "unterminated string", "close it with a double quote")
	}
	escaped, bad := checkQuoted(d.t.src[at+1 : closed-1])
	switch {
	case bad.msg != "":
		return token{}, d.fail(at+1+bad.offset, closed, bad.msg, bad.hint)
	case closed < end:
		return token{}, d.fail(closed, end, "text after the closing quote", `write \" for a quote inside a string`)
	}
	return quotedToken(escaped, at, closed), nil
}

// primitive reads a value token (§4).
func (d *decoder) primitive(at, end int) (token, error) {
	text := d.t.src[at:end]
	if text == "" {
		return makeToken(classString, at, 0), nil
	}
	switch c := text[0]; {
	case c == '"':
		return d.quoted(at, end)
	case text == "null":
		return makeToken(classNull, at, len(text)), nil
	case text == "true":
		return makeToken(classTrue, at, len(text)), nil
	case text == "false":
		return makeToken(classFalse, at, len(text)), nil
	case isNumber(text):
		return makeToken(classNumber, at, len(text)), nil
	}
	return makeToken(classString, at, len(text)), nil
}

// item reads an element of the list s.
func (d *decoder) item(ln line, s *scope) error {
	src := d.t.src
	if src[ln.at] != '-' || ln.end > ln.at+1 && src[ln.at+1] != ' ' {
		return d.fail(ln.at, ln.end, "not a list item", fmt.Sprintf("begin it with %q, or give the header its fields in braces", "- "))
	}
	s.count++
	element := makeToken(classNone, ln.at, 0)
	at, end := trimSpan(src, ln.at+1, ln.end)
	switch src[at:end] {
	case "":
		return d.bareItem(element, s)
	case "[]":
		return d.emptyNode(element, makeToken(classList, at, 0), s.level+1)
	}
	h, ok, bad := d.readHeader(at, end)
	if ok && h.key.class() == classNone && h.cols != nil {
		ok, bad = false, malformed{at, end, "header with fields but without a key as a list item", "name it, as in - rows[2]{a,b}:"}
	}
	switch {
	case bad.failed() && d.opt.strict:
		return d.failMalformed(bad)
	case ok && h.key.class() == classNone:
		return d.array(h, element, line{at: at, end: end, depth: ln.depth}, s.level+1)
	case ok || unquotedIndex(src, at, end, ':') >= 0:
		return d.itemObject(element, at, end, s)
	}
	return d.primitiveNode(element, at, end)
}

// bareItem is a hyphen alone, an empty object. A lenient reader lets fields
// follow below it.
func (d *decoder) bareItem(element token, s *scope) error {
	val := makeToken(classObject, int(element.off), 0)
	if d.opt.strict {
		return d.emptyNode(element, val, s.level+1)
	}
	return d.open(element, val, scope{kind: classObject, depth: s.depth + 1, level: s.level + 1})
}

// itemObject reads an object whose first field stands on the hyphen's line; the
// field counts as one level deeper than the hyphen (§10).
func (d *decoder) itemObject(element token, at, end int, s *scope) error {
	val := makeToken(classObject, at, 0)
	if err := d.open(element, val, scope{kind: classObject, depth: s.depth + 1, level: s.level + 1}); err != nil {
		return err
	}
	return d.field(at, end, d.top())
}
