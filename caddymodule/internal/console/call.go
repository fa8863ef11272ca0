package console

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// call is one request on its way through its route.
type call struct {
	c     *Console
	w     http.ResponseWriter
	r     *http.Request
	route *route
	names []string // of the path, in order
	ip    netip.Addr
	who   auth.Identity
	token string // of the session; empty for basic authentication
}

// Handlers return one of these instead of a plain value.
type (
	// created answers 201.
	created struct{ v any }
	// done answers 204.
	done struct{}
	// streamed means that the handler answered by itself.
	streamed struct{}
)

// from is the caller's address for the audit log; empty: it has none, as on a
// unix socket.
func (k *call) from() string {
	if !k.ip.IsValid() {
		return ""
	}
	return k.ip.String()
}

func (k *call) ctx() context.Context { return k.r.Context() }

// settled is the context of a change: once begun it is not given up because the
// caller went away.
func (k *call) settled() context.Context {
	return context.WithValue(context.WithoutCancel(k.r.Context()), actorKey{}, k.who.User)
}

type actorKey struct{}

// Actor returns who makes the change that a Backend is asked for in ctx; empty:
// not known.
func Actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

func (k *call) answer(v any) error {
	switch v := v.(type) {
	case streamed:
		return nil
	case done:
		k.w.WriteHeader(http.StatusNoContent)
		return nil
	case created:
		return writeJSON(k.w, http.StatusCreated, v.v)
	}
	return writeJSON(k.w, http.StatusOK, v)
}

// tag sets the version of what is answered.
func (k *call) tag(etag string) {
	if etag != "" {
		k.w.Header().Set("ETag", `"`+etag+`"`)
	}
}

// match returns the version the caller has seen, as it was given to tag. A
// change that needs one is refused without.
func (k *call) match() (string, error) {
	m := strings.TrimPrefix(strings.TrimSpace(k.r.Header.Get("If-Match")), "W/")
	if m == "" {
		return "", &Error{Status: http.StatusPreconditionFailed, Code: "stale", Message: "send the ETag of what you have seen as If-Match"}
	}
	if bare, ok := strings.CutPrefix(m, `"`); ok {
		m = strings.TrimSuffix(bare, `"`)
	}
	if len(m) > 200 || strings.ContainsAny(m, `",`) {
		return "", badRequest("If-Match takes one ETag")
	}
	return m, nil
}

// Bounds of lists.
const (
	defaultLimit = 100
	maxLimit     = 500
	maxCursor    = 1024
)

// limit reads the query's limit.
func (k *call) limit() (int, error) {
	s := k.r.URL.Query().Get("limit")
	if s == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxLimit {
		return 0, badParameter("limit", "a number from 1 to "+strconv.Itoa(maxLimit))
	}
	return n, nil
}

func (k *call) cursor() (string, error) {
	s := k.r.URL.Query().Get("cursor")
	if len(s) > maxCursor || !plain(s[:min(len(s), maxSegment)]) {
		return "", badParameter("cursor", "what an earlier answer gave as next")
	}
	return s, nil
}

// choice reads a parameter that takes one of a few words, the first of which is
// the default.
func (k *call) choice(name string, words ...string) (string, error) {
	s := k.r.URL.Query().Get(name)
	if s == "" {
		return words[0], nil
	}
	for _, w := range words {
		if s == w {
			return s, nil
		}
	}
	return "", badParameter(name, "one of "+strings.Join(words, ", "))
}

// text reads a parameter of free text.
func (k *call) text(name string) (string, error) {
	s := k.r.URL.Query().Get(name)
	if !plain(s) {
		return "", badParameter(name, "at most "+strconv.Itoa(maxSegment)+" bytes of text")
	}
	return s, nil
}

// moment reads a parameter that is a time in RFC 3339, or an age such as 30m,
// 24h or 7d. Absence is the zero time.
func (k *call) moment(name string) (time.Time, error) {
	s := k.r.URL.Query().Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Year() >= 1970 {
		return t, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 3660 {
			return k.c.o.Now().AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return k.c.o.Now().Add(-d), nil
	}
	return time.Time{}, badParameter(name, "a time in RFC 3339, or an age such as 30m, 24h or 7d")
}

func badParameter(name, want string) *Error {
	return badRequest("the parameter " + name + " takes " + want)
}
