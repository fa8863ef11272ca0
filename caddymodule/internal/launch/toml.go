package launch

import (
	"fmt"
	"strings"
)

// statement is one statement of a TOML document: a table's header, or a key with
// its value. start and end are offsets; end is after the line's end.
type statement struct {
	start, end int
	header     bool
	key        string // as written, without the spaces around it
	value      string // as written, with a comment behind it
	line       int
}

// statements cuts a TOML document (toml.io, 1.0) into its statements. It knows
// what it needs to find their ends: strings, comments and brackets. It does not
// check values.
func statements(text string) ([]statement, error) {
	var out []statement
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		line := strings.TrimSpace(text[at:end])
		if line == "" || line[0] == '#' {
			at = end
			continue
		}
		s := statement{start: at, header: line[0] == '[', line: 1 + strings.Count(text[:at], "\n")}
		if err := s.read(text, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", s.line, err)
		}
		at = s.end
		out = append(out, s)
	}
	return out, nil
}

func (s *statement) read(text, line string) error {
	if s.header {
		s.end = lineEnd(text, s.start)
		name, _, ok := strings.Cut(line, "]")
		if !ok {
			return fmt.Errorf("a table's header does not end")
		}
		s.key = strings.TrimSpace(strings.TrimLeft(name, "["))
		return nil
	}
	equals := strings.IndexByte(text[s.start:lineEnd(text, s.start)], '=')
	if equals < 0 {
		return fmt.Errorf("neither a table nor a key with a value")
	}
	s.key = strings.TrimSpace(text[s.start : s.start+equals])
	end, err := valueEnd(text, s.start+equals+1)
	if err != nil {
		return err
	}
	s.end = end
	s.value = strings.TrimSpace(text[s.start+equals+1 : end])
	return nil
}

// valueEnd returns where the line ends on which the value that begins at at ends.
func valueEnd(text string, at int) (int, error) {
	depth := 0
	for at < len(text) {
		switch c := text[at]; c {
		case '\n':
			if depth == 0 {
				return at + 1, nil
			}
			at++
		case '#':
			at = lineEnd(text, at)
			if depth == 0 {
				return at, nil
			}
		case '"', '\'':
			end, err := stringEnd(text, at)
			if err != nil {
				return 0, err
			}
			at = end
		case '[', '{':
			depth++
			at++
		case ']', '}':
			depth--
			at++
		default:
			at++
		}
	}
	if depth > 0 {
		return 0, fmt.Errorf("a bracket is not closed")
	}
	return len(text), nil
}

// stringEnd returns where the string ends that begins at at.
func stringEnd(text string, at int) (int, error) {
	quote := text[at : at+1]
	if strings.HasPrefix(text[at:], quote+quote+quote) {
		quote += quote + quote
	}
	for i := at + len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote[0] == '"':
			i++
		case strings.HasPrefix(text[i:], quote):
			end := i + len(quote)
			for len(quote) == 3 && end < len(text) && text[end] == quote[0] && end < i+5 {
				end++ // up to two quotes may stand before the closing ones
			}
			return end, nil
		case text[i] == '\n' && len(quote) == 1:
			return 0, fmt.Errorf("a string does not end")
		}
	}
	return 0, fmt.Errorf("a string does not end")
}

// lineEnd returns where the line ends that at stands in, after its line feed.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// tomlString writes a basic string.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainKey takes the quotes off a key's parts and the spaces around its dots.
func plainKey(key string) string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return strings.Join(parts, ".")
}
