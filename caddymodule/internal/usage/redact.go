package usage

import (
	"bytes"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/failover"
)

// removed stands where something was taken out, as failover.Scrub writes it.
const removed = "[removed]"

// shortestKey is how long a word has to be to be looked at.
const shortestKey = 8

// redact returns text without the words that look like keys, tokens or
// addresses inside somebody's network, and without what stands behind
// "password:" or "Bearer". It takes JSON and plain text alike: text that
// escapes hide is found. It is a net, not a wall: what nothing tells from a
// usual word stays.
func redact(text []byte) []byte {
	out := make([]byte, 0, len(text))
	var l label
	for i := 0; i < len(text); {
		n := wordLen(text[i:])
		if n == 0 {
			l.gap(text[i])
			out = append(out, text[i])
			i++
			continue
		}
		word := text[i : i+n]
		if l.covers(word) {
			out = append(out, removed...)
			l = label{}
		} else {
			out = appendScrubbed(out, word, i > 0 && text[i-1] == '\\')
			l.word(word)
		}
		i += n
	}
	return out
}

// label is what the words before say of the next one.
type label struct {
	left  int  // how many bytes later a secret may still begin; 0: none is near
	sure  bool // a colon or an equals sign stood between
	token bool // the label was "Bearer", which needs neither
}

// gap takes note of a byte between words.
func (l *label) gap(c byte) {
	switch c {
	case ':', '=':
		l.sure = true
	case ' ', '\t', '"', '\'', '\\':
	default:
		l.left = 0
	}
	l.left = max(l.left-1, 0)
}

// word takes note of a word that was kept.
func (l *label) word(word []byte) {
	if !isLabel(word) {
		*l = label{}
		return
	}
	*l = label{left: 8, sure: l.left > 0 && l.sure, token: bytes.EqualFold(word, []byte("bearer"))}
}

// covers reports whether a word is what the label announced.
func (l *label) covers(word []byte) bool {
	if l.left == 0 || len(word) < 6 || isLabel(word) {
		return false
	}
	return l.sure || l.token && (len(word) >= 20 || bytes.ContainsAny(word, "0123456789"))
}

// appendScrubbed appends a word, or what Scrub leaves of it. Behind a
// backslash its first letter may belong to an escape: "\nsk-…".
func appendScrubbed(out, word []byte, escaped bool) []byte {
	if scrubbed, ok := scrub(word); ok {
		return append(out, scrubbed...)
	}
	if !escaped || len(word) == 0 {
		return append(out, word...)
	}
	skip := 1
	if word[0] == 'u' && len(word) > 5 {
		skip = 5 // \u000a
	}
	if scrubbed, ok := scrub(word[skip:]); ok {
		return append(append(out, word[:skip]...), scrubbed...)
	}
	return append(out, word...)
}

// scrub returns what failover.Scrub makes of a word; ok is false if nothing is
// to be taken out.
func scrub(word []byte) (scrubbed string, ok bool) {
	const window, step = 500, 400 // Scrub itself cuts texts to 600 bytes
	if len(word) < shortestKey {
		return "", false
	}
	if len(word) > window {
		for at := 0; at < len(word); at += step {
			part := string(word[at:min(at+window, len(word))])
			if failover.Scrub(part) != part {
				return removed, true
			}
		}
		return "", false
	}
	scrubbed = failover.Scrub(string(word))
	return scrubbed, scrubbed != string(word)
}

// wordLen returns how many bytes at the start of s a key could be made of.
func wordLen(s []byte) int {
	for i, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '*':
		default:
			return i
		}
	}
	return len(s)
}

// isLabel reports whether a secret usually follows the word.
func isLabel(word []byte) bool {
	if len(word) > len("proxy-authorization") {
		return false
	}
	switch string(bytes.ToLower(word)) {
	case "bearer", "basic", "authorization", "proxy-authorization", "x-api-key", "api-key", "api_key", "apikey",
		"password", "passwd", "secret", "client_secret", "access_token", "refresh_token", "auth_token", "private_key":
		return true
	}
	return false
}

// beginning returns at most n bytes of text. It does not end within a word,
// which could be half a key and not be recognised, nor within a rune.
func beginning(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	end := n
	for end > 0 && wordLen(text[end-1:end]) == 1 && wordLen(text[end:end+1]) == 1 {
		end--
	}
	if end == 0 {
		end = n // one word alone; it is judged by its beginning
	}
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
