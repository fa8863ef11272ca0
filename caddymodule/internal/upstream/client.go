// Package upstream sends one request to one provider and watches over the
// answer: one transport per provider, connections kept and reused, no
// redirects, no retries of its own, and four timers (connect, first event,
// idle, total) that end an exchange with an error that says which of them ran
// out.
//
// What an answer means, and what to try next, is for others to decide.
package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Timeouts bound the phases of one attempt. A zero field takes its default.
type Timeouts struct {
	Connect    time.Duration // dial, name look-up included. Default: 5s
	TLS        time.Duration // handshake. Default: 5s
	FirstEvent time.Duration // from sending until content arrives. Default: 60s
	Idle       time.Duration // of a read that waits, once content flows. Default: 60s
	NoProgress time.Duration // of reads that bring pings only, no content. Default: 5m
	Total      time.Duration // the whole attempt. Default: 30m
}

// WithDefaults returns t with its zero fields filled.
func (t Timeouts) WithDefaults() Timeouts {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Connect, 5 * time.Second}, {&t.TLS, 5 * time.Second}, {&t.FirstEvent, time.Minute},
		{&t.Idle, time.Minute}, {&t.NoProgress, 5 * time.Minute}, {&t.Total, 30 * time.Minute},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}

// maxHeaderBytes bounds an answer's header (reliability row 19).
const maxHeaderBytes = 64 << 10

// idleConnections is how many idle connections to a provider are kept. The
// default of net/http, 2, doubles the cost of a request under load.
const idleConnections = 256

// keptIdle is how many connections may have been opened since the last Relax
// for it to leave them be.
const keptIdle = 16

// Client sends requests to one provider. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	timeouts  Timeouts
	opened    atomic.Int64 // connections since the last Relax
}

// New returns a client that owns a transport with its own connection pool, or
// that uses transport if it is not nil (the built-in simulator).
func New(timeouts Timeouts, transport http.RoundTripper) *Client {
	c := &Client{transport: transport, timeouts: timeouts.WithDefaults()}
	if transport == nil {
		c.transport = newPool(connectionAge, func() *http.Transport { return newTransport(c.timeouts) })
	}
	return c
}

// NewGuarded returns a client that owns a transport, after guard has changed it
// and what it dials with: which addresses may be reached, which certificates
// are trusted, through which proxy.
func NewGuarded(timeouts Timeouts, guard func(*http.Transport, *net.Dialer) error) (*Client, error) {
	transport, dialer := transportOf(timeouts.WithDefaults())
	if err := guard(transport, dialer); err != nil {
		return nil, err
	}
	return New(timeouts, newPool(connectionAge, transport.Clone)), nil
}

func newTransport(t Timeouts) *http.Transport {
	transport, _ := transportOf(t)
	return transport
}

func transportOf(t Timeouts) (*http.Transport, *net.Dialer) {
	dialer := &net.Dialer{Timeout: t.Connect, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    t.TLS,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 15 * time.Second, // a peer that vanished is found in 20 s (row 13)
			PingTimeout:     5 * time.Second,
		},
	}, dialer
}

// Close closes idle connections. Requests under way are not harmed.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Relax is for when traffic has ended: if many connections were opened for it,
// those that are idle now are closed, since each holds some 30 KB here. Where
// they are few they stay, so that whoever comes back need not wait for a
// handshake.
func (c *Client) Relax() {
	if c.opened.Swap(0) > keptIdle {
		c.Close()
	}
}

// Request is one attempt.
type Request struct {
	Method string // default POST
	URL    *url.URL
	Header http.Header // owned by the client from here on
	// Body opens the body, from its beginning each time: an HTTP/2 upstream
	// that turned a stream away before it read anything is asked again on
	// another connection. Each reader is closed when it will not be read any
	// more, which may be after Do. nil: no body.
	Body   func() io.ReadCloser
	Length int64
	// Drains says that Drain may be called on the answer.
	Drains bool
}

// Answer is a provider's answer whose body is still to be read. Close it.
type Answer struct {
	Status int
	Header http.Header
	Body   io.Reader
	// Reused says the connection had carried an earlier request.
	Reused bool
	// What each read touches stands together.
	body  io.ReadCloser
	watch watch
}

// Do sends r and returns when the answer's header is in. The error, here and
// from reading the body, is a *TimeoutError, the context's, or the
// transport's; wrapped in *Error, which says how far the attempt got.
func (c *Client) Do(ctx context.Context, r *Request) (*Answer, error) {
	a := &Answer{}
	a.Body = (*reader)(a)
	a.watch.begin(ctx, c.timeouts, r.Drains)
	trace := &tracer{}
	req := newRequest(httptrace.WithClientTrace(a.watch.ctx, trace.hooks()), r)
	resp, err := c.transport.RoundTrip(req)
	a.Reused = trace.wasReused()
	if !a.Reused {
		c.opened.Add(1)
	}
	if err != nil {
		if a.Reused && a.watch.ctx.Err() == nil {
			c.Close() // what ended a kept connection has ended others: whoever asks again gets a new one
		}
		err = a.watch.cause(err)
		a.watch.stop()
		return nil, &Error{Phase: trace.phase(), Reused: a.Reused, Err: err}
	}
	a.Status, a.Header, a.body = resp.StatusCode, resp.Header, resp.Body
	return a, nil
}

func newRequest(ctx context.Context, r *Request) *http.Request {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	req := (&http.Request{
		Method: method, URL: r.URL, Host: r.URL.Host, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if r.Body == nil || r.Length == 0 {
		return req
	}
	req.ContentLength = r.Length
	req.Body = r.Body()
	req.GetBody = func() (io.ReadCloser, error) { return r.Body(), nil }
	return req
}

// Content tells the timers that the first content arrived: the first-event
// timer ends, the idle timer begins.
func (a *Answer) Content() { a.watch.content() }

// Progress tells the timers that something other than a ping arrived. It is for
// the goroutine that reads.
func (a *Answer) Progress() { a.watch.progress() }

// drainTime is how long a provider may hold a connection open after the last
// event before it is dropped (reliability row 67).
const drainTime = time.Second

// Drain is Close for an answer that has been read up to its last event: so that
// the connection can be used again, what is left is read for up to a second,
// without keeping the caller. The client's context does not count any more, if
// the request said that it Drains.
func (a *Answer) Drain() {
	a.watch.drain(drainTime)
	go func() {
		defer a.Close()
		_, _ = io.CopyN(io.Discard, a.body, maxDrain)
	}()
}

// maxDrain bounds what is read of an answer nobody waits for.
const maxDrain = 64 << 10

// Close ends the attempt: timers stop and an answer not read to its end is
// cancelled at the provider.
func (a *Answer) Close() error {
	err := a.body.Close()
	a.watch.stop()
	return err
}

// reader reads an answer's body, feeding the idle timer.
type reader Answer

// Read reads from the body.
func (r *reader) Read(p []byte) (int, error) {
	r.watch.reading()
	n, err := r.body.Read(p)
	r.watch.read()
	if err != nil && err != io.EOF {
		err = &Error{Phase: PhaseBody, Reused: r.Reused, Err: r.watch.cause(err)}
	}
	return n, err
}
