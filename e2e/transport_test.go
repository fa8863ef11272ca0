package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// trust returns the environment that makes the gateway's process trust the
// certificate of an upstream, and nothing else.
func trust(up *harness.Upstream) string {
	GinkgoHelper()
	c, err := tls.Dial("tcp", up.Listener.Addr(), &tls.Config{InsecureSkipVerify: true}) // only to learn the certificate
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	path := filepath.Join(GinkgoT().TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})
	Expect(os.WriteFile(path, block, 0o600)).To(Succeed())
	return "SSL_CERT_FILE=" + path
}

var _ = Describe("The fault matrix", func() {
	DescribeTable("a connection that does not come about moves to another target", func(number int, o simulator.ListenOptions) {
		up := harness.ListenUpstream(GinkgoT(), simulator.Options{Name: "bad"}, o)
		r := row{number: number, stream: ok, whole: ok, more: quick, untranslated: true}
		var env []string
		if o.TLS && !o.HangHandshake && o.MaxTLS == 0 && (o.Names != nil || !o.NotAfter.IsZero()) {
			env = append(env, trust(up))
		}
		r.verify(r.start(up.URL(), env...))
		Expect(up.Count()).To(BeZero(), "no key may go there")
	},
		Entry("5 certificate expired", 5, simulator.ListenOptions{TLS: true, NotAfter: time.Now().Add(-time.Hour)}),
		Entry("6 certificate of another name", 6, simulator.ListenOptions{TLS: true, Names: []string{"elsewhere.example"}}),
		Entry("6 unknown authority", 6, simulator.ListenOptions{TLS: true}),
		Entry("6 TLS 1.1", 6, simulator.ListenOptions{TLS: true, MaxTLS: tls.VersionTLS11}),
		Entry("7 TLS handshake hangs", 7, simulator.ListenOptions{TLS: true, HangHandshake: true}),
	)

	It("3 a closed port moves to another target", func() {
		r := row{number: 3, stream: ok, whole: ok}
		r.verify(r.start("http://" + harness.FreeAddr(GinkgoT())))
	})

	It("1 a name that does not resolve moves to another target", func() {
		r := row{number: 1, stream: ok, whole: ok, untranslated: true, more: quick}
		r.verify(r.start("http://no-such-host.invalid:80"))
	})

	DescribeTable("9 a kept connection that the provider closed is replaced without a trace", func(stream bool) {
		gw, up := one("simulator", simulator.Options{})
		for range 3 {
			up.Script(simulator.Selector{}, simulator.Fail("stale"))
			asks(gw, 2, harness.Ask{Stream: stream})
		}
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
	}, Entry("stream", true), Entry("not streamed", false))

	It("9 all kept connections may die at once", func() {
		gw, up := one("simulator", simulator.Options{})
		for range 3 {
			asks(gw, 2, harness.Ask{})
			up.Listener.CloseConnections()
		}
		asks(gw, 1, harness.Ask{Stream: true})
	})

	It("11 an HTTP/2 upstream may announce the end of its connection", func() {
		up := harness.ListenUpstream(GinkgoT(), simulator.Options{}, simulator.ListenOptions{TLS: true, HTTP2: true})
		gw := harness.Start(GinkgoT(), harness.Config{Env: []string{trust(up)}, Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		for range 3 {
			up.Script(simulator.Selector{}, simulator.Fail("goaway"))
			asks(gw, 2, harness.Ask{Stream: true})
		}
		Expect(up.Last(GinkgoT()).Proto).To(Equal("HTTP/2.0"))
	})

	It("13 a peer that vanishes in the middle of a stream is noticed", func() {
		up := harness.ListenUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 50, Tokens: 500}, simulator.ListenOptions{TLS: true, HTTP2: true})
		gw := harness.Start(GinkgoT(), harness.Config{More: "timeouts:\n  idle: 2s\n", Env: []string{trust(up)}, Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		s := gw.Open(GinkgoT(), harness.Ask{Stream: true})
		Expect(s.Words(3)).To(BeTrue())
		up.Listener.Freeze()
		DeferCleanup(up.Listener.Thaw)
		Expect(s.Finish().Outcome(0)).To(Equal(harness.EVT))
	})

	It("14 an HTTP/2 upstream that takes one request at a time gets more connections", func() {
		up := harness.ListenUpstream(GinkgoT(), simulator.Options{TTFT: 100 * time.Millisecond}, simulator.ListenOptions{TLS: true, HTTP2: true, MaxStreams: 1})
		gw := harness.Start(GinkgoT(), harness.Config{Env: []string{trust(up)}, Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		Expect(together(8, func() *harness.Answer { return gw.Ask(GinkgoT(), harness.Ask{Stream: true}) })).To(HaveEach(harness.OK))
	})
})

// together runs ask n times at once and returns the outcomes.
func together(n int, ask func() *harness.Answer) []harness.Outcome {
	out := make([]harness.Outcome, n)
	done := make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			out[i] = ask().Outcome(16)
		}()
	}
	for range n {
		<-done
	}
	return out
}
