package legacy

import (
	"fmt"
	"strings"
)

// secrets finds texts that must not be shown within other texts, in whatever case,
// in a time that does not depend on how many there are. The zero value is empty.
type secrets struct {
	byStart map[string][]string // by their first minKey bytes, in lower case
}

// hide adds a secret. Texts shorter than any key cannot be told from words and are
// not added.
func (s *secrets) hide(secret string) {
	secret = strings.ToLower(strings.TrimSpace(secret))
	if len(secret) < minKey {
		return
	}
	if s.byStart == nil {
		s.byStart = map[string][]string{}
	}
	start := secret[:minKey]
	for _, known := range s.byStart[start] {
		if known == secret {
			return
		}
	}
	s.byStart[start] = append(s.byStart[start], secret)
}

// at returns the length of the longest secret that lower, a text in lower case,
// begins with.
func (s *secrets) at(lower string) int {
	if len(lower) < minKey {
		return 0
	}
	longest := 0
	for _, known := range s.byStart[lower[:minKey]] {
		if len(known) > longest && strings.HasPrefix(lower, known) {
			longest = len(known)
		}
	}
	return longest
}

// in reports whether a text has a secret in it.
func (s *secrets) in(text string) bool { return s.blot(text) != text }

// blot replaces the secrets in a text.
func (s *secrets) blot(text string) string {
	lower := strings.ToLower(text)
	if len(s.byStart) == 0 || len(lower) != len(text) {
		return s.blotOdd(text, lower)
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if n := s.at(lower[i:]); n > 0 {
			b.WriteString("****")
			i += n
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// blotOdd is blot for a text with letters whose lower case is longer or shorter: it
// is hidden as a whole if there is a secret in it.
func (s *secrets) blotOdd(text, lower string) string {
	for i := range lower {
		if s.at(lower[i:]) > 0 {
			return "****"
		}
	}
	return text
}

// scrub blots out the words of s that have the shape of a secret, and control
// characters.
func scrub(s string) string {
	var b strings.Builder
	word := func(w string) {
		if hasSecretShape(w) {
			w = "****"
		}
		b.WriteString(w)
	}
	start := 0
	for i, c := range s {
		if !strings.ContainsRune(" \t\r\n,;\"'`{}[]()=|/:→", c) && c >= ' ' && c != 0x7f {
			continue
		}
		word(s[start:i])
		start = i + len(string(c))
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		b.WriteRune(c)
	}
	word(s[start:])
	return b.String()
}

// show quotes a name of an old file for a report, shortened.
func show(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
