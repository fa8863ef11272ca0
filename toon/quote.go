package toon

import (
	"strings"
	"unicode/utf8"
)

// mustQuote lists the bytes no unquoted string may contain (§7.2), wherever
// they stand. Control characters are listed by their range instead.
var mustQuote = [256]bool{':': true, '"': true, '\\': true, '[': true, ']': true, '{': true, '}': true}

const byteOrderMark = "\uFEFF"

// needsQuotes reports whether a string value must be quoted where delim is the
// relevant delimiter (§7.2, §11.1). A leading byte order mark is quoted too, so
// that it is never taken for the mark of the file.
func needsQuotes(s string, delim byte) bool {
	if s == "" || s == "true" || s == "false" || s == "null" {
		return true
	}
	switch s[0] {
	case ' ', '-', '#':
		return true
	case byteOrderMark[0]:
		if strings.HasPrefix(s, byteOrderMark) {
			return true
		}
	}
	if s[len(s)-1] == ' ' {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || mustQuote[c] || c == delim {
			return true
		}
	}
	return isNumberLike(s)
}

// isPlainKey reports whether a key may stand unquoted (§7.3).
func isPlainKey(s string) bool {
	if s == "" || !isKeyStart(s[0]) {
		return false
	}
	return plainKeyEnd(s, 0) == len(s)
}

func isKeyStart(c byte) bool { return c|0x20-'a' < 26 || c == '_' }

// plainKeyEnd returns where the unquoted key that starts at i ends; i itself
// when none does.
func plainKeyEnd(s string, i int) int {
	if i >= len(s) || !isKeyStart(s[i]) {
		return i
	}
	for i++; i < len(s) && (isKeyStart(s[i]) || s[i]-'0' <= 9 || s[i] == '.'); i++ {
	}
	return i
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s in quotes, escaped as §7.1 says.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// quotedEnd returns the index after the closing quote of the string that opens
// at i, or -1 when it is never closed.
func quotedEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// badEscape describes what is wrong inside quotes; offset counts from the start
// of the text it was found in. The zero value means nothing is.
type badEscape struct {
	offset    int
	msg, hint string
}

// checkQuoted examines the text between two quotes: every escape is one of
// §7.1, and control characters other than the tab are escaped.
func checkQuoted(s string) (escaped bool, bad badEscape) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			escaped = true
			size, msg := escapeSize(s[i:])
			if msg != "" {
				return true, badEscape{i, msg, `the escapes are \\ \" \n \r \t \uXXXX`}
			}
			i += size - 1
		case c < 0x20 && c != '\t':
			return escaped, badEscape{i, "control character in a quoted string", `write it as \u00` + string(hexDigits[c>>4]) + string(hexDigits[c&15])}
		}
	}
	return escaped, badEscape{}
}

// escapeSize returns the length of the escape s begins with, or what is wrong
// with it.
func escapeSize(s string) (size int, msg string) {
	if len(s) < 2 {
		return 0, "escape without a character"
	}
	switch s[1] {
	case '\\', '"', 'n', 'r', 't':
		return 2, ""
	case 'u':
		r, ok := hexRune(s)
		switch {
		case !ok:
			return 0, `\u needs four hexadecimal digits`
		case r >= 0xD800 && r <= 0xDFFF:
			return 0, "surrogate code point in an escape"
		}
		return 6, ""
	default:
		return 0, "unknown escape"
	}
}

// hexRune reads the digits of the \uXXXX that s begins with.
func hexRune(s string) (r rune, ok bool) {
	if len(s) < 6 {
		return 0, false
	}
	for _, c := range []byte(s[2:6]) {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape resolves the escapes of a text that checkQuoted accepted.
func unescape(s string) string {
	out := make([]byte, 0, len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return string(append(out, s...))
		}
		out = append(out, s[:i]...)
		s = s[i:]
		size := 2
		switch s[1] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hexRune(s)
			out, size = utf8.AppendRune(out, r), 6
		default:
			out = append(out, s[1])
		}
		s = s[size:]
	}
}
