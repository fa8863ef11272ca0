package tokens

import "bytes"

// space skips white space.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// peek is the next byte after white space, or 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i >= len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// take skips c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// str reads a string and returns what stands between its quotes.
func (s *scanner) str() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	from := s.i
	for {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			return nil, false
		}
		end := s.i + n
		s.i = end + 1
		slashes := 0
		for end-1-slashes >= from && s.b[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return s.b[from:end], true
		}
	}
}

// object walks an object; member is called at each value and has to pass it.
func (s *scanner) object(member func(key []byte) bool) bool {
	if s.depth++; s.depth > maxDepth || !s.take('{') {
		return false
	}
	defer func() { s.depth-- }()
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.str()
		if !ok || !s.take(':') || !member(key) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// array walks an array; element is called at each value and has to pass it.
func (s *scanner) array(element func() bool) bool {
	if s.depth++; s.depth > maxDepth || !s.take('[') {
		return false
	}
	defer func() { s.depth-- }()
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// skip passes a value without counting it.
func (s *scanner) skip() bool {
	counted := s.bytes
	ok := s.json()
	s.bytes = counted
	return ok
}

// json passes a value and counts its bytes, white space between tokens left
// out. It does not recurse.
func (s *scanner) json() bool {
	for open := 0; ; {
		switch c := s.peek(); c {
		case 0:
			return false
		case '"':
			raw, ok := s.str()
			if !ok {
				return false
			}
			s.bytes += textLen(raw) + 2
		case '{', '[':
			open++
			s.next()
		case '}', ']':
			if open--; open < 0 {
				return false
			}
			s.next()
		case ',', ':':
			if open == 0 {
				return false
			}
			s.next()
			continue
		default:
			s.literal()
		}
		if open == 0 {
			return true
		}
	}
}

// next counts one byte of structure.
func (s *scanner) next() {
	s.i++
	s.bytes++
}

// literal passes a number, true, false or null.
func (s *scanner) literal() {
	from := s.i
	for s.i < len(s.b) && bytes.IndexByte([]byte(" \t\r\n,:]}[{\""), s.b[s.i]) < 0 {
		s.i++
	}
	if s.i == from {
		s.i++
	}
	s.bytes += s.i - from
}
