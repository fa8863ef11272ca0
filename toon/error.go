package toon

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where a document breaks a rule, which one, and what to write
// instead. Line and Column count from 1, columns in runes.
type SyntaxError struct {
	Line, Column int
	Msg          string
	Excerpt      string // the offending text, shortened, long words masked
	Hint         string // may be empty
}

// Error returns `line:col: msg (near "…"): hint`.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d: %s", e.Line, e.Column, e.Msg)
	if e.Excerpt != "" {
		fmt.Fprintf(&b, " (near %q)", e.Excerpt)
	}
	if e.Hint != "" {
		b.WriteString(": ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Warning is about something legal, or allowed by an option, that its author
// probably did not mean. Line and Column count from 1, columns in runes.
type Warning struct {
	Line, Column int
	Msg, Hint    string
}

// String returns `line:col: msg: hint`.
func (w Warning) String() string {
	if w.Hint == "" {
		return fmt.Sprintf("%d:%d: %s", w.Line, w.Column, w.Msg)
	}
	return fmt.Sprintf("%d:%d: %s: %s", w.Line, w.Column, w.Msg, w.Hint)
}

// Position is a place in a document. Line and Column count from 1, columns in
// runes.
type Position struct{ Line, Column int }

// positionAt converts a byte offset.
func positionAt(src string, off int) Position {
	off = min(off, len(src))
	line := 1 + strings.Count(src[:off], "\n")
	start := strings.LastIndexByte(src[:off], '\n') + 1
	if start == 0 && strings.HasPrefix(src[:off], byteOrderMark) {
		start = len(byteOrderMark) // no editor shows it
	}
	return Position{Line: line, Column: 1 + utf8.RuneCountInString(src[start:off])}
}

// written returns the span of a token in the source, its quotes included.
func written(src string, tok token) (at, end int) {
	at, end = int(tok.off), int(tok.off)
	switch tok.class() {
	case classString, classEscaped:
		end += tok.size()
		if at > 0 && src[at-1] == '"' {
			return at - 1, min(end+1, len(src))
		}
	}
	return at, end
}

const (
	excerptRunes = 40
	// longWord is the length from which a word in an excerpt is masked: a
	// key pasted into a broken line must not reach a log.
	longWord  = 20
	wordShown = 4
)

// excerpt shortens offending text for a message.
func excerpt(s string) string {
	var b strings.Builder
	for n := 0; s != ""; n++ {
		if word := wordEnd(s); word > longWord {
			b.WriteString(s[:wordShown])
			b.WriteString("…")
			s = s[word:]
			n += wordShown
			continue
		} else if word > 0 && n+word <= excerptRunes {
			b.WriteString(s[:word])
			s = s[word:]
			n += word - 1
			continue
		}
		if n >= excerptRunes {
			b.WriteString("…")
			break
		}
		_, size := utf8.DecodeRuneInString(s)
		b.WriteString(s[:size])
		s = s[size:]
	}
	return b.String()
}

// plural returns a number with the noun it counts.
func plural(digits, noun string) string {
	switch {
	case digits == "1":
		return digits + " " + noun
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return excerpt(digits) + " " + noun + "s"
}

// wordEnd returns the length of the run of characters keys and tokens are made
// of that s begins with.
func wordEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		if c|0x20-'a' >= 26 && c-'0' > 9 && !strings.ContainsRune("_-.+=", rune(c)) {
			return i
		}
	}
	return len(s)
}
