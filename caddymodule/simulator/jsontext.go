package simulator

import (
	"strconv"
)

// Answers are appended by hand to pooled buffers; these are the few words of that handwriting.

const hex = "0123456789abcdef"

// quote appends s as a JSON string. Bytes from 0x80 on pass unchanged, so half a character stays half a character: the
// fault that splits text inside a character relies on it.
func quote[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	b = quoteInner(b, s)
	return append(b, '"')
}

// quoteInner appends what stands between the quotes.
func quoteInner[T string | []byte](b []byte, s T) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, s[from:]...)
}

// field appends `"name":` and the string, with a comma before it unless an object just opened.
func field(b []byte, name, value string) []byte {
	return quote(key(b, name), value)
}

// fieldInt appends `"name":n` in the same way.
func fieldInt(b []byte, name string, n int) []byte {
	return strconv.AppendInt(key(b, name), int64(n), 10)
}

// key appends `"name":`, with a comma before it unless an object or array just opened.
func key(b []byte, name string) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' && b[n-1] != '[' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// comma appends a comma unless an object or array just opened.
func comma(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' && b[n-1] != '[' {
		return append(b, ',')
	}
	return b
}

// integer appends n.
func integer(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
