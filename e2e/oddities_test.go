package e2e

import (
	"io"
	"net"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("The fault matrix", func() {
	It("2 a name with a dead IPv6 address and a live IPv4 one is reached", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		p := up.As("one", "simulator", "k")
		p.URL = strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		Expect(a.Took).To(BeNumerically("<", 2*time.Second))
	})

	It("24 a thin line makes an answer slow, not broken", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Tokens: 200})
		p := up.As("one", "simulator", "k")
		p.URL = "http://" + thinLine(up.Listener.Addr(), 64<<10)
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		for _, d := range harness.Dialects {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
			Expect(a.Outcome(200)).To(Equal(harness.OK))
		}
	})

	It("40 a conflict is tried once more at the same target", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, simulator.Fail("409"))
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		Expect(first.Count() + second.Count()).To(Equal(2))
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
	})

	DescribeTable("64 events out of order are mended or end in an error, never in silence", func(fault string) {
		r := row{number: 64, fault: fault, stream: ok}
		p := r.start("")
		for i, v := range r.variants() {
			a := p.gw.Ask(GinkgoT(), harness.Ask{Dialect: v.dialect, Stream: true, Model: "v" + string(rune('0'+i))})
			Expect(a.Outcome(0)).To(BeElementOf(harness.OK, harness.EVT), "%s: %s", v, shorten(a))
		}
	}, Entry(nil, "wrong-index"), Entry(nil, "early-delta"), Entry(nil, "double-stop"))

	DescribeTable("65 arguments of a call that are no JSON pass as they are", func(d harness.Dialect, kind string) {
		gw, up := one(kind, simulator.Options{})
		up.Script(simulator.Selector{}, simulator.Fail("bad-args"))
		tool := map[string]any{"name": "ls", "input_schema": map[string]any{"type": "object"}}
		if d == harness.Chat {
			tool = map[string]any{"type": "function", "function": map[string]any{"name": "ls", "parameters": map[string]any{"type": "object"}}}
		}
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: true, Prompt: `call:ls {"path":"/tmp/x"}`, More: map[string]any{"tools": []any{tool}}})
		Expect(a.Outcome(0)).To(Equal(harness.OK), shorten(a))
	},
		Entry("Chat", harness.Chat, "simulator"), Entry("Messages", harness.Messages, "simulator"),
		Entry("Messages to Chat", harness.Messages, "openai-compatible"), Entry("Chat to Messages", harness.Chat, "anthropic-compatible"),
	)

	It("94 a target that fails every other time costs no request", func() {
		gw, first, _ := couple("simulator", simulator.Options{}, "")
		steps := make([]simulator.Step, 400)
		for i := range steps {
			if i%2 == 0 {
				steps[i] = simulator.Fail("500")
			}
		}
		first.Script(simulator.Selector{}, steps...)
		asks(gw, 100, harness.Ask{})
		Expect(first.Count()).To(BeNumerically("<", 60), "the breaker opens on the ratio")
	})
})

var _ = Describe("An end that was asked for", func() {
	It("lets a running stream finish within the grace period", func() {
		gw, _ := one("simulator", simulator.Options{TokensPerSecond: 30, Tokens: 30})
		s := gw.Open(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: true})
		Expect(s.Words(3)).To(BeTrue())
		var wait sync.WaitGroup
		wait.Go(func() {
			defer GinkgoRecover()
			Expect(gw.Stop()).To(Succeed())
		})
		Expect(s.Finish().Outcome(30)).To(Equal(harness.OK))
		wait.Wait()
	})
})

// thinLine listens in front of an address and passes what comes back at so many
// bytes a second. It ends with the spec.
func thinLine(to string, perSecond int) string {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go trickle(c, to, perSecond)
		}
	}()
	return l.Addr().String()
}

func trickle(c net.Conn, to string, perSecond int) {
	defer c.Close()
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer up.Close()
	go func() { _, _ = io.Copy(up, c); up.Close() }()
	buf := make([]byte, perSecond/50)
	tick := time.NewTicker(time.Second / 50)
	defer tick.Stop()
	for range tick.C {
		n, err := up.Read(buf)
		if _, w := c.Write(buf[:n]); err != nil || w != nil {
			return
		}
	}
}
