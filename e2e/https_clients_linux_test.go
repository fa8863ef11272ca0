package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// version is an HTTP that clients speak over TLS.
type version struct {
	proto     string
	transport func(*tls.Config) http.RoundTripper
}

var versions = []version{
	{"HTTP/1.1", func(c *tls.Config) http.RoundTripper {
		return &http.Transport{TLSClientConfig: c, DisableCompression: true, DisableKeepAlives: true}
	}},
	{"HTTP/2.0", func(c *tls.Config) http.RoundTripper {
		return &http.Transport{TLSClientConfig: c, DisableCompression: true, ForceAttemptHTTP2: true}
	}},
	{"HTTP/3.0", func(c *tls.Config) http.RoundTripper {
		return &http3.Transport{TLSClientConfig: c, DisableCompression: true}
	}},
}

// client makes a client with connections of its own that trusts roots and shows
// certs. seen knows which HTTP the last answer came over.
func (v version) client(roots *x509.CertPool, certs ...*leaf) (*http.Client, *seenProto) {
	config := &tls.Config{RootCAs: roots}
	for _, l := range certs { // shown even to servers that do not know the issuer
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &l.tls, nil }
	}
	seen := &seenProto{next: v.transport(config)}
	return &http.Client{Transport: seen}, seen
}

// seenProto notes the HTTP version of answers.
type seenProto struct {
	next http.RoundTripper
	last atomic.Pointer[string]
}

// RoundTrip passes a request on.
func (s *seenProto) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err == nil {
		s.last.Store(&answer.Proto)
	}
	return answer, err
}

func (s *seenProto) proto() string {
	if p := s.last.Load(); p != nil {
		return *p
	}
	return "no answer"
}

// close ends the connections.
func (s *seenProto) close() {
	switch t := s.next.(type) {
	case *http.Transport:
		t.CloseIdleConnections()
	case *http3.Transport:
		_ = t.Close()
	}
}

// retried is how long a certificate may take: one that fails at the first try,
// as happens on a crowded machine, is tried again after a minute.
const retried = 150 * time.Second

// leaf waits until the gateway shows a good certificate for a name, and returns
// it.
func (h *https) leaf(t *testing.T, name string, certs ...tls.Certificate) *x509.Certificate {
	t.Helper()
	var last error
	for deadline := time.Now().Add(retried); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		c, err := tls.Dial("tcp", name+":443", &tls.Config{RootCAs: h.roots, Certificates: certs})
		if err == nil {
			defer c.Close()
			return c.ConnectionState().PeerCertificates[0]
		}
		last = err
	}
	t.Fatalf("no certificate for %s: %v\n%s", name, last, h.gw.Log())
	return nil
}

// issuer is an authority of a test, for what no ACME server signs.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// leaf is a certificate with its key.
type leaf struct {
	key *ecdsa.PrivateKey
	tls tls.Certificate
}

func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour * 60), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{certificate, key}
}

// issue signs a certificate for servers and clients alike. ocsp is the address
// of its OCSP responder, or empty.
func (i *issuer) issue(t *testing.T, name, ocsp string) *leaf {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour * 30), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ocsp != "" {
		template.OCSPServer = []string{ocsp}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	return &leaf{key, tls.Certificate{Certificate: [][]byte{der, i.certificate.Raw}, PrivateKey: key}}
}

// write puts the issuer's own certificate into a file.
func (i *issuer) write(t *testing.T, path string) {
	writePEM(t, path, "CERTIFICATE", i.certificate.Raw)
}

// write puts leaf.pem, with the chain, and key.pem into a directory.
func (l *leaf) write(t *testing.T, dir string) {
	writePEM(t, filepath.Join(dir, "leaf.pem"), "CERTIFICATE", l.tls.Certificate...)
	der, err := x509.MarshalPKCS8PrivateKey(l.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", der)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, path, kind string, blocks ...[]byte) {
	t.Helper()
	var data []byte
	for _, b := range blocks {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})...)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
