package e2e

import (
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// These rows are about many requests together.
var _ = Describe("The fault matrix", func() {
	It("92 all providers down: the upstreams see probes only, the clients a quick error with a time", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		for _, up := range []*harness.Upstream{first, second} {
			up.Script(simulator.Selector{}, forever("503"))
		}
		for range 20 {
			Expect(string(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0))).To(HavePrefix("ERR 50"))
		}
		before := first.Count() + second.Count()
		for range 200 {
			a := gw.Ask(GinkgoT(), harness.Ask{})
			Expect(string(a.Outcome(0))).To(HavePrefix("ERR 50"))
			Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty())
		}
		Expect(first.Count()+second.Count()-before).To(BeNumerically("<=", 20), "amplification at most 1.1")
	})

	It("one of two down: at most 1.05 attempts a request after the breaker", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		first.Script(simulator.Selector{}, forever("500"))
		asks(gw, 20, harness.Ask{})
		before := first.Count() + second.Count()
		asks(gw, 200, harness.Ask{})
		Expect(first.Count() + second.Count() - before).To(BeNumerically("<=", 210))
	})

	It("95 brown-out: the traffic moves away from a target that became slow", func() {
		a, b := simulator.Options{Name: "first"}, simulator.Options{Name: "second", TTFT: 40 * time.Millisecond}
		first, second := harness.NewUpstream(GinkgoT(), a), harness.NewUpstream(GinkgoT(), b)
		gw := harness.Start(GinkgoT(), harness.Config{Strategy: "fastest", Providers: []harness.Provider{
			first.As("one", "simulator", "k"), second.As("two", "simulator", "k"),
		}})
		asks(gw, 60, harness.Ask{Stream: true})
		Expect(first.Count()).To(BeNumerically(">", 30), "the faster one is preferred")
		first.Script(simulator.Selector{}, forever("slow;ttft=800ms;rate=1000"))
		Eventually(func(g Gomega) {
			before, all := second.Count(), first.Count()+second.Count()
			asks(gw, 20, harness.Ask{Stream: true})
			moved, asked := second.Count()-before, first.Count()+second.Count()-all
			g.Expect(float64(moved)/float64(asked)).To(BeNumerically(">=", 0.9), "%d of %d", moved, asked)
		}).WithTimeout(10 * time.Second).Should(Succeed())
	})

	It("96 a rest ends with many waiting: one asks first, the others when it was answered", func() {
		gw, up := pool("simulator", simulator.Options{TTFT: 300 * time.Millisecond}, "a")
		up.Script(simulator.Selector{}, simulator.Fail("429;retry-after=1"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		rest := gw.Key(GinkgoT(), "one", "k1").Rests[0]
		Eventually(func() bool { return time.Now().After(rest.Probe.Add(20 * time.Millisecond)) }).Should(BeTrue())
		var wait sync.WaitGroup
		outcomes := make([]harness.Outcome, 100)
		for i := range outcomes {
			wait.Go(func() { outcomes[i] = gw.Ask(GinkgoT(), harness.Ask{Stream: true}).Outcome(16) })
		}
		wait.Wait()
		Expect(outcomes).To(HaveEach(BeElementOf(harness.OK, harness.ERR(429))))
		Expect(outcomes).To(ContainElement(harness.OK))
		all := up.Requests()
		early := 0
		for _, r := range all[1:] {
			if r.Time.Before(all[1].Time.Add(300 * time.Millisecond)) {
				early++
			}
		}
		Expect(early).To(Equal(1), "asked before the first answer")
	})

	It("97 what no waiting mends is told so, that clients do not storm", func() {
		gw, up := pool("simulator", simulator.Options{}, "a")
		up.Script(simulator.Selector{}, forever("429;code=insufficient_quota;vendor=openai"))
		for _, d := range harness.Dialects {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d})
			Expect(a.Outcome(0)).To(Equal(harness.ERR(429)), "%s", a.Body)
			Expect(a.Header.Get("X-Should-Retry")).To(Equal("false"))
		}
		Expect(up.Count()).To(Equal(1))
	})

	It("98 a probe that hangs blocks nobody", func() {
		gw, first, second := couple("simulator", simulator.Options{}, quick)
		first.Script(simulator.Selector{}, simulator.Step{Fault: simulator.Fault{Kind: "500"}, Times: 5}, forever("hang"))
		asks(gw, 6, harness.Ask{})
		Expect(first.Count()).To(Equal(5))
		// The breaker lets a probe through after about five seconds.
		Eventually(func() int {
			asks(gw, 1, harness.Ask{})
			return first.Count()
		}).WithPolling(50 * time.Millisecond).Should(BeNumerically(">", 5))
		first.Listener.CloseConnections()
		Expect(together(20, func() *harness.Answer { return gw.Ask(GinkgoT(), harness.Ask{}) })).To(HaveEach(harness.OK))
		Expect(second.Count()).To(BeNumerically(">", 20))
		Expect(first.Count()).To(BeNumerically("<=", 7))
	})
})
