package schema

import (
	"strings"
	"unicode"
)

// secretPrefixes begin the keys vendors hand out; see the key shapes of the
// providers' own documentation.
var secretPrefixes = []string{
	"sk-", "sk_", "csk-", "syn_", "gsk_", "eyJ", "xai-", "AIza", "pk_", "rk_", "xoxb-", "xoxp-",
	"ghp_", "gho_", "ghu_", "github_pat_", "hf_", "nvapi-", "amx_", "Bearer ", "bearer ", "Basic ",
}

// hasSecretShape says whether text is built like the keys of a known vendor.
func hasSecretShape(text string) bool {
	for _, p := range secretPrefixes {
		if strings.HasPrefix(text, p) && len(text) >= len(p)+6 {
			return true
		}
	}
	// Z.AI: 32 hexadecimal digits, a dot, 16 letters and digits.
	id, rest, ok := strings.Cut(text, ".")
	return ok && len(id) == 32 && len(rest) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}

// looksSecret says whether text may be a secret. It errs on the side of yes: a
// yes only keeps the text out of a message or asks for a reference instead.
func looksSecret(text string) bool {
	if hasSecretShape(text) {
		return true
	}
	if strings.ContainsAny(text, " /\\") {
		return false
	}
	letters, digits, words := 0, 0, 1
	for _, c := range text {
		switch {
		case unicode.IsLetter(c):
			letters++
		case unicode.IsDigit(c):
			digits++
		case c == '_' || c == '-' || c == '.':
			words++
		}
	}
	n := letters + digits
	return n >= 24 && digits >= 4 && letters >= 4 && n/words >= 12
}

// scrub returns text with everything in it that may be a secret blotted out.
func scrub(text string) string {
	var b strings.Builder
	flush := func(word string) {
		if looksSecret(word) {
			word = "[redacted]"
		}
		b.WriteString(word)
	}
	start := 0
	for i, c := range text {
		if strings.ContainsRune(" \t\r\n,;\"'`{}[]()=|", c) {
			flush(text[start:i])
			b.WriteRune(c)
			start = i + len(string(c))
		}
	}
	flush(text[start:])
	return b.String()
}
