package handover

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TestPlain_WhatHoldsAnswersBackIsNotPlain names what a stream's end may not be
// written around.
func TestPlain_WhatHoldsAnswersBackIsNotPlain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		within := &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}
		buffers := caddyhttp.NewResponseRecorder(within, nil, func(int, http.Header) bool { return true })
		streams := caddyhttp.NewResponseRecorder(within, nil, nil)
		streams.WriteHeader(200)
		for _, c := range []struct {
			name string
			w    http.ResponseWriter
			want bool
		}{
			{"the server's own", w, true},
			{"within a wrapper", within, true},
			{"recorded while it is sent", streams, true},
			{"recorded to be sent later", buffers, false},
			{"by a writer nobody knows", struct{ http.ResponseWriter }{w}, false},
		} {
			if got := plain(c.w); got != c.want {
				t.Errorf("%s: plain is %t", c.name, got)
			}
		}
	}))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

func TestStreamed_OnlyChunkedStreamsOnConnectionsThatStay(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		change func(*http.Request)
		want   bool
	}{
		{"a stream", http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}, nil, true},
		{"JSON", http.Header{"Content-Type": {"application/json"}}, nil, false},
		{"a length", http.Header{"Content-Type": {"text/event-stream"}, "Content-Length": {"3"}}, nil, false},
		{"compressed", http.Header{"Content-Type": {"text/event-stream"}, "Content-Encoding": {"gzip"}}, nil, false},
		{"HTTP/1.0", http.Header{"Content-Type": {"text/event-stream"}}, func(r *http.Request) { r.ProtoMinor = 0 }, false},
		{"HTTP/2", http.Header{"Content-Type": {"text/event-stream"}}, func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, false},
		{"asked to close", http.Header{"Content-Type": {"text/event-stream"}}, func(r *http.Request) { r.Close = true }, false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
		for name, values := range c.header {
			w.Header()[name] = values
		}
		if c.change != nil {
			c.change(r)
		}
		if got := streamed(w, r); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}
