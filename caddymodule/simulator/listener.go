package simulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// ListenOptions say how a Listener listens.
type ListenOptions struct {
	// Addr is where, loopback. Default: 127.0.0.1:0, a free port.
	Addr string
	// TLS serves https with a certificate of its own, which Client and CertPool trust.
	TLS bool
	// Names are what the certificate is for. Default: 127.0.0.1, ::1 and localhost. Another name makes it the wrong one.
	Names []string
	// NotAfter is when the certificate ends. Default: a day from now. A past time makes it an expired one.
	NotAfter time.Time
	// HTTP2 offers HTTP/2 as well: over TLS, or without it for clients that know.
	HTTP2 bool
	// MaxTLS is the newest TLS version offered, such as tls.VersionTLS11. Default: what Go has.
	MaxTLS uint16
	// MaxStreams is how many requests an HTTP/2 connection carries at once. Default: what Go has.
	MaxStreams int
	// HangHandshake accepts connections and then says nothing, not even TLS.
	HangHandshake bool
}

// Listener serves a simulator on a real loopback socket, where connections can fail in real ways. It is safe for
// concurrent use.
type Listener struct {
	opts   ListenOptions
	server *http.Server
	cert   tls.Certificate
	pool   *x509.CertPool
	addr   string
	gate   gate

	mu    sync.Mutex
	open  net.Listener // nil while refusing
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// Start serves s until Close.
func Start(s *Server, o ListenOptions) (*Listener, error) {
	l := &Listener{opts: o, conns: make(map[net.Conn]struct{})}
	if o.TLS {
		var err error
		if l.cert, l.pool, err = certify(o); err != nil {
			return nil, fmt.Errorf("simulator: making a certificate: %w", err)
		}
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.HTTP2 && o.TLS)
	protocols.SetUnencryptedHTTP2(o.HTTP2 && !o.TLS)
	l.server = &http.Server{
		Handler: s, Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second,
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: o.MaxStreams},
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnState: l.track,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, underneath(c))
		},
	}
	if err := l.listen(or(o.Addr, "127.0.0.1:0")); err != nil {
		return nil, err
	}
	return l, nil
}

// listen opens the port and serves it.
func (l *Listener) listen(addr string) error {
	inner, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	l.mu.Lock()
	l.open, l.addr = inner, inner.Addr().String()
	l.mu.Unlock()
	l.wg.Go(func() { l.serve(faultyListener{inner, &l.gate}) })
	return nil
}

// serve runs until the port closes.
func (l *Listener) serve(inner net.Listener) {
	switch {
	case l.opts.HangHandshake:
		l.swallow(inner)
	case l.opts.TLS:
		l.server.Serve(tls.NewListener(inner, l.tlsConfig()))
	default:
		l.server.Serve(inner)
	}
}

func (l *Listener) tlsConfig() *tls.Config {
	protos := []string{"http/1.1"}
	if l.opts.HTTP2 {
		protos = []string{"h2", "http/1.1"}
	}
	c := &tls.Config{Certificates: []tls.Certificate{l.cert}, NextProtos: protos, MinVersion: tls.VersionTLS12}
	if most := l.opts.MaxTLS; most != 0 {
		c.MinVersion, c.MaxVersion = min(c.MinVersion, most), most // a server too old is what the client is to refuse
	}
	return c
}

// swallow accepts connections and leaves them alone.
func (l *Listener) swallow(inner net.Listener) {
	for {
		c, err := inner.Accept()
		if err != nil {
			return
		}
		l.track(c, http.StateNew)
	}
}

// track keeps the open connections, to close them.
func (l *Listener) track(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateNew:
		l.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(l.conns, c)
	}
}

// URL returns the base URL, without a path.
func (l *Listener) URL() string {
	scheme := "http://"
	if l.opts.TLS {
		scheme = "https://"
	}
	return scheme + l.Addr()
}

// Addr returns host and port.
func (l *Listener) Addr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr
}

// CertPool returns what a client has to trust, nil without TLS.
func (l *Listener) CertPool() *x509.CertPool { return l.pool }

// Client returns a client that trusts the listener and keeps no proxy, no compression and no redirect of its own.
func (l *Listener) Client() *http.Client {
	t := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100, ForceAttemptHTTP2: l.opts.HTTP2}
	if l.opts.TLS {
		t.TLSClientConfig = &tls.Config{RootCAs: l.pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Refuse closes the port: connections are refused from now on. Those that are open stay.
func (l *Listener) Refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil {
		l.open.Close()
		l.open = nil
	}
}

// Accept opens the same port again after Refuse.
func (l *Listener) Accept() error {
	l.mu.Lock()
	refusing, addr := l.open == nil, l.addr
	l.mu.Unlock()
	if !refusing {
		return nil
	}
	return l.listen(addr)
}

// CloseConnections closes every open connection, busy or idle, and the port stays open.
func (l *Listener) CloseConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Close()
	}
	clear(l.conns)
}

// Freeze makes every connection silent, as when the peer vanishes: nothing is read or written any more, and nothing is
// closed. New connections are accepted and silent as well.
func (l *Listener) Freeze() { l.gate.shut() }

// Thaw ends Freeze.
func (l *Listener) Thaw() { l.gate.open() }

// Close closes port and connections and waits for the server to end.
func (l *Listener) Close() error {
	l.Refuse()
	l.CloseConnections()
	err := l.server.Close()
	l.wg.Wait()
	return err
}
