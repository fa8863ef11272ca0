package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("A reload", func() {
	var (
		old, new *harness.Upstream
		gw       *harness.Gateway
	)
	// naming returns the configuration that serves everything with up.
	naming := func(up *harness.Upstream, name string) harness.Config {
		return harness.Config{Providers: []harness.Provider{up.As(name, "simulator", "key")}, Env: []string{"E2E_OLD_KEY_1=key", "E2E_NEW_KEY_1=key"}}
	}
	BeforeEach(func() {
		slow := simulator.Options{Name: "old", TokensPerSecond: 40, Tokens: 30}
		old, new = harness.NewUpstream(GinkgoT(), slow), harness.NewUpstream(GinkgoT(), simulator.Options{Name: "new"})
	})

	DescribeTable("lets a running stream finish while new requests go by the new configuration", func(d harness.Dialect) {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		s := gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
		Expect(s.Words(2)).To(BeTrue())
		Expect(gw.Reload(naming(new, "new"))).To(Succeed())
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d})
		Expect(a.Outcome(16)).To(Equal(harness.OK))
		Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("new"))
		done := s.Finish()
		Expect(done.Outcome(30)).To(Equal(harness.OK))
		seen, _ := done.Transcript()
		Expect(seen.Name).To(Equal("old"))
	}, Entry(nil, harness.Chat), Entry(nil, harness.Messages), Entry(nil, harness.Responses))

	It("again and again harms no stream", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		var streams []*harness.Stream
		for range 20 {
			s := gw.Open(GinkgoT(), harness.Ask{Stream: true})
			Expect(s.Words(1)).To(BeTrue())
			streams = append(streams, s)
		}
		for i := range 6 {
			c := naming(new, "new")
			if i%2 == 0 {
				c = naming(old, "old")
			}
			Expect(gw.Reload(c)).To(Succeed())
		}
		for _, s := range streams {
			Expect(s.Finish().Outcome(30)).To(Equal(harness.OK))
		}
	})

	It("keeps connections without TLS: unused ones, idle ones, and that of a stream that outlives it", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		unused, idle, busy := dial(gw), dial(gw), dial(gw)
		Expect(idle.ask("any-model", false)).To(Equal("old"))
		busy.send("any-model", true)
		Expect(busy.header()).To(Equal("old"))
		for i := range 3 { // and several in turn
			c := naming(new, "new")
			c.More = fmt.Sprintf("limits:\n  body: %dMiB\n", i+1)
			Expect(gw.Reload(c)).To(Succeed())
		}
		busy.rest()
		for _, c := range []*wire{unused, idle, busy} {
			Expect(c.ask("any-model", true)).To(Equal("new"))
			Expect(c.ask("any-model", false)).To(Equal("new"))
		}
	})

	It("keeps what was learned: a key that rests goes on resting", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		old.Script(simulator.Selector{}, simulator.Fail("429;retry-after=60"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		c := naming(old, "old")
		c.More = "limits:\n  body: 1MiB\n"
		Expect(gw.Reload(c)).To(Succeed())
		Expect(gw.Key(GinkgoT(), "old", "k1").Resting()).To(BeTrue())
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		Expect(old.Count()).To(Equal(1))
	})

	It("keeps the last decisions, and so does a change by the API", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		first := gw.Ask(GinkgoT(), harness.Ask{}).Header.Get("X-Aimux-Request-Id")
		before := gw.Exchange(GinkgoT(), first)
		Expect(before.Attempts).To(HaveLen(1))
		Expect(gw.Reload(naming(new, "new"))).To(Succeed())
		operator := gw.Local()
		operator.Header = http.Header{"If-Match": {"*"}}
		operator.Must(GinkgoT(), "PUT", "/api/config", map[string]any{"set": []any{map[string]any{"pointer": "/limits/body", "value": "7MiB"}}})
		second := gw.Ask(GinkgoT(), harness.Ask{}).Header.Get("X-Aimux-Request-Id")
		Expect(gw.Exchange(GinkgoT(), second).Provider).To(Equal("new"))
		Expect(gw.Exchange(GinkgoT(), first)).To(Equal(before))
		var detail struct{ Decision struct{ Candidates []any } }
		gw.API(GinkgoT(), "/api/requests/"+first, &detail)
		Expect(detail.Decision.Candidates).To(HaveLen(1), "the decision is remembered, which the ledger does not know")
	})

	It("with a mistake in it is refused with file and line, and the old configuration serves on", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		bad := naming(new, "new")
		bad.More = "routing:\n  stratgy: fastest\n"
		err := gw.Reload(bad)
		Expect(err).To(MatchError(SatisfyAll(
			ContainSubstring("aimux.toon:"), ContainSubstring("/routing"), ContainSubstring("stratgy"), ContainSubstring(`did you mean \"strategy\"`))))
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(30)).To(Equal(harness.OK))
		Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("old"))
	})

	It("that names a variable the process does not have is refused, and the old configuration serves on", func() {
		gw = harness.Start(GinkgoT(), naming(old, "old"))
		bad := naming(new, "absent")
		Expect(gw.Reload(bad)).To(MatchError(ContainSubstring("E2E_ABSENT_KEY_1")))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Header.Get("X-Aimux-Provider")).To(Equal("old"))
	})

	It("happens by itself under --watch when aimux.toon changes", func() {
		c := naming(old, "old")
		c.Args = []string{"--watch"}
		gw = harness.Start(GinkgoT(), c)
		// The watcher compares with what it read first, which is after the server has started.
		Eventually(gw.Log).Should(ContainSubstring("watching config file for changes"))
		Expect(gw.Rewrite(naming(new, "new"))).To(Succeed())
		Eventually(func() string { return gw.Ask(GinkgoT(), harness.Ask{}).Header.Get("X-Aimux-Provider") }).Should(Equal("new"))
		bad := naming(old, "old")
		bad.Toon = "version: 1\nproviders: none\n"
		Expect(gw.Rewrite(bad)).To(Succeed())
		Eventually(gw.Log).Should(ContainSubstring("aimux.toon:2"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Header.Get("X-Aimux-Provider")).To(Equal("new"))
	})
})

// wire is one connection to a gateway, on which requests follow each other.
type wire struct {
	gw     *harness.Gateway
	conn   net.Conn
	reader *bufio.Reader
	answer *http.Response
}

func dial(gw *harness.Gateway) *wire {
	GinkgoHelper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(gw.URL, "http://"))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(conn.Close)
	return &wire{gw: gw, conn: conn, reader: bufio.NewReader(conn)}
}

// ask sends a request, reads the answer to its end and returns who gave it.
func (w *wire) ask(model string, stream bool) string {
	GinkgoHelper()
	w.send(model, stream)
	by := w.header()
	w.rest()
	return by
}

func (w *wire) send(model string, stream bool) {
	GinkgoHelper()
	body := fmt.Sprintf(`{"model":%q,"stream":%t,"messages":[{"role":"user","content":"hello"}]}`, model, stream)
	r, err := http.NewRequest(http.MethodPost, w.gw.URL+harness.Chat.Path(), strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Authorization", "Bearer "+harness.ClientKey)
	Expect(r.Write(w.conn)).To(Succeed())
}

func (w *wire) header() string {
	GinkgoHelper()
	var err error
	w.answer, err = http.ReadResponse(w.reader, nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(w.answer.StatusCode).To(Equal(200))
	Expect(w.answer.Close).To(BeFalse(), "the answer says that its connection closes")
	return w.answer.Header.Get("X-Aimux-Provider")
}

func (w *wire) rest() {
	GinkgoHelper()
	_, err := io.Copy(io.Discard, w.answer.Body)
	Expect(err).NotTo(HaveOccurred())
}

var _ = Describe("The commands that Caddy users know", func() {
	It("adapt and validate see aimux.toon and its mistakes", func() {
		gw, _ := one("simulator", simulator.Options{})
		good := harness.Config{Providers: []harness.Provider{{Name: "one", Kind: "simulator"}}}
		Expect(gw.Rewrite(good)).To(Succeed())
		out, err := gw.Command(good, "adapt", "--config", "Caddyfile")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(ContainSubstring(`"simulator"`))
		out, err = gw.Command(good, "validate", "--config", "Caddyfile")
		Expect(err).NotTo(HaveOccurred(), out)

		bad := harness.Config{Toon: "version: 1\nproviders:\n  one:\n    kind: simulater\n"}
		Expect(gw.Rewrite(bad)).To(Succeed())
		for _, command := range []string{"adapt", "validate"} {
			out, err = gw.Command(bad, command, "--config", "Caddyfile")
			Expect(err).To(HaveOccurred(), command)
			Expect(out).To(ContainSubstring("aimux.toon:4"), command)
			Expect(out).To(ContainSubstring("simulator"), command)
		}
	})

	It("list aimux's modules", func() {
		gw, _ := one("simulator", simulator.Options{})
		out, err := gw.Command(harness.Config{}, "list-modules")
		Expect(err).NotTo(HaveOccurred())
		for _, module := range []string{"aimux", "http.handlers.aimux", "admin.api.aimux"} {
			Expect(strings.Split(out, "\n")).To(ContainElement(module))
		}
	})
})
