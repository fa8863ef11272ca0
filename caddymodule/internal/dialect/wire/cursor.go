package wire

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// A Cursor walks a JSON text that is known to be valid, each byte once. It
// stands before a value; each reading method steps behind it. On a text that
// is not valid it reads nonsense, but stays within it and comes to an end.
type Cursor struct {
	s string
	i int
}

// NewCursor returns a Cursor before the first value of s.
func NewCursor(s string) *Cursor {
	c := &Cursor{s: s}
	c.space()
	return c
}

// Pos is the offset of the value the Cursor stands before.
func (c *Cursor) Pos() int { return c.i }

// Since is the text from the offset pos to where the Cursor stands: the value
// that was read from there on.
func (c *Cursor) Since(pos int) string { return c.s[pos:c.i] }

// Kind is the first byte of the value: '{', '[', '"', 't', 'f', 'n', '-' or a
// digit; 0 at the end of the text.
func (c *Cursor) Kind() byte {
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0
}

func (c *Cursor) space() {
	for c.i < len(c.s) && (c.s[c.i] == ' ' || c.s[c.i] == '\n' || c.s[c.i] == '\r' || c.s[c.i] == '\t') {
		c.i++
	}
}

// Members yields the keys of an object, the Cursor before each one's value. A
// value that is not read is skipped. Anything but an object is skipped. A loop
// that breaks leaves the Cursor within the object.
func (c *Cursor) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		for ok := c.enter('{', '}'); ok; ok = c.more() {
			key := c.Str()
			c.space()
			c.i = min(c.i+1, len(c.s)) // the colon
			c.space()
			at := c.i
			if !yield(key) {
				return
			}
			if c.i == at {
				c.Skip()
			}
		}
	}
}

// Elements steps through an array as Members does through an object. It
// yields the number of the element.
func (c *Cursor) Elements() iter.Seq[int] {
	return func(yield func(int) bool) {
		n := 0
		for ok := c.enter('[', ']'); ok; ok = c.more() {
			at := c.i
			if !yield(n) {
				return
			}
			if c.i == at {
				c.Skip()
			}
			n++
		}
	}
}

// enter steps into a container that is not empty.
func (c *Cursor) enter(open, shut byte) bool {
	if c.Kind() != open {
		c.Skip()
		return false
	}
	c.i++
	c.space()
	if c.Kind() == shut {
		c.i++
		return false
	}
	return c.i < len(c.s)
}

// more steps over the comma before a further element, or out of the container.
func (c *Cursor) more() bool {
	c.space()
	comma := c.Kind() == ','
	c.i = min(c.i+1, len(c.s))
	c.space()
	return comma && c.i < len(c.s)
}

// Skip steps over the value.
func (c *Cursor) Skip() {
	switch c.Kind() {
	case '"':
		c.i = min(c.end(c.i+1)+1, len(c.s))
	case '{', '[':
		c.skipContainer()
	default:
		at := c.i
		for c.i < len(c.s) && !strings.ContainsRune(",]}: \n\r\t", rune(c.s[c.i])) {
			c.i++
		}
		if c.i == at {
			c.i = min(c.i+1, len(c.s))
		}
	}
}

func (c *Cursor) skipContainer() {
	depth := 0
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case '"':
			c.i = c.end(c.i + 1)
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.i = min(c.i+1, len(c.s))
		if depth == 0 {
			return
		}
	}
}

// end is the offset of the quote that ends the string whose content begins at
// start.
func (c *Cursor) end(start int) int {
	for at := start; ; {
		q := strings.IndexByte(c.s[min(at, len(c.s)):], '"')
		if q < 0 {
			return len(c.s)
		}
		q += at
		slashes := 0
		for slashes < q-start && c.s[q-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return q
		}
		at = q + 1
	}
}

// Raw is the value's own text.
func (c *Cursor) Raw() string {
	at := c.i
	c.Skip()
	return c.s[at:c.i]
}

// Result is the value for reading with gjson.
func (c *Cursor) Result() gjson.Result { return gjson.Parse(c.Raw()) }

// Str is the content of a string, "" for anything else. It shares memory with
// the text unless there were escapes in it.
func (c *Cursor) Str() string {
	if c.Kind() != '"' {
		c.Skip()
		return ""
	}
	start := c.i + 1
	end := c.end(start)
	c.i = min(end+1, len(c.s))
	return unescape(c.s[start:end])
}

// unescape resolves the escapes of a string's content.
func unescape(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	dst := make([]byte, 0, len(s))
	for i >= 0 && i+1 < len(s) {
		dst = append(dst, s[:i]...)
		n := 2
		if plainByte := escapes[s[i+1]]; plainByte != 0 {
			dst = append(dst, plainByte)
		} else {
			var r rune
			r, n = unicodeEscape(s[i:])
			dst = utf8.AppendRune(dst, r)
		}
		s = s[i+n:]
		i = strings.IndexByte(s, '\\')
	}
	return View(append(dst, s...))
}

// escapes are the bytes that the one-letter escapes stand for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unicodeEscape reads \uXXXX at the beginning of s, a pair of surrogates as
// one, and returns how many bytes it took. Half a pair is U+FFFD.
func unicodeEscape(s string) (rune, int) {
	r := hex4(s)
	if !utf16.IsSurrogate(r) {
		return r, min(6, len(s))
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if both := utf16.DecodeRune(r, hex4(s[6:])); both != utf8.RuneError {
			return both, 12
		}
	}
	return utf8.RuneError, min(6, len(s))
}

// hex4 is the number of \uXXXX at the beginning of s.
func hex4(s string) rune {
	if len(s) < 6 || s[1] != 'u' {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
