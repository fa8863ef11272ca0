package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

// str reads a string and returns what stands between its quotes.
func (s *scanner) str() ([]byte, error) {
	s.pos++
	start := s.pos
	for {
		s.pos = plain(s.data, s.pos)
		if s.pos >= len(s.data) {
			return nil, s.fail("a string without end")
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, s.fail("a control character in a string")
		}
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, by their highest bits, the bytes of a word that end a run of
// plain text. The lowest mark is right; those above it may be borrowed. One
// comparison finds both quotes and control characters: with bit 1 turned over
// a quote is 0x20, right above the control characters, which stay among
// themselves.
func special(w uint64) uint64 {
	return ((w ^ (ones * 0x02) - ones*0x21) | (w ^ (ones * '\\') - ones)) &^ w & highs
}

// plain returns the position of the first quote, backslash or control
// character at or after i, sixteen bytes a step.
func plain(data []byte, i int) int {
	for ; i+16 <= len(data); i += 16 {
		step := data[i : i+16 : i+16]
		first, second := special(binary.LittleEndian.Uint64(step)), special(binary.LittleEndian.Uint64(step[8:]))
		switch {
		case first != 0:
			return i + bits.TrailingZeros64(first)/8
		case second != 0:
			return i + 8 + bits.TrailingZeros64(second)/8
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

// escape reads one escape sequence, the backslash first.
func (s *scanner) escape() error {
	if s.pos+1 >= len(s.data) {
		return s.fail("a string without end")
	}
	switch s.data[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
		for i := s.pos + 2; i < s.pos+6; i++ {
			if i >= len(s.data) || !hex(s.data[i]) {
				return s.fail("a \\u escape without four hexadecimal digits")
			}
		}
		s.pos += 6
		return nil
	}
	return s.fail("an unknown escape in a string")
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// number reads a number as RFC 8259 section 6 defines it.
func (s *scanner) number() error {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	switch {
	case s.at('0'):
		s.pos++
	case !s.digits():
		return s.fail("a digit was expected")
	}
	if s.at('.') {
		s.pos++
		if !s.digits() {
			return s.fail("a digit was expected after the decimal point")
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		if !s.digits() {
			return s.fail("a digit was expected in the exponent")
		}
	}
	return nil
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) literal() error {
	for _, word := range [...]string{"true", "false", "null"} {
		if end := s.pos + len(word); end <= len(s.data) && string(s.data[s.pos:end]) == word {
			s.pos = end
			return nil
		}
	}
	return s.fail("a value was expected")
}
