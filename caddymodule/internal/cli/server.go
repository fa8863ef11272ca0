package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// defaultAdmin is where Caddy's admin endpoint is unless somebody moved it.
const defaultAdmin = "localhost:2019"

// connectWithin is how long a server on this machine may take to answer the
// telephone.
const connectWithin = 2 * time.Second

// server is the way to a server that runs, by its admin endpoint.
type server struct {
	network, address string // to dial
	host             string // as the Host header has it
	transport        *http.Transport
}

// newServer reads the address of an admin endpoint as a Caddyfile spells it:
// "localhost:2019", ":2019", "unix//run/aimux.sock".
func newServer(address string) (*server, error) {
	s := &server{network: "tcp"}
	if path, ok := strings.CutPrefix(address, "unix/"); ok {
		path, _, _ = strings.Cut(path, "|") // a file mode may follow
		s.network, s.address, s.host = "unix", path, "aimux"
	} else {
		address = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(address, "tcp/"), "http://"), "/")
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "" {
			return nil, usagef("the admin address %q: localhost:2019 or unix//run/aimux.sock is what belongs here", address)
		}
		switch host {
		case "", "0.0.0.0", "::":
			host = "localhost"
		}
		s.address = net.JoinHostPort(host, port)
		s.host = s.address
	}
	dialer := net.Dialer{Timeout: connectWithin}
	s.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, s.network, s.address)
		},
		DisableCompression: true,
	}
	return s, nil
}

// String names the server.
func (s *server) String() string { return "the server at " + s.address }

// Close ends the connection.
func (s *server) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// RoundTrip asks the server. An endpoint that enforces origins (enforce_origin)
// is told that the request comes from its own.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host, r.Host = "http", s.host, s.host
	r.URL.Path = "/aimux" + r.URL.Path
	if r.URL.RawPath != "" {
		r.URL.RawPath = "/aimux" + r.URL.RawPath
	}
	res, err := s.transport.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusForbidden && r.GetBody != nil {
		_ = res.Body.Close()
		again := r.Clone(r.Context())
		again.Header.Set("Origin", "http://"+s.host)
		if again.Body, err = r.GetBody(); err == nil {
			res, err = s.transport.RoundTrip(again)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", s, err)
	}
	return res, nil
}
