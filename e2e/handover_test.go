package e2e

import (
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("Figures", Serial, func() {
	// Breakers are kept by model, so that there are many: each is to fail a few
	// times only.
	DescribeTable("of a failover, from the request at the failing upstream to the request at the next", func(fault string) {
		const aliases, each = 60, 4
		first := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "first", MaxRecords: 2 * aliases * each})
		second := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "second", MaxRecords: 2 * aliases * each})
		c := harness.Config{Providers: []harness.Provider{first.As("one", "simulator", "a"), second.As("two", "simulator", "b")}}
		for i := range aliases {
			for tier, p := range c.Providers {
				c.Models = append(c.Models, harness.Route{Alias: fmt.Sprintf("f%d", i), Provider: p.Name, Model: fmt.Sprintf("m%d", i), Tier: tier + 1})
			}
		}
		gw := harness.Start(GinkgoT(), c)
		first.Script(simulator.Selector{}, forever(fault))
		var took, whole []time.Duration
		for i := range aliases * each {
			a := gw.Ask(GinkgoT(), harness.Ask{Model: fmt.Sprintf("f%d", i%aliases), Dialect: harness.Dialects[i%3], Stream: i%2 == 0})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
			whole = append(whole, a.Took)
		}
		failed, answered := first.Requests(), second.Requests()
		Expect(failed).To(HaveLen(aliases * each))
		Expect(answered).To(HaveLen(aliases * each))
		for i := range failed {
			took = append(took, answered[i].Time.Sub(failed[i].Time))
		}
		slices.Sort(took)
		slices.Sort(whole)
		AddReportEntry(fmt.Sprintf("%s, %d failovers: to the next attempt p50 %s, p99 %s; whole answers p50 %s, p99 %s", fault, len(took),
			quantile(took, 0.5).Round(time.Microsecond), quantile(took, 0.99).Round(time.Microsecond),
			quantile(whole, 0.5).Round(time.Microsecond), quantile(whole, 0.99).Round(time.Microsecond)), ReportEntryVisibilityAlways)
		// The machine may be busy: the targets are 1 ms and 10 ms.
		Expect(quantile(took, 0.5)).To(BeNumerically("<=", 5*time.Millisecond))
		Expect(quantile(took, 0.99)).To(BeNumerically("<=", 50*time.Millisecond))
	}, Entry("500", "500"), Entry("529", "529"), Entry("connection reset", "reset"))

	It("of all upstreams down and clients that try again three times", func() {
		gw, first, second := couple("simulator", simulator.Options{}, "")
		for _, up := range []*harness.Upstream{first, second} {
			up.Script(simulator.Selector{}, forever("500"))
		}
		for range 12 { // until the breakers have opened
			gw.Ask(GinkgoT(), harness.Ask{})
		}
		before := first.Count() + second.Count()
		const clients = 100
		tries := 0
		var took []time.Duration
		for range clients {
			for range 3 {
				a := gw.Ask(GinkgoT(), harness.Ask{})
				Expect(string(a.Outcome(0))).To(HavePrefix("ERR 5"))
				tries++
				took = append(took, a.Took)
				if a.Header.Get("X-Should-Retry") == "false" {
					break
				}
			}
		}
		slices.Sort(took)
		sent := first.Count() + second.Count() - before
		AddReportEntry(fmt.Sprintf("%d requests, %d tries of their clients: %d requests upstream; answered in p50 %s, p99 %s", clients, tries, sent,
			quantile(took, 0.5).Round(time.Microsecond), quantile(took, 0.99).Round(time.Microsecond)), ReportEntryVisibilityAlways)
		Expect(float64(sent) / clients).To(BeNumerically("<=", 1.25))
	})
})
