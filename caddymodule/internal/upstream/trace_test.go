package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
)

func TestTracer_PhaseGoesForwardUntilTheTransportBeginsAnew(t *testing.T) {
	var (
		get    = func(h *httptrace.ClientTrace) { h.GetConn("x:443") }
		shake  = func(h *httptrace.ClientTrace) { h.TLSHandshakeStart() }
		got    = func(h *httptrace.ClientTrace) { h.GotConn(httptrace.GotConnInfo{}) }
		wrote  = func(h *httptrace.ClientTrace) { h.WroteRequest(httptrace.WroteRequestInfo{}) }
		failed = func(h *httptrace.ClientTrace) { h.WroteRequest(httptrace.WroteRequestInfo{Err: io.ErrClosedPipe}) }
	)
	type hooks = []func(*httptrace.ClientTrace)
	for name, tc := range map[string]struct {
		calls hooks
		want  Phase
	}{
		"nothing":                              {nil, PhaseDial},
		"dialling":                             {hooks{get}, PhaseDial},
		"handshake":                            {hooks{get, shake}, PhaseTLS},
		"connection":                           {hooks{get, shake, got}, PhaseSend},
		"failed to write":                      {hooks{get, shake, got, failed}, PhaseSend},
		"sent":                                 {hooks{get, shake, got, wrote}, PhaseHeaders},
		"handshake nobody needs while sending": {hooks{get, got, shake}, PhaseSend},
		"handshake nobody needs after sending": {hooks{get, got, wrote, shake}, PhaseHeaders},
		"handshake nobody needs, then sent":    {hooks{get, got, shake, wrote}, PhaseHeaders},
		"kept connection was dead: dialling again":     {hooks{get, got, failed, get}, PhaseDial},
		"kept connection was dead: handshake":          {hooks{get, got, wrote, get, shake}, PhaseTLS},
		"kept connection was dead: sent on another":    {hooks{get, got, wrote, get, shake, got, wrote}, PhaseHeaders},
		"kept connection was dead: told of it late":    {hooks{get, got, get, wrote}, PhaseDial},
		"kept connection was dead: late, in handshake": {hooks{get, got, get, shake, wrote}, PhaseTLS},
	} {
		t.Run(name, func(t *testing.T) {
			var tracer tracer
			h := tracer.hooks()
			for _, call := range tc.calls {
				call(h)
			}
			if got := tracer.phase(); got != tc.want {
				t.Errorf("phase %s, want %s", got, tc.want)
			}
		})
	}
}

// noticed is a connection that says when it is first written to.
type noticed struct {
	net.Conn
	written func()
}

// Write says so and writes.
func (n noticed) Write(p []byte) (int, error) {
	n.written()
	return n.Conn.Write(p)
}

// A second request dials; the first one's connection becomes free before the
// dial is through, and carries it; then the dial's handshake begins, and then
// the provider hangs up.
func TestDo_HandshakeNobodyNeedsDoesNotHideThatTheRequestWasSent(t *testing.T) {
	dialling, finish, dial, shaking := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	var requests, dials atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) == 1 {
			w.(http.Flusher).Flush()
			<-finish
			return
		}
		close(dial)
		<-shaking
		panic(http.ErrAbortHandler)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that comes to nothing
	s.StartTLS()
	defer s.Close()
	c, err := NewGuarded(Timeouts{}, func(transport *http.Transport, d *net.Dialer) error {
		transport.TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				return d.DialContext(ctx, network, address)
			}
			close(dialling)
			<-dial
			conn, err := d.DialContext(context.WithoutCancel(ctx), network, address)
			return noticed{conn, sync.OnceFunc(func() { close(shaking) })}, err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := func() *Request {
		return &Request{URL: parse(t, s.URL), Header: http.Header{}, Body: opens("{}"), Length: 2}
	}
	first, err := c.Do(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		<-dialling
		close(finish)
		_, _ = io.Copy(io.Discard, first.Body)
		first.Close()
	}()
	_, err = c.Do(t.Context(), request())
	<-read
	var failed *Error
	if !errors.As(err, &failed) || failed.Phase != PhaseHeaders || !failed.Reused {
		t.Errorf("got %v, want phase %s on the kept connection", err, PhaseHeaders)
	}
}
