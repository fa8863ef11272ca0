package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// leading starts a gateway whose only provider is at an address, with more of
// its row.
func leading(url string, more ...string) *harness.Gateway {
	GinkgoHelper()
	p := harness.Provider{Name: "one", Kind: "openai-compatible", URL: url, Keys: []string{"egress-key"}, More: more}
	return harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}, More: "timeouts:\n  connect: 2s\n  first_event: 3s\n"})
}

// forward is an HTTP proxy without CONNECT: it notes what it is asked for and
// lets a simulator answer.
type forward struct {
	*httptest.Server
	mu   sync.Mutex
	urls []string
}

func newForward() *forward {
	f := new(forward)
	sim := simulator.New(simulator.Options{})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.urls = append(f.urls, r.Method+" "+r.RequestURI)
		f.mu.Unlock()
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		sim.ServeHTTP(w, r)
	}))
	DeferCleanup(f.Close)
	return f
}

func (f *forward) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.urls...)
}

// pemOf writes the certificate of an upstream into a file.
func pemOf(up *harness.Upstream) string {
	GinkgoHelper()
	c, err := tls.Dial("tcp", up.Listener.Addr(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) // only to learn the certificate
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	path := filepath.Join(GinkgoT().TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})
	Expect(os.WriteFile(path, block, 0o600)).To(Succeed())
	return path
}

var _ = Describe("What leaves the gateway", func() {
	DescribeTable("goes to no address that no provider may be at, whatever its row allows", func(host string, more ...string) {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		_, port, _ := net.SplitHostPort(up.Listener.Addr())
		gw := leading("https://"+net.JoinHostPort(strings.Trim(host, "[]"), port), append(more, "allow_private: true")[:1]...)
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Status).To(BeElementOf(502, 503, 504), "%s", a.Body)
		Eventually(gw.Log).Should(ContainSubstring("not dialled"))
		Expect(string(a.Body)).NotTo(ContainSubstring(strings.Trim(host, "[]")), "where it would have gone is not the client's affair")
		Expect(up.Count()).To(BeZero())
	},
		Entry("no address in particular", "0.0.0.0"), Entry("the same of IPv6", "[::]"), Entry("many at once", "224.0.0.1"),
		Entry("where clouds hand out credentials", "169.254.169.254"), Entry("there, in IPv6", "[fd00:ec2::254]"),
		Entry("this machine behind a NAT64", "[64:ff9b::7f00:1]"), Entry("this machine by 6to4", "[2002:7f00:1::]"), Entry("this machine as IPv4-compatible", "[::127.0.0.1]"),
		Entry("a carrier's network, without leave", "100.64.0.1", "allow_private: false"),
	)

	DescribeTable("goes to no address of a private network that its row does not allow", func(host string) {
		p := harness.Provider{Name: "one", Kind: "openai-compatible", URL: "http://" + host + ":80", Keys: []string{"egress-key"}}
		_, err := harness.TryStart(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		Expect(err).To(MatchError(ContainSubstring("allow_private")))
	},
		Entry(nil, "10.1.2.3"), Entry(nil, "192.168.1.1"), Entry(nil, "172.16.0.1"), Entry(nil, "[fd12::1]"), Entry(nil, "169.254.1.1"),
		Entry(nil, "169.254.169.254"), Entry(nil, "[::ffff:10.1.2.3]"),
	)

	It("goes to no address of this machine that a name leads to", func() {
		name, err := os.Hostname()
		Expect(err).NotTo(HaveOccurred())
		addresses, err := net.LookupHost(name)
		if err != nil || len(addresses) == 0 || net.ParseIP(addresses[0]).IsGlobalUnicast() && !net.ParseIP(addresses[0]).IsPrivate() {
			Skip("this machine has no name that leads to an address of its own")
		}
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		_, port, _ := net.SplitHostPort(up.Listener.Addr())
		gw := leading("http://" + name + ":" + port)
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(502, 503))
		Eventually(gw.Log).Should(ContainSubstring("not dialled"))
		Expect(up.Count()).To(BeZero())
	})

	DescribeTable("has an address that everybody reads alike, or aimux does not start", func(url string) {
		p := harness.Provider{Name: "one", Kind: "openai-compatible", URL: url, Keys: []string{"egress-key"}}
		_, err := harness.TryStart(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		Expect(err).To(MatchError(ContainSubstring("base_url")))
		Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
	},
		Entry("a number", "http://2130706433/"), Entry("hexadecimal", "http://0x7f.0.0.1/"), Entry("octal", "http://0177.0.0.1/"), Entry("short", "http://127.1/"),
		Entry("with a password", "https://user:hunter2@example.com/"), Entry("with a zone", "http://[fe80::1%25eth0]/"), Entry("a file", "file:///etc/passwd"),
		Entry("a backslash", `https://example.com\@127.0.0.1/`), Entry("a fragment", "https://example.com/#x"), Entry("another scheme", "gopher://example.com/"),
	)

	It("may go to this machine if the row names it, in each of its own spellings", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		_, port, _ := net.SplitHostPort(up.Listener.Addr())
		for i, host := range []string{"127.0.0.1", "localhost", "LOCALHOST"} {
			Expect(leading("http://"+host+":"+port).Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK), host)
			Expect(up.Count()).To(Equal(i + 1))
		}
	})

	DescribeTable("is not sent on where a provider points", func(status int) {
		thief := harness.NewUpstream(GinkgoT(), simulator.Options{})
		for _, d := range harness.Dialects {
			gw, up := one("simulator", simulator.Options{})
			up.Script(simulator.Selector{}, simulator.Fail(fmt.Sprintf("%d;location=%s/v1/chat/completions", status, thief.URL())))
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d})
			Expect(a.Status).To(BeNumerically(">=", 500), "%s", a.Body)
			Expect(a.Header).NotTo(HaveKey("Location"))
		}
		Expect(thief.Count()).To(BeZero(), "neither key nor prompt may go there")
	}, Entry(nil, 301), Entry(nil, 302), Entry(nil, 303), Entry(nil, 307), Entry(nil, 308))

	It("takes no proxy from the environment", func() {
		proxy := newForward()
		p := harness.Provider{Name: "one", Kind: "openai-compatible", URL: "http://provider.invalid:80", Keys: []string{"egress-key"}}
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}, More: "timeouts:\n  connect: 2s\n",
			Env: []string{"HTTP_PROXY=" + proxy.URL, "http_proxy=" + proxy.URL, "HTTPS_PROXY=" + proxy.URL, "ALL_PROXY=" + proxy.URL}})
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(502, 503, 504))
		Expect(proxy.seen()).To(BeEmpty())
	})

	It("takes the proxy of the provider's row, but not to get to where it may not go", func() {
		proxy := newForward()
		gw := leading("http://provider.invalid:80", "proxy: \""+proxy.URL+"\"")
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		Expect(proxy.seen()).To(ConsistOf(HavePrefix("POST http://provider.invalid:80/")))
		for _, inside := range []string{"https://0.0.0.0:443", "https://169.254.169.254:443"} {
			a := leading(inside, "allow_private: true", "proxy: \""+proxy.URL+"\"").Ask(GinkgoT(), harness.Ask{})
			Expect(a.Status).To(BeElementOf(502, 503), inside)
		}
		// A provider with TLS needs CONNECT, which this proxy does not have: the key is not sent in the clear instead.
		Expect(leading("https://provider.invalid:443", "proxy: \""+proxy.URL+"\"").Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(502, 503))
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		Expect(leading(up.URL(), "proxy: \""+proxy.URL+"\"").Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK), "this machine is reached directly")
		Expect(proxy.seen()).To(HaveLen(2), "one request and one CONNECT: %v", proxy.seen())
		Expect(proxy.seen()[1]).To(Equal("CONNECT provider.invalid:443"))
	})

	It("goes to a server with a certificate of an authority of one's own only with its ca_file", func() {
		up := harness.ListenUpstream(GinkgoT(), simulator.Options{}, simulator.ListenOptions{TLS: true})
		Expect(leading(up.URL()).Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(502, 503))
		Expect(leading(up.URL(), fmt.Sprintf("ca_file: %q", pemOf(up))).Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		Expect(up.Count()).To(Equal(1))
		other := harness.ListenUpstream(GinkgoT(), simulator.Options{}, simulator.ListenOptions{TLS: true})
		Expect(leading(up.URL(), fmt.Sprintf("ca_file: %q", pemOf(other))).Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(502, 503), "it is trusted instead of others, not beside them")
	})

	It("goes to no server with TLS 1.1, whoever vouches for it", func() {
		modern := harness.ListenUpstream(GinkgoT(), simulator.Options{}, simulator.ListenOptions{TLS: true, MaxTLS: tls.VersionTLS12})
		Expect(leading(modern.URL(), fmt.Sprintf("ca_file: %q", pemOf(modern))).Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		old := harness.ListenUpstream(GinkgoT(), simulator.Options{}, simulator.ListenOptions{TLS: true, MaxTLS: tls.VersionTLS11})
		a := leading(old.URL(), fmt.Sprintf("ca_file: %q", pemOf(modern))).Ask(GinkgoT(), harness.Ask{})
		Expect(a.Status).To(BeElementOf(502, 503))
		Expect(old.Count()).To(BeZero())
	})

	DescribeTable("is trusted by a file that can be read, or aimux does not start", func(file func(dir string) string) {
		p := harness.Provider{Name: "one", Kind: "openai-compatible", URL: "https://provider.invalid", Keys: []string{"egress-key"},
			More: []string{fmt.Sprintf("ca_file: %q", file(GinkgoT().TempDir()))}}
		_, err := harness.TryStart(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		Expect(err).To(MatchError(ContainSubstring("ca_file")))
	},
		Entry("one that is not there", func(dir string) string { return dir + "/absent.pem" }),
		Entry("a directory", func(dir string) string { return dir }),
		Entry("one without a certificate", func(dir string) string {
			Expect(os.WriteFile(dir+"/empty.pem", []byte("not a certificate\n"), 0o600)).To(Succeed())
			return dir + "/empty.pem"
		}),
		Entry("a device", func(string) string { return "/dev/zero" }),
	)
})

var _ = Describe("Headers", func() {
	It("of a client cross by a list: who it is, where it comes from and what it pays with do not", func() {
		for _, kind := range []string{"openai-compatible", "anthropic-compatible", "openai", "anthropic"} {
			gw, up := one(kind, simulator.Options{})
			for _, d := range harness.Dialects {
				h := http.Header{}
				for _, name := range []string{"Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip",
					"Openai-Organization", "Openai-Project", "Anthropic-Organization-Id", "Anthropic-Auth-Token", "X-Goog-Api-Key", "Api-Key", "X_api_key", "Proxy-Authorization",
					"Idempotency-Key", "Referer", "Origin", "X-Stainless-Os", "Anything", "X-Request-Start", "Traceparent", "Baggage"} {
					h.Set(name, "crossing")
				}
				h.Set("Anthropic-Beta", "listed-by-connection")
				h.Set("Connection", "keep-alive, anthropic_beta")
				Expect(gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Header: h, Path: d.Path() + "?key=crossing&api_key=crossing"}).Status).To(Equal(200))
				r := up.Last(GinkgoT())
				Expect(r.Query).NotTo(ContainSubstring("crossing"))
				for name, values := range r.Header {
					Expect(strings.Join(values, " ")).NotTo(SatisfyAny(ContainSubstring("crossing"), ContainSubstring("listed-by"), ContainSubstring(harness.ClientKey)), "%s to %s: %s", d, kind, name)
				}
			}
		}
	})

	It("of a provider cross by a list: cookies, accounts, limits and other services do not", func() {
		gw, up := one("openai-compatible", simulator.Options{})
		header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-of-the-provider"}}
		for _, name := range []string{"Set-Cookie", "Alt-Svc", "Openai-Organization", "Anthropic-Organization-Id", "Strict-Transport-Security", "Location", "Refresh", "Link",
			"Server", "Via", "Cf-Ray", "Www-Authenticate", "X-Ratelimit-Remaining-Tokens", "Access-Control-Allow-Origin", "Content-Security-Policy", "Report-To", "X-Accel-Redirect",
			"X-Aimux-Provider", "Clear-Site-Data"} {
			header.Set(name, "crossing")
		}
		body := `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`
		for _, d := range harness.Dialects {
			up.Script(simulator.Selector{}, simulator.Step{Answer: &simulator.Answer{Header: header.Clone(), Pieces: [][]byte{[]byte(body)}}})
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d})
			Expect(a.Status).To(Equal(200), "%s", a.Body)
			for name, values := range a.Header {
				Expect(strings.Join(values, " ")).NotTo(ContainSubstring("crossing"), "%s: %s", d, name)
			}
			Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("one"))
		}
	})
})
