package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// reads stands for the wrapper of Caddy's server that no other package can name.
type reads struct {
	*caddyhttp.ResponseWriterWrapper
}

func (reads) SetReadDeadline(time.Time) error { return nil }

func TestDirect_PassesByTheGuardUnlessItIsStricter(t *testing.T) {
	bottom := httptest.NewRecorder()
	over := func(w http.ResponseWriter, d caddyhttp.IdleDeadline) http.ResponseWriter {
		return &caddyhttp.IdleTimeoutWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, Deadline: d}
	}
	below := reads{&caddyhttp.ResponseWriterWrapper{ResponseWriter: bottom}}
	recorder := caddyhttp.NewResponseRecorder(over(bottom, caddyhttp.IdleDeadline{Timeout: time.Minute}), nil, nil)
	minute := caddyhttp.IdleDeadline{Timeout: time.Minute}
	for name, c := range map[string]struct {
		given http.ResponseWriter
		by    bool
	}{
		"as patient as the gateway":    {over(bottom, minute), true},
		"more patient":                 {over(bottom, caddyhttp.IdleDeadline{Timeout: time.Hour}), true},
		"above the guard of reads":     {over(below, minute), true},
		"less patient":                 {over(bottom, caddyhttp.IdleDeadline{Timeout: time.Second}), false},
		"asks for a rate":              {over(bottom, caddyhttp.IdleDeadline{Timeout: time.Minute, MinRate: 1}), false},
		"has an end of all writing":    {over(bottom, caddyhttp.IdleDeadline{Timeout: time.Minute, HardDeadline: time.Now()}), false},
		"another writer is in between": {recorder, false},
		"no guard":                     {below, false},
	} {
		want := c.given
		if c.by {
			want = bottom
		}
		if got := direct(time.Minute)(c.given); got != want {
			t.Errorf("%s: got %T, want %T", name, got, want)
		}
	}
}
