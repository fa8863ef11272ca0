// Package jsonscan checks a JSON object and notes its top-level members, in
// one pass over the bytes and without allocating.
//
// A gateway needs little of a request body (the model, whether it streams,
// whether there are tools), must be sure that the body is JSON and that its
// own reading of a member is the provider's, and wants to hand on every other
// byte as it came. Scan does the first two; Splice is the third.
//
// The grammar is RFC 8259. Strings are checked for escapes and control
// characters, not for valid UTF-8. Nesting is bounded and nothing recurses on
// the input.
package jsonscan

import "fmt"

// MaxDepth is the deepest nesting any call may allow.
const MaxDepth = 512

// SyntaxError says where the text stops being JSON.
type SyntaxError struct {
	Offset int    // bytes before the error
	Msg    string // what is wrong there
}

// Error returns the message with its offset.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// DepthError says that the text nests deeper than allowed.
type DepthError struct{ Offset, Max int }

// Error returns the message with its offset.
func (e *DepthError) Error() string {
	return fmt.Sprintf("nested deeper than %d levels at byte %d", e.Max, e.Offset)
}

// Member is one member of the top-level object. Offsets are into the scanned
// text.
type Member struct {
	Key        []byte // between the quotes, escapes not resolved
	Start, End int    // the value
}

// A Visitor is told what Scan meets.
type Visitor interface {
	// Member is called for each top-level member, after its value was checked.
	// An error ends the scan and is returned by it.
	Member(m Member) error
	// Text is called for each member named "type" or "ttl", below the top level,
	// that has a string value, with the content between the quotes. Wire formats
	// tell pictures, documents and tool calls apart by the one, and mark how long
	// a prompt is to be cached with the other.
	Text(key, value []byte)
}

// Scan checks that data is one JSON object nested at most maxDepth deep (at
// most MaxDepth), and reports its members to v. The error is a *SyntaxError, a
// *DepthError, or what v.Member returned.
func Scan(data []byte, maxDepth int, v Visitor) error {
	s := scanner{data: data, max: min(maxDepth, MaxDepth), visitor: v}
	s.space()
	if s.pos >= len(data) || data[s.pos] != '{' {
		return s.fail("a JSON object was expected")
	}
	if err := s.run(); err != nil {
		return err
	}
	s.space()
	if s.pos < len(data) {
		return s.fail("text after the JSON object")
	}
	return nil
}

// Check is Scan for those who only want to know that data is one JSON object.
func Check(data []byte, maxDepth int) error { return Scan(data, maxDepth, nobody{}) }

// nobody is a Visitor that looks at nothing.
type nobody struct{}

func (nobody) Member(Member) error    { return nil }
func (nobody) Text(key, value []byte) {}

type scanner struct {
	data    []byte
	pos     int
	depth   int
	max     int
	object  [MaxDepth/64 + 1]uint64 // bit d: is the container at depth d an object?
	visitor Visitor
	member  Member
	noted   []byte // the key of the value to come, if the visitor wants its text
}

// run walks the containers with an explicit stack of one bit a level. It
// starts at the opening brace of the object.
func (s *scanner) run() error {
	if err := s.open(true); err != nil {
		return err
	}
	fresh := true // the current container has no element yet
	for {
		s.space()
		if s.pos >= len(s.data) {
			return s.fail("unexpected end")
		}
		inObject := s.inObject()
		if s.data[s.pos] == closer(inObject) {
			s.pos++
			if done, err := s.close(); done || err != nil {
				return err
			}
			fresh = false
			continue
		}
		if !fresh {
			if err := s.comma(); err != nil {
				return err
			}
		}
		if inObject {
			if err := s.key(); err != nil {
				return err
			}
		}
		opened, err := s.value()
		if err != nil {
			return err
		}
		fresh = opened
	}
}

func (s *scanner) inObject() bool { return s.object[s.depth/64]>>(s.depth%64)&1 == 1 }

func closer(object bool) byte {
	if object {
		return '}'
	}
	return ']'
}

func (s *scanner) open(object bool) error {
	if s.depth++; s.depth > s.max {
		return &DepthError{Offset: s.pos, Max: s.max}
	}
	bit := uint64(1) << (s.depth % 64)
	if object {
		s.object[s.depth/64] |= bit
	} else {
		s.object[s.depth/64] &^= bit
	}
	s.pos++
	return nil
}

// close leaves the current container and reports whether it was the outermost.
func (s *scanner) close() (done bool, err error) {
	s.depth--
	if s.depth == 0 {
		return true, nil
	}
	return false, s.ended()
}

// ended reports a top-level member whose value just ended.
func (s *scanner) ended() error {
	if s.depth != 1 {
		return nil
	}
	s.member.End = s.pos
	return s.visitor.Member(s.member)
}

// comma steps over the comma between two elements, which must not be the last
// thing in its container.
func (s *scanner) comma() error {
	if s.data[s.pos] != ',' {
		return s.fail("a comma or the end of the object or array was expected")
	}
	s.pos++
	s.space()
	if s.pos < len(s.data) && (s.data[s.pos] == '}' || s.data[s.pos] == ']') {
		return s.fail("a comma before the closing bracket")
	}
	return nil
}

// key reads a member's name and the colon after it.
func (s *scanner) key() error {
	if s.pos >= len(s.data) || s.data[s.pos] != '"' {
		return s.fail("a member name in quotes was expected")
	}
	name, err := s.str()
	if err != nil {
		return err
	}
	s.space()
	if s.pos >= len(s.data) || s.data[s.pos] != ':' {
		return s.fail("a colon was expected")
	}
	s.pos++
	s.space()
	if s.depth == 1 {
		s.member = Member{Key: name, Start: s.pos}
	}
	if s.depth > 1 && (string(name) == "type" || string(name) == "ttl") {
		s.noted = name
	}
	return nil
}

// value reads one value; for a container only its opening bracket.
func (s *scanner) value() (opened bool, err error) {
	if s.pos >= len(s.data) {
		return false, s.fail("unexpected end")
	}
	noted := s.noted
	s.noted = nil
	switch c := s.data[s.pos]; {
	case c == '{' || c == '[':
		return true, s.open(c == '{')
	case c == '"':
		var text []byte
		if text, err = s.str(); err == nil && noted != nil {
			s.visitor.Text(noted, text)
		}
	case c == '-' || c >= '0' && c <= '9':
		err = s.number()
	default:
		err = s.literal()
	}
	if err != nil {
		return false, err
	}
	return false, s.ended()
}

func (s *scanner) fail(msg string) error {
	return &SyntaxError{Offset: s.pos, Msg: msg}
}
