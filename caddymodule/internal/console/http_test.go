package console_test

import (
	"net/http"
	"net/url"
	"testing"
)

func escape(s string) string { return url.PathEscape(s) }

func newRequest(t testing.TB, method, target, cookie string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Content-Type", "application/json")
	return r
}
