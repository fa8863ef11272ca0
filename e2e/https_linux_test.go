package e2e

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// authorityEnv hands the binary with the certificate authority to the island.
const authorityEnv = "AIMUX_E2E_AUTHORITY"

var _ = Describe("Automatic HTTPS", func() {
	It("obtains, renews and keeps certificates, and serves every dialect over every HTTP", func() {
		authority := authorityBinary()
		if authority == "" {
			Skip("no binary here has Caddy's acme_server: make build makes one")
		}
		out, refused, err := harness.Island(GinkgoT(), "TestHTTPS_OnAnIsland", authorityEnv+"="+authority)
		if refused != nil {
			Skip("this machine gives a test no network of its own: " + refused.Error())
		}
		Expect(err).NotTo(HaveOccurred(), out)
		for line := range strings.Lines(out) {
			if _, figure, ok := strings.Cut(line, "figure: "); ok {
				AddReportEntry(strings.TrimSpace(figure))
			}
		}
	})
})

// authorityBinary finds a binary with an ACME server: the one under test, else
// the full build at its usual place.
func authorityBinary() string {
	tested, _ := harness.Binary()
	for _, path := range []string{tested, filepath.Join(harness.Root(), "bin", "aimux")} {
		if out, err := exec.Command(path, "list-modules").Output(); err == nil && strings.Contains(string(out), "http.handlers.acme_server") {
			return path
		}
	}
	return ""
}

// TestHTTPS_OnAnIsland is what the spec above runs in a network of its own,
// where ports 80, 443 and 53 are free.
func TestHTTPS_OnAnIsland(t *testing.T) {
	if !harness.OnIsland() {
		t.Skip("run by the spec Automatic HTTPS, in a network namespace")
	}
	h := newHTTPS(t)
	t.Run("a certificate is obtained from the authority", h.obtains)
	t.Run("every dialect is served over every HTTP", h.serves)
	t.Run("plain HTTP is redirected", h.redirects)
	t.Run("clients with a certificate are let in, others are not", h.demandsCertificates)
	t.Run("a dead OCSP responder stops nothing", h.livesWithoutOCSP)
	t.Run("a certificate is renewed while streams run", h.renews)
	t.Run("an authority that is down stops nothing", h.livesWithoutAuthority)
}

// https is a gateway with names, an authority that certifies them and an
// upstream, on an island.
type https struct {
	names     *harness.Names
	authority *authority
	gw        *harness.Gateway
	up        *harness.Upstream
	roots     *x509.CertPool
	friends   *issuer // whose certificates are let in at mutual.example.com
	stapled   *issuer // who names a dead OCSP responder
}

// Certificates live for six minutes, one of which is over when they are issued
// (the authority dates them back). A window of nine tenths therefore makes every
// look at them a renewal.
const httpsCaddyfile = `{
	aimux aimux.toon
	grace_period 3s
	skip_install_trust
	admin {$AIMUX_ADMIN}
	acme_ca https://ca.example.com:9443/acme/local/directory
	acme_ca_root {$ROOT}
	storage_clean_interval off
	renew_interval 2s
	renewal_window_ratio 0.9
}
{$AIMUX_SITE} {
	bind 127.0.0.1
	aimux
}
gateway.example.com {
	bind 127.0.0.1
	aimux
}
mutual.example.com {
	bind 127.0.0.1
	tls {$MUTUAL}/leaf.pem {$MUTUAL}/key.pem {
		client_auth {
			mode require_and_verify
			trust_pool file {$FRIENDS}
		}
	}
	aimux
}
stapled.example.com {
	bind 127.0.0.1
	tls {$STAPLED}/leaf.pem {$STAPLED}/key.pem
	aimux
}
`

func newHTTPS(t *testing.T) *https {
	harness.Settle(t)
	h := &https{names: harness.ServeNames(t, "127.0.0.1:53", "example.com")}
	h.authority = startAuthority(t)
	h.friends, h.stapled = newIssuer(t, "friends"), newIssuer(t, "stapled")
	dir := t.TempDir()
	h.friends.write(t, filepath.Join(dir, "friends.pem"))
	h.stapled.issue(t, "stapled.example.com", "http://127.0.0.1:9/ocsp").write(t, dir)
	mutual := t.TempDir() // one name alone is certified by ACME: the first two at once would make two accounts, and one may get stuck
	h.stapled.issue(t, "mutual.example.com", "").write(t, mutual)
	h.up = harness.NewUpstream(t, simulator.Options{Name: "one", MaxRecords: -1})
	h.gw = harness.Start(t, harness.Config{
		Caddyfile: httpsCaddyfile,
		Providers: []harness.Provider{h.up.As("one", "simulator", "k")},
		Env:       []string{"ROOT=" + h.authority.root(), "FRIENDS=" + filepath.Join(dir, "friends.pem"), "STAPLED=" + dir, "MUTUAL=" + mutual},
	})
	h.roots = x509.NewCertPool()
	pem, err := os.ReadFile(h.authority.root())
	if err != nil || !h.roots.AppendCertsFromPEM(pem) {
		t.Fatalf("the authority's root: %v", err)
	}
	h.roots.AddCert(h.stapled.certificate)
	return h
}

func (h *https) obtains(t *testing.T) {
	begun := time.Now()
	leaf := h.leaf(t, "gateway.example.com")
	if took := leaf.NotAfter.Sub(leaf.NotBefore); took > 7*time.Minute {
		t.Errorf("the certificate is for %s: it is not the authority's", took)
	}
	if h.names.Asked() == 0 {
		t.Error("nobody asked for the address of the name: the authority cannot have checked it")
	}
	t.Logf("figure: a certificate over ACME in %s after the start", time.Since(begun).Round(10*time.Millisecond))
}

func (h *https) serves(t *testing.T) {
	for _, v := range versions {
		for _, d := range harness.Dialects {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s stream=%v", v.proto, d, stream), func(t *testing.T) {
					client, seen := v.client(h.roots)
					a := harness.At("https://gateway.example.com", client).AskContext(t.Context(), harness.Ask{Dialect: d, Stream: stream})
					if got := a.Outcome(16); got != harness.OK {
						t.Fatalf("outcome %s: %v %s", got, a.Err, a.Body)
					}
					if seen.proto() != v.proto {
						t.Errorf("answered over %s", seen.proto())
					}
				})
			}
		}
	}
}

func (h *https) redirects(t *testing.T) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Get("http://gateway.example.com/v1/models?limit=2")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	NewWithT(t).Expect(r.StatusCode).To(Equal(http.StatusPermanentRedirect))
	NewWithT(t).Expect(r.Header.Get("Location")).To(Equal("https://gateway.example.com/v1/models?limit=2"))
}

func (h *https) demandsCertificates(t *testing.T) {
	h.leaf(t, "mutual.example.com", h.friends.issue(t, "somebody", "").tls)
	for _, c := range []struct {
		name  string
		certs []*leaf
		in    bool
	}{
		{"a friend's", []*leaf{h.friends.issue(t, "laptop", "")}, true},
		{"none", nil, false},
		{"a stranger's", []*leaf{newIssuer(t, "strangers").issue(t, "laptop", "")}, false},
	} {
		for _, v := range versions {
			t.Run(c.name+" "+v.proto, func(t *testing.T) {
				client, _ := v.client(h.roots, c.certs...)
				a := harness.At("https://mutual.example.com", client).AskContext(t.Context(), harness.Ask{Stream: true})
				if in := a.Outcome(16) == harness.OK; in != c.in {
					t.Errorf("let in: %v, want %v: %v", in, c.in, a.Err)
				}
				if !c.in && a.Status != 0 {
					t.Errorf("status %d, although the handshake had to fail", a.Status)
				}
			})
		}
	}
}

func (h *https) livesWithoutOCSP(t *testing.T) {
	if !regexp.MustCompile(`(?i)ocsp`).MatchString(h.gw.Log()) {
		t.Error("the gateway did not try the OCSP responder: nothing is tested here")
	}
	for _, v := range versions {
		client, _ := v.client(h.roots)
		if a := harness.At("https://stapled.example.com", client).AskContext(t.Context(), harness.Ask{Stream: true}); a.Outcome(16) != harness.OK {
			t.Errorf("%s: %s %v", v.proto, a.Outcome(16), a.Err)
		}
	}
}
