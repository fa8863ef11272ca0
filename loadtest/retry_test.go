package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// failing is a RoundTripper that fails so often and then answers with what it was sent.
type failing struct {
	with  error
	times int
}

func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, _ := io.ReadAll(r.Body)
	if f.times--; f.times >= 0 {
		return nil, f.with
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(sent)))}, nil
}

func TestRetrier_SendsAgainWhatWasLostWithItsConnection(t *testing.T) {
	for _, test := range []struct {
		name  string
		with  error
		times int
		again int64
		fails bool
	}{
		{"never", nil, 0, 0, false},
		{"closed", io.EOF, 1, 1, false},
		{"reset", fmt.Errorf("dialling: %w", syscall.ECONNRESET), 1, 1, false},
		{"closed while idle", errors.New("http: server closed idle connection"), 1, 1, false},
		{"twice", io.EOF, 2, 2, false},
		{"for good", io.EOF, 3, 2, true},
		{"something else", errors.New("no route"), 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			fresh := int64(0)
			retry := &retrier{next: &failing{test.with, test.times}, fresh: func() { fresh++ }}
			target := traffic{size: 300}.target("http://provider.invalid", "m")
			request, err := target.Request()
			if err != nil {
				t.Fatal(err)
			}
			answer, err := retry.RoundTrip(request)
			if (err != nil) != test.fails || retry.count.Load() != test.again || fresh != test.again {
				t.Fatalf("%v, sent again %d times", err, retry.count.Load())
			}
			if err != nil {
				return
			}
			if got, _ := io.ReadAll(answer.Body); string(got) != string(target.Body) {
				t.Errorf("the second time it sends %q", got)
			}
		})
	}
}
