package failover

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// maxMessage is how many bytes of a message are kept. Vendors echo prompts in
// some errors; the beginning is what a person needs.
const maxMessage = 600

// removed stands where something was taken out.
const removed = "[removed]"

// Scrub returns a vendor's message without what must not travel: keys, tokens,
// organisation ids, addresses of internal hosts, control characters; at most
// 600 bytes of it.
func Scrub(s string) string {
	s = clip(s, 4*maxMessage) // cut again below: a key cut in half is not recognised
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		n := wordEnd(s[i:])
		if n == 0 {
			b.WriteByte(printable(s[i]))
			i++
			continue
		}
		core := strings.TrimRight(s[i:i+n], ".")
		switch {
		case secret(core):
			b.WriteString(removed)
			i += len(core)
		case internalHost(core):
			b.WriteString(removed)
			i += len(core)
			i += portEnd(s[i:])
		default:
			b.WriteString(core)
			i += len(core)
		}
		dots := n - len(core)
		if len(core) == 0 || strings.HasPrefix(s[i:], ".") {
			b.WriteString(s[i:min(i+dots, len(s))])
			i = min(i+dots, len(s))
		}
	}
	return clip(b.String(), maxMessage)
}

// label is a vendor's machine-readable word, scrubbed and short.
func label(s string) string { return clip(Scrub(s), 100) }

// portEnd returns the length of a port, with its colon, at the start of s.
func portEnd(s string) int {
	if len(s) == 0 || s[0] != ':' {
		return 0
	}
	n := 1
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// clip cuts s to at most n bytes at the boundary of a rune.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// wordEnd returns how many bytes at the start of s a key could be made of.
func wordEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '*'
		if !word {
			return i
		}
	}
	return len(s)
}

func printable(c byte) byte {
	if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
		return ' '
	}
	return c
}

// secretPrefixes begin keys, tokens and account ids of the vendors.
var secretPrefixes = [...]string{
	"sk-", "sk_", "csk-", "gsk_", "syn_", "AIza", "xai-", "r8_", "hf_", "pplx-", "org-", "org_", "proj_", "eyJ",
}

// secretMarks give a key away wherever in a word they stand: something may be
// glued to its front.
var secretMarks = [...]string{"sk-proj-", "sk-ant-", "sk-or-", "sk-kimi-", "csk-", "gsk_", "AIzaSy", "eyJhbGci"}

// secret reports whether a word looks like a key, whole or partly masked.
func secret(w string) bool {
	if len(w) < 8 {
		return false
	}
	for _, p := range secretPrefixes {
		rest, ok := strings.CutPrefix(w, p)
		if ok && (strings.Contains(rest, "*") || len(rest) >= 8 && strings.ContainsAny(rest, "0123456789")) {
			return true
		}
	}
	for _, p := range secretMarks {
		if _, rest, ok := strings.Cut(w, p); ok && len(rest) >= 8 {
			return true
		}
	}
	return dottedKey(w) || longRandom(w)
}

// dottedKey recognises Z.AI's form: 32 hexadecimal digits, a dot, a secret.
func dottedKey(w string) bool {
	id, rest, ok := strings.Cut(w, ".")
	return ok && len(id) == 32 && len(rest) >= 12 && strings.Trim(id, "0123456789abcdef") == ""
}

// longRandom recognises opaque tokens: 40 and more letters and digits mixed.
// Request ids of the vendors are shorter.
func longRandom(w string) bool {
	if len(w) < 40 {
		return false
	}
	letters, digits := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters++
		}
	}
	return digits >= 6 && letters >= 6
}

// internalHost recognises addresses inside somebody's network.
func internalHost(w string) bool {
	if strings.Count(w, ".") == 3 {
		if addr, err := netip.ParseAddr(w); err == nil {
			return addr.Is4()
		}
	}
	for _, suffix := range [...]string{".internal", ".local", ".svc", ".lan", ".corp"} {
		if strings.HasSuffix(w, suffix) {
			return true
		}
	}
	return false
}
