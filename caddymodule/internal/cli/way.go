package cli

import (
	"bytes"
	"io"
	"net/http"
)

// Way is a way to the console's API. Its requests have a path that begins with
// /api/ and no host.
type Way interface {
	http.RoundTripper
	// String says which way it is: "the server at localhost:2019".
	String() string
	// Close ends it.
	Close() error
}

// Within returns the way to an API in this process. end is called once, by
// Close.
func Within(api http.Handler, name string, end func() error) Way {
	return &within{api: api, name: name, end: end}
}

type within struct {
	api  http.Handler
	name string
	end  func() error
}

// String names the files.
func (w *within) String() string { return w.name }

// Close ends the API.
func (w *within) Close() error { return w.end() }

// RoundTrip lets the API answer.
func (w *within) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	r.Host = "aimux"
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	w.api.ServeHTTP(rec, r)
	return &http.Response{
		StatusCode: rec.status, Header: rec.header, Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
	wrote  bool
}

// Header returns the header of the answer.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader sets the status, once.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

// Write keeps a part of the body.
func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}
