// Package secret holds a piece of text that must not be shown: an API key, a
// password, a token.
//
// A [Text] prints as "[redacted]" wherever a value can be printed by accident:
// with every verb of fmt, in logs, in JSON, inside structs whose fields are
// not exported. The only way to the text is [Text.Reveal], which is easy to
// search for. A Text cannot be compared with ==, so that nobody compares
// secrets in a time that depends on them; [Text.Equal] takes the same time
// whatever the texts hold.
//
// Go promises no wiping of memory. What was revealed stays in memory until the
// garbage collector reuses it.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Text prints as.
const Redacted = "[redacted]"

// Text is a secret. The zero value holds nothing. It is safe for concurrent
// use, because it never changes.
type Text struct {
	_ [0]func() // not comparable
	// text is a pointer, because fmt prints the fields of structs by
	// reflection, without asking for a String method, when they are not
	// exported; it does not follow pointers there.
	text *string
}

// New returns a Text that holds s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{text: &s}
}

// Reveal returns the secret itself. The caller hands it to whoever needs it and
// to nobody else.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// Empty says whether t holds nothing.
func (t Text) Empty() bool { return t.text == nil }

// Len returns the length of the secret in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// Equal says whether both hold the same secret. The time it takes depends on
// the lengths alone.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// Last4 returns the last four bytes of a secret that is long enough to give
// them away, at least 16 bytes, and "" otherwise. People tell their keys apart
// by them.
func (t Text) Last4() string {
	s := t.Reveal()
	if len(s) < 16 {
		return ""
	}
	return s[len(s)-4:]
}

// String returns [Redacted].
func (Text) String() string { return Redacted }

// GoString returns [Redacted].
func (Text) GoString() string { return Redacted }

// Format writes [Redacted], whatever the verb and its flags.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns [Redacted].
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted].
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON returns [Redacted] as a JSON string.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// UnmarshalText takes a secret from a request or a form. It refuses the word
// that Marshal writes, so that nothing redacted is stored as if it were a key.
func (t *Text) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("this is the word that stands for a secret, not a secret")
	}
	*t = New(string(text))
	return nil
}
