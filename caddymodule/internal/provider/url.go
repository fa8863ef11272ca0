package provider

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// URL returns the address of a call. The base URL may be written in any of
// the ways people copy it: with or without a slash at the end, with or without
// the version segment, or with the whole path of a call pasted. A query stays.
//
// The version segment /v1 is added if the base has none at all; a pasted path
// is believed as it stands. URL returns "" if the base is no absolute http
// address; ParseBase says why.
func (e Endpoint) URL(d llm.Dialect, call Call) string {
	b, err := ParseBase(e.BaseURL)
	if err != nil {
		return ""
	}
	return b.URL(d, call)
}

// Base is a base URL taken apart.
type Base struct {
	origin string // scheme://host[:port]
	path   string // without the path of a call and without a slash at the end
	query  string // with its question mark, or ""
	pasted bool   // a call's path was cut off, so path is complete
}

// ParseBase reads a base URL. The error says what is wrong with it and never
// repeats a password in it.
func ParseBase(s string) (Base, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Base{}, errors.New("no base URL")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return Base{}, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Hostname() == "":
		return Base{}, errors.New(`not an absolute URL: it has to begin with "https://" and a host`)
	case u.User != nil:
		return Base{}, errors.New("a URL with a user name or password in it; the key belongs into keys")
	case strings.Contains(u.Path, "/..") || strings.ContainsAny(u.Path, "\\\x00\r\n"):
		return Base{}, fmt.Errorf("a path that cannot be: %q", u.Path)
	}
	b := Base{origin: strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host), path: tidy(u.EscapedPath())}
	if u.RawQuery != "" {
		b.query = "?" + u.RawQuery
	}
	for _, call := range pastedPaths {
		if head, ok := cutSuffixFold(b.path, call); ok {
			b.path, b.pasted = tidy(head), true
			break
		}
	}
	return b, nil
}

// pastedPaths are the paths of calls, the longer first.
var pastedPaths = [...]string{
	"/chat/completions", "/messages/count_tokens", "/responses/input_tokens",
	"/completions", "/messages", "/responses", "/embeddings", "/models",
}

// Origin returns scheme, host and port: what a key is bound to.
func (b Base) Origin() string { return b.origin }

// Bare reports whether the base is a host and nothing else.
func (b Base) Bare() bool { return b.path == "" && b.query == "" && !b.pasted }

// URL returns the address of a call below the base.
func (b Base) URL(d llm.Dialect, call Call) string {
	return b.origin + b.versioned() + call.path(d) + b.query
}

// versioned returns the path with its version segment.
func (b Base) versioned() string {
	if b.pasted || hasVersion(b.path) {
		return b.path
	}
	return b.path + "/v1"
}

// hasVersion reports whether a segment of path names a version: v1, v4,
// v1beta.
func hasVersion(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if len(segment) >= 2 && len(segment) <= 8 && (segment[0] == 'v' || segment[0] == 'V') &&
			segment[1] >= '0' && segment[1] <= '9' {
			return true
		}
	}
	return false
}

// tidy removes doubled slashes and those at the end.
func tidy(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.TrimRight(path, "/")
}

func cutSuffixFold(s, suffix string) (string, bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}
