package upstream

import (
	"io"
	"net/http"
	"testing"
)

// endless is a provider whose answer always has another event.
type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: endless{}}, nil
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func (endless) Close() error { return nil }

var _ io.ReadCloser = endless{}

// BenchmarkAnswer_Read is what the timers cost an event: a read that brings it,
// and the word that it was no ping.
func BenchmarkAnswer_Read(b *testing.B) {
	for name, progress := range map[string]bool{"events": true, "pings": false} {
		b.Run(name, func(b *testing.B) {
			a, err := New(Timeouts{}, endless{}).Do(b.Context(), &Request{URL: somewhere})
			if err != nil {
				b.Fatal(err)
			}
			defer a.Close()
			a.Content()
			p := make([]byte, 256)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = a.Body.Read(p)
				if progress {
					a.Progress()
				}
			}
		})
	}
}
