package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain marks the bytes a JSON string holds as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// Quote appends s as a JSON string. Nothing is escaped beyond what RFC 8259
// demands, so prompts keep their size; invalid UTF-8 becomes U+FFFD.
func Quote(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped appends the inside of a JSON string: s without quotes around it.
func AppendEscaped(dst []byte, s string) []byte {
	start, b := 0, Raw(s)
	for i := skipPlain(b, 0); i < len(s); i = skipPlain(b, i) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
		}
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

// skipPlain is the offset of the first byte at or after i that is not plain
// ASCII text, eight bytes a step.
func skipPlain(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^'"'*ones, x^'\\'*ones
		special := (x | (x-' '*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & tops
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(b) && plain[b[i]] {
		i++
	}
	return i
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// KeyText is a member's name as it stands between quotes: escaped if it has to
// be. Names that travel along in llm.Extra are kept so, because they are
// written back as they are; a name with a quote in it must not end its own
// string and begin another member. A name that needs no escapes is returned as
// it is, and shares what memory it shares: whoever keeps it longer copies it.
func KeyText(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c == '"' || c == '\\' || c < 0x20 {
			return string(AppendEscaped(nil, name))
		}
	}
	return name
}
