package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
)

// retrier sends a request again whose connection went away before anything came back. A server that ends closes its
// idle connections, and a request may just be on its way on one of them: no client of HTTP/1.1 is spared that, and the
// SDKs of the model providers do the same.
type retrier struct {
	next  http.RoundTripper
	fresh func() // makes it use new connections
	count atomic.Int64
}

// retries is how often one request is sent again; the SDKs do so twice.
const retries = 2

// RoundTrip sends a request, and again if need be.
func (t *retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	for n := 0; n < retries && err != nil && connectionLost(err) && r.GetBody != nil; n++ {
		body, failed := r.GetBody()
		if failed != nil {
			return nil, err
		}
		t.count.Add(1)
		t.fresh()
		again := r.Clone(r.Context())
		again.Body = body
		answer, err = t.next.RoundTrip(again)
	}
	return answer, err
}

// connectionLost says that a connection ended, or was not accepted any more. One of net/http's errors for that has no
// name outside of it.
func connectionLost(err error) bool {
	return strings.Contains(err.Error(), "server closed idle connection") || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
