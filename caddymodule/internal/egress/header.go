package egress

import (
	"net/http"
	"strings"
)

// requestNames are the fields of a client's request that a provider of the same
// dialect is sent, in lower case: what selects versions and betas, and what names
// the session. Everything else stays: credentials, cookies, organisations, what
// proxies add, what SDKs tell of the client's machine. An Idempotency-Key stays
// too: with one, net/http would send a request again by itself.
var requestNames = map[string]bool{
	"user-agent":          true,
	"openai-beta":         true,
	"originator":          true, // Codex
	"session-id":          true, // Codex
	"thread-id":           true, // Codex
	"x-app":               true, // Claude Code
	"x-client-request-id": true,
}

// requestFamilies are beginnings of such names: what their vendors' own clients
// send grows with every release.
var requestFamilies = [...]string{"anthropic-", "x-claude-code-", "x-codex-"}

// identity are words which, in a name of a family, mean that the field says who
// pays or proves who asks.
var identity = [...]string{"auth", "key", "token", "secret", "cookie", "credential", "password", "organization", "workspace", "account"}

// responseNames are the fields of a provider's answer that a client of the same
// dialect is sent, in lower case. No cookies, no organisation ids, no limits of
// keys that are not the client's, nothing about connections.
var responseNames = map[string]bool{
	"request-id":           true, // Anthropic
	"x-request-id":         true, // OpenAI and most others
	"openai-processing-ms": true,
	"openai-version":       true,
}

const (
	// maxName bounds, in bytes, the names that are looked at.
	maxName = 128
	// maxResponseValue bounds, in bytes, what a provider can make the gateway say.
	maxResponseValue = 256
)

// RequestHeaders puts into dst what of a client's request header src goes to a
// provider of the same dialect, and leaves the rest of dst as it is. The values
// are shared with src.
func RequestHeaders(dst, src http.Header) {
	for name, values := range src {
		if RequestHeader(name) && !hopByHop(src, name) {
			dst[name] = values
		}
	}
}

// ResponseHeaders puts into dst what of a provider's answer header src goes to a
// client of the same dialect.
func ResponseHeaders(dst, src http.Header) {
	for name, values := range src {
		if ResponseHeader(name) && len(values) == 1 && len(values[0]) <= maxResponseValue && !hopByHop(src, name) {
			dst[name] = values
		}
	}
}

// RequestHeader reports whether a client's field of that name goes to a provider.
// A name with an underscore never does: some servers read X_Api_Key as X-Api-Key.
func RequestHeader(name string) bool {
	var buf [maxName]byte
	folded, plain := fold(buf[:0], name)
	if !plain {
		return false
	}
	if requestNames[string(folded)] {
		return true
	}
	for _, family := range requestFamilies {
		if len(folded) > len(family) && string(folded[:len(family)]) == family {
			return !identifies(string(folded[len(family):]))
		}
	}
	return false
}

// ResponseHeader reports whether a provider's field of that name goes to a client.
func ResponseHeader(name string) bool {
	var buf [maxName]byte
	folded, plain := fold(buf[:0], name)
	return plain && responseNames[string(folded)]
}

// fold appends name in lower case to buf. plain says that it consists of letters,
// digits and hyphens and is not too long.
func fold(buf []byte, name string) (folded []byte, plain bool) {
	if len(name) > maxName {
		return nil, false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
		default:
			return nil, false
		}
		buf = append(buf, c)
	}
	return buf, true
}

func identifies(name string) bool {
	for _, word := range identity {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// hopByHop reports whether h's Connection fields list name: then it was meant for
// the gateway and nobody behind it. Underscores count as hyphens.
func hopByHop(h http.Header, name string) bool {
	for _, list := range h["Connection"] {
		for listed := range strings.SplitSeq(list, ",") {
			if sameName(strings.Trim(listed, " \t"), name) {
				return true
			}
		}
	}
	return false
}

func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if foldByte(a[i]) != foldByte(b[i]) {
			return false
		}
	}
	return true
}

func foldByte(c byte) byte {
	switch {
	case c == '_':
		return '-'
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}
