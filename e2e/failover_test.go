package e2e

import (
	"context"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// couple starts a gateway with two upstreams, first and second, of a kind.
func couple(kind string, o simulator.Options, more string) (gw *harness.Gateway, first, second *harness.Upstream) {
	GinkgoHelper()
	a, b := o, o
	a.Name, b.Name = "first", "second"
	first, second = harness.NewUpstream(GinkgoT(), a), harness.NewUpstream(GinkgoT(), b)
	gw = harness.Start(GinkgoT(), harness.Config{More: more, Providers: []harness.Provider{
		first.As("one", kind, "key-one"), second.As("two", kind, "key-two"),
	}})
	return gw, first, second
}

var _ = Describe("Failover", func() {
	DescribeTable("adds less than 100 ms when the first target refuses, limits or fails", func(fault string, stream bool) {
		gw, first, _ := couple("simulator", simulator.Options{}, "")
		plain := gw.Ask(GinkgoT(), harness.Ask{Model: "one/warm"}).Took
		best := time.Hour
		for range 3 { // the machine may be busy; the gateway may not be slow
			if fault == "refused" {
				first.Listener.Refuse()
				first.Listener.CloseConnections()
			} else {
				first.Script(simulator.Selector{}, simulator.Fail(fault))
			}
			a := gw.Ask(GinkgoT(), harness.Ask{Stream: stream})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
			Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("two"))
			best = min(best, a.Took)
			gw.Wake(GinkgoT(), "one", "k1")
		}
		Expect(best).To(BeNumerically("<", plain+100*time.Millisecond))
	},
		Entry("refused", "refused", false), Entry("refused, stream", "refused", true),
		Entry("429", "429;retry-after=5", false), Entry("500", "500", true),
	)

	It("stops asking a target that keeps failing, and tries it again by itself", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, forever("500"))
		asks(gw, 20, harness.Ask{})
		Expect(first.Count()).To(BeNumerically("<=", 6), "the breaker opens at five")
		Expect(second.Count()).To(Equal(20))
	})

	It("is not tried when the client does not want it", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, forever("500"))
		a := gw.Ask(GinkgoT(), harness.Ask{Header: map[string][]string{"X-Aimux-Route": {"no-failover"}}})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(502)), "%s", a.Body)
		Expect(second.Count()).To(BeZero())
	})

	It("asks the provider the client wishes for", func() {
		gw, _, second := couple("simulator", simulator.Options{}, "")
		asks(gw, 1, harness.Ask{Header: map[string][]string{"X-Aimux-Route": {"only=two"}}})
		Expect(second.Count()).To(Equal(1))
	})

	It("answers fast, with a time to come back, when all providers are down", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		for _, up := range []*harness.Upstream{first, second} {
			up.Listener.Refuse()
			up.Listener.CloseConnections()
		}
		for range 12 {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages})
			Expect(string(a.Outcome(0))).To(HavePrefix("ERR"))
			Expect(a.Status).To(BeElementOf(502, 503, 529), "%s", a.Body)
		}
		best := time.Hour
		for range 5 {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages})
			Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty(), "%d %s", a.Status, a.Body)
			best = min(best, a.Took)
		}
		Expect(best).To(BeNumerically("<=", 50*time.Millisecond))
	})

	It("never sends a half tool call on as if it were whole", func() {
		gw, first, _ := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, simulator.Fail("cut;after=2"))
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: true, Prompt: `call:ls {"path":"/a/very/long/path/that/comes/in/pieces"}`,
			More: map[string]any{"tools": []any{map[string]any{"name": "ls", "input_schema": map[string]any{"type": "object"}}}}})
		Expect(a.Outcome(0)).To(Equal(harness.EVT))
		for _, ev := range a.Events {
			Expect(ev.Name).NotTo(BeElementOf("content_block_stop", "message_delta", "message_stop"))
		}
	})
})

var _ = Describe("A client that hangs up", func() {
	DescribeTable("in the middle of a stream ends the upstream's work, and no key rests", func(d harness.Dialect, kind string) {
		gw, up := one(kind, simulator.Options{TokensPerSecond: 20, Tokens: 200})
		s := gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
		Expect(s.Words(2)).To(BeTrue())
		gone := time.Now()
		s.Close()
		Expect(up.WaitCancel(GinkgoT()).Sub(gone)).To(BeNumerically("<", time.Second))
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
		Eventually(func() int { return gw.Key(GinkgoT(), "one", "k1").InFlight }).Should(BeZero())
		Expect(up.Count()).To(Equal(1))
	},
		Entry("Chat", harness.Chat, "simulator"), Entry("Messages", harness.Messages, "simulator"), Entry("Responses", harness.Responses, "simulator"),
		Entry("Messages to Chat", harness.Messages, "openai-compatible"), Entry("Chat to Messages", harness.Chat, "anthropic-compatible"),
	)

	DescribeTable("before the answer has begun ends the upstream's work, and nobody else is asked", func(stream bool) {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, simulator.Fail("hang"))
		ctx, cancel := context.WithCancel(context.Background())
		var wait sync.WaitGroup
		wait.Go(func() { gw.AskContext(ctx, harness.Ask{Stream: stream}) })
		first.WaitFor(GinkgoT(), 1)
		gone := time.Now()
		cancel()
		Expect(first.WaitCancel(GinkgoT()).Sub(gone)).To(BeNumerically("<", time.Second))
		wait.Wait()
		Eventually(func() int { return gw.Key(GinkgoT(), "one", "k1").InFlight }).Should(BeZero())
		Expect(second.Count()).To(BeZero())
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
		asks(gw, 1, harness.Ask{})
		Expect(first.Count()).To(Equal(2), "the target is not blamed")
	}, Entry("stream", true), Entry("not streamed", false))
})
