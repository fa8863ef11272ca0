package e2e

import (
	"fmt"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// share sends n requests, a few at a time, and returns which part of them up
// answered.
func share(gw *harness.Gateway, up *harness.Upstream, n int) float64 {
	GinkgoHelper()
	before := up.Count()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			defer GinkgoRecover()
			asks(gw, n/4, harness.Ask{Stream: true})
		})
	}
	wait.Wait()
	return float64(up.Count()-before) / float64(n)
}

var _ = Describe("The fault matrix", func() {
	DescribeTable("95 the traffic moves away from a target that goes bad and comes back when it is well again", func(fault string) {
		first := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "first", TTFT: 5 * time.Millisecond})
		second := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "second", TTFT: 60 * time.Millisecond})
		gw := harness.Start(GinkgoT(), harness.Config{Strategy: "fastest", Providers: []harness.Provider{
			first.As("one", "simulator", "k"), second.As("two", "simulator", "k"),
		}})
		share(gw, first, 40)
		Expect(share(gw, first, 40)).To(BeNumerically(">=", 0.8), "the faster one is preferred")

		first.Script(simulator.Selector{}, forever(fault))
		begun := time.Now()
		Eventually(func() float64 { return share(gw, first, 20) }).WithTimeout(10 * time.Second).Should(BeNumerically("<=", 0.1))
		moved := time.Since(begun)

		first.Reset()
		begun = time.Now()
		Eventually(func() float64 { return share(gw, first, 40) }).WithTimeout(time.Minute).WithPolling(250 * time.Millisecond).
			Should(BeNumerically(">=", 0.8))
		AddReportEntry(fmt.Sprintf("%s: away after %s, back after %s", fault, moved.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond)))
	},
		Entry("brown-out", "slow;ttft=900ms;rate=1000"),
		Entry("outage", "503"),
	)

	It("96 a rest ends with 500 waiting: no second request goes out before the first is answered", func() {
		const waiting, answer = 500, 400 * time.Millisecond
		gw, up := pool("simulator", simulator.Options{TTFT: answer, MaxRecords: 4 * waiting}, "a")
		up.Script(simulator.Selector{}, simulator.Fail("429;retry-after=2"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		ends := gw.Key(GinkgoT(), "one", "k1").Rests[0].Probe
		stop := time.Now().Add(20 * time.Second)

		// Each client asks again after a refusal, as SDKs do, only faster.
		var wait sync.WaitGroup
		var tally sync.Mutex
		tries, served := 0, 0
		for range waiting {
			wait.Go(func() {
				for time.Now().Before(stop) {
					out := gw.Ask(GinkgoT(), harness.Ask{Stream: true}).Outcome(16)
					tally.Lock()
					tries++
					if out == harness.OK {
						served++
					}
					tally.Unlock()
					if out == harness.OK {
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		wait.Wait()
		all := up.Requests()[1:]
		early, second := 0, 0
		for _, r := range all {
			since := r.Time.Sub(all[0].Time)
			if since < answer {
				early++
			}
			if since >= answer && since < answer+time.Second {
				second++
			}
		}
		Expect(all[0].Time).To(BeTemporally(">=", ends.Add(-50*time.Millisecond)), "nobody asks while the key rests")
		Expect(early).To(Equal(1), "requests before the first success")
		Expect(served).To(Equal(waiting))
		AddReportEntry(fmt.Sprintf("%d waiting, %d tries: 1 request before the first success, %d in the second after it, the last after %s",
			waiting, tries, second, all[len(all)-1].Time.Sub(all[0].Time).Round(time.Millisecond)))
	})
})
