package simulator

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// RoundTripper returns a transport that hands requests to the simulator inside the process. Answers stream: a body can
// be read while it is written, and is written no faster than it is read. When the request's context ends or the body is
// closed, the simulator sees its client leave. Refused, Reset and the cuts give the errors a socket would.
func (s *Server) RoundTripper() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	inner := r.WithContext(ctx)
	inner.Host = or(r.Host, r.URL.Host)
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := &pipeWriter{request: r, cancel: cancel, begun: make(chan struct{}), header: make(http.Header), length: -1}
	w.reader, w.writer = io.Pipe()
	go w.serve(t.s, inner)
	select {
	case <-w.begun:
	case <-ctx.Done():
		w.writer.CloseWithError(context.Cause(ctx))
		return nil, context.Cause(ctx)
	}
	if w.failed != nil {
		cancel()
		return nil, w.failed
	}
	return w.response, nil
}

// pipeWriter is the response writer of one in-process request.
type pipeWriter struct {
	request *http.Request
	cancel  context.CancelFunc
	reader  *io.PipeReader
	writer  *io.PipeWriter

	header   http.Header
	once     sync.Once
	begun    chan struct{} // closed when response or failed is set
	response *http.Response
	failed   error
	length   int64 // Content-Length still to come; -1: open
	broken   error
}

// serve runs the handler and ends the body in the way the handler ended.
func (w *pipeWriter) serve(h http.Handler, r *http.Request) {
	defer func() {
		if e := recover(); e != nil && !errors.Is(asError(e), http.ErrAbortHandler) {
			panic(e)
		} else if e != nil {
			w.breakOff(CutFIN)
		}
		r.Body.Close()
		w.finish(context.Cause(r.Context()))
	}()
	h.ServeHTTP(w, r)
}

func asError(v any) error {
	err, _ := v.(error)
	return err
}

// finish ends the body; gone says why the client is gone, if it is.
func (w *pipeWriter) finish(gone error) {
	if w.broken == nil {
		w.WriteHeader(http.StatusOK)
		if w.length > 0 && w.request.Method != http.MethodHead {
			w.broken = io.ErrUnexpectedEOF
		}
		if gone != nil {
			w.broken = gone
		}
	}
	w.copyTrailers()
	w.writer.CloseWithError(w.broken) // nil means io.EOF
}

// copyTrailers fills in the announced trailers before the reader sees the end of the body.
func (w *pipeWriter) copyTrailers() {
	if w.response == nil {
		return
	}
	for name := range w.response.Trailer {
		w.response.Trailer[name] = w.header[name]
	}
}

// Header implements http.ResponseWriter.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader gives the response to the caller. Interim answers are not passed on.
func (w *pipeWriter) WriteHeader(status int) {
	if status < 200 {
		return
	}
	w.once.Do(func() {
		h := w.header.Clone()
		w.response = &http.Response{
			Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: h, Body: body{w}, ContentLength: -1, Request: w.request,
		}
		if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			w.length, w.response.ContentLength = n, n
		}
		if names := h["Trailer"]; names != nil {
			w.response.Trailer = make(http.Header)
			for _, name := range names {
				w.response.Trailer[http.CanonicalHeaderKey(name)] = nil
			}
			h.Del("Trailer")
		}
		close(w.begun)
	})
}

// Write implements io.Writer; it blocks until the bytes are read.
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.length >= 0 {
		w.length -= int64(len(b))
	}
	return w.writer.Write(b)
}

// Flush implements http.Flusher.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// breakOff ends the answer as a broken connection would.
func (w *pipeWriter) breakOff(kind Kind) {
	switch kind {
	case Refused:
		w.broken = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case Close, CutFIN:
		w.broken = io.ErrUnexpectedEOF
	default:
		w.broken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	w.once.Do(func() {
		w.failed = w.broken
		if kind == Close {
			w.failed = io.EOF
		}
		close(w.begun)
	})
}

// body is the response body; closing it tells the simulator that the client left.
type body struct{ w *pipeWriter }

func (b body) Read(p []byte) (int, error) {
	n, err := b.w.reader.Read(p)
	if ctx := b.w.request.Context(); err != nil && err != io.EOF && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return n, err
}

func (b body) Close() error {
	b.w.cancel()
	return b.w.reader.Close()
}

var (
	_ http.Flusher = (*pipeWriter)(nil)
	_ breakable    = (*pipeWriter)(nil)
)
