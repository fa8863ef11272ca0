package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// serveSecure is the process of a provider with TLS and HTTP/2, as real ones are.
func serveSecure(in io.Reader, out io.Writer) error {
	listener, err := simulator.Start(simulator.New(simulator.Options{MaxRecords: -1}), simulator.ListenOptions{TLS: true, HTTP2: true})
	if err != nil {
		return err
	}
	defer listener.Close()
	if _, err := fmt.Fprintln(out, listener.URL()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// secured runs a comparison with such a provider: everything between it and the client trusts its certificate and may
// use HTTP/2, as may the client that asks it directly.
func (c comparison) secured(ctx context.Context, r *rig) (*Result, error) {
	p, _, err := r.startRole(r.others, "-role", secureRole)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	there := *r
	there.upstream, there.origins = p, slices.Repeat([]string{p.url}, origins)
	there.ca = filepath.Join(r.dir, fmt.Sprintf("ca-%d.pem", logs.Add(1)))
	if err := saveCertificate(ctx, strings.TrimPrefix(p.url, "https://"), there.ca); err != nil {
		return nil, err
	}
	if there.trust, err = readPool(there.ca); err != nil {
		return nil, err
	}
	return c.run(ctx, &there)
}

// saveCertificate writes the certificate of the server at a loopback address, which it signed itself, to a file.
func saveCertificate(ctx context.Context, address, file string) error {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("asking for the provider's certificate: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	state := conn.(*tls.Conn).ConnectionState()
	if state.NegotiatedProtocol != "h2" || len(state.PeerCertificates) == 0 {
		return errors.New("the provider does not offer HTTP/2")
	}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: state.PeerCertificates[0].Raw}
	return os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
}

// readPool returns the certificates in a file.
func readPool(file string) (*x509.CertPool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: no certificates", file)
	}
	return pool, nil
}
