package e2e

import (
	"fmt"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// pool starts a gateway with one upstream and several keys.
func pool(kind string, o simulator.Options, keys ...string) (*harness.Gateway, *harness.Upstream) {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), o)
	gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", kind, keys...)}})
	return gw, up
}

// asks sends n requests, all of which have to be answered well.
func asks(gw *harness.Gateway, n int, a harness.Ask) {
	GinkgoHelper()
	for range n {
		answer := gw.Ask(GinkgoT(), a)
		Expect(answer.Outcome(16)).To(Equal(harness.OK), "%s", answer.Body)
	}
}

// left returns how long the only rest of a key still lasts.
func left(gw *harness.Gateway, key string) time.Duration {
	GinkgoHelper()
	k := gw.Key(GinkgoT(), "one", key)
	Expect(k.Rests).To(HaveLen(1), "rests of %s", key)
	return time.Until(k.Rests[0].Until)
}

var _ = Describe("Keys", func() {
	It("take turns", func() {
		gw, up := pool("simulator", simulator.Options{}, "a", "b", "c")
		asks(gw, 6, harness.Ask{})
		Expect(up.Keys()).To(Equal([]string{"a", "b", "c", "a", "b", "c"}))
	})

	It("are used up one after the other under fill_first", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		p := up.As("one", "simulator", "a", "b")
		p.More = []string{"policy: fill_first"}
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		asks(gw, 2, harness.Ask{})
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail("429;retry-after=30"))
		asks(gw, 2, harness.Ask{})
		Expect(up.Keys()).To(Equal([]string{"a", "a", "a", "b", "b"}))
	})

	DescribeTable("rest on a 429 for as long as the answer asks, while the next key answers",
		func(fault string, least, most time.Duration, d harness.Dialect, stream bool) {
			gw, up := pool("simulator", simulator.Options{}, "a", "b")
			up.Script(simulator.Selector{Key: "a"}, simulator.Fail("429;"+fault))
			asks(gw, 3, harness.Ask{Dialect: d, Stream: stream})
			Expect(up.Keys()).To(Equal([]string{"a", "b", "b", "b"}))
			Expect(left(gw, "k1")).To(BeNumerically("~", (least+most)/2, (most-least)/2), fault)
			Expect(gw.Key(GinkgoT(), "one", "k2").Resting()).To(BeFalse())
		},
		func(fault string, least, most time.Duration, d harness.Dialect, stream bool) string {
			return fmt.Sprintf("%s, %s stream=%v", fault, d, stream)
		},
		Entry(nil, "retry-after=7", 5*time.Second, 8*time.Second, harness.Chat, false),
		Entry(nil, "retry-after=7", 5*time.Second, 8*time.Second, harness.Messages, true),
		Entry(nil, "retry-after=7", 5*time.Second, 8*time.Second, harness.Responses, true),
		Entry(nil, "retry-after=20.5", 18*time.Second, 23*time.Second, harness.Chat, true),
		Entry(nil, "retry-after=date+20", 17*time.Second, 23*time.Second, harness.Messages, false),
		Entry(nil, "retry-after=date+20;skew=-1h", 17*time.Second, 23*time.Second, harness.Chat, false),
		Entry(nil, "retry-after=date-20", -time.Second, 2*time.Second, harness.Chat, false),
		Entry(nil, "retry-after-ms=20500", 18*time.Second, 23*time.Second, harness.Chat, false),
		Entry(nil, "x-ms-retry-after-ms=20500", 18*time.Second, 23*time.Second, harness.Chat, false),
		Entry(nil, "retry-after=3;retry-after-ms=20500", 18*time.Second, 23*time.Second, harness.Chat, false),
		Entry(nil, "retry-after=86400", 14*time.Minute, 16*time.Minute, harness.Chat, false),
	)

	DescribeTable("rest a little when the answer asks for nonsense or for nothing", func(fault string) {
		gw, up := pool("simulator", simulator.Options{}, "a", "b")
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail("429;"+fault))
		asks(gw, 1, harness.Ask{})
		Expect(up.Keys()).To(Equal([]string{"a", "b"}))
		for _, r := range gw.Key(GinkgoT(), "one", "k1").Rests {
			Expect(time.Until(r.Until)).To(BeNumerically("<", 61*time.Second))
		}
	}, Entry(nil, "retry-after=-5"), Entry(nil, "retry-after=NaN"), Entry(nil, "tag=none"), Entry(nil, "retry-after=soon"))

	It("never pass an upstream's absurd wait on to the client", func() {
		gw, up := pool("simulator", simulator.Options{}, "a")
		up.Script(simulator.Selector{}, simulator.Fail("429;retry-after=1e99"))
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(429)))
		Expect(strconv.Atoi(a.Header.Get("Retry-After"))).To(BeNumerically("<=", 15*60+5))
	})

	DescribeTable("follow a vendor's rate-limit headers where Retry-After is missing", func(kind, fault string, least, most time.Duration) {
		gw, up := pool(kind, simulator.Options{Vendor: kind}, "a", "b")
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail(fault))
		asks(gw, 2, harness.Ask{Model: "one/some-model"})
		Expect(up.Keys()).To(Equal([]string{"a", "b", "b"}))
		Expect(left(gw, "k1")).To(BeNumerically("~", (least+most)/2, (most-least)/2))
	},
		Entry("OpenAI, 1m30s", "openai", "429;reset=1m30s", 85*time.Second, 100*time.Second),
		Entry("Groq, 25.5s", "groq", "429;reset=25.5s", 23*time.Second, 30*time.Second),
		Entry("Cerebras, seconds", "cerebras", "429;reset=25.38", 23*time.Second, 30*time.Second),
		Entry("OpenRouter, epoch in ms", "openrouter", "429;reset=epochms+40", 36*time.Second, 46*time.Second),
	)

	DescribeTable("rest whole and for long when they are refused", func(fault string, least time.Duration) {
		gw, up := pool("simulator", simulator.Options{}, "a", "b")
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail(fault))
		asks(gw, 3, harness.Ask{})
		asks(gw, 1, harness.Ask{Model: "one/another-model"})
		Expect(up.Keys()).To(Equal([]string{"a", "b", "b", "b", "b"}))
		Expect(left(gw, "k1")).To(BeNumerically(">=", least))
	},
		Entry("401, a revoked key", "401", 14*time.Minute),
		Entry("402, no money", "402", 59*time.Minute),
		Entry("429 insufficient_quota", "429;code=insufficient_quota;vendor=openai", 59*time.Minute),
	)

	It("rest for the model that was limited and serve the others", func() {
		gw, up := pool("openai-compatible", simulator.Options{}, "a")
		up.Script(simulator.Selector{Model: "m"}, simulator.Fail("429;retry-after=60"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		asks(gw, 1, harness.Ask{Model: "one/other"})
		Expect(up.Last(GinkgoT()).Model).To(Equal("other"))
		Expect(gw.Key(GinkgoT(), "one", "k1").Rests[0].Model).To(Equal("m"))
	})

	It("of one account rest together", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		p := up.As("one", "simulator", "a", "b", "c")
		p.Accounts = []string{"acme", "acme", "other"}
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail("429;retry-after=60"))
		asks(gw, 4, harness.Ask{})
		Expect(up.Keys()).To(Equal([]string{"a", "c", "c", "c", "c"}))
		for _, name := range []string{"k1", "k2"} {
			k := gw.Key(GinkgoT(), "one", name)
			Expect(k.Resting()).To(BeTrue(), name)
			Expect(k.Rests[0].Account).To(BeTrue(), name)
		}
	})

	It("that all rest are answered for at once, with the earliest time, and no upstream is asked", func() {
		gw, up := pool("simulator", simulator.Options{}, "a", "b")
		up.Script(simulator.Selector{Key: "a"}, simulator.Fail("429;retry-after=40"))
		up.Script(simulator.Selector{Key: "b"}, simulator.Fail("429;retry-after=20"))
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(429)))
		Expect(up.Count()).To(Equal(2))
		for _, d := range harness.Dialects {
			best := time.Hour
			for range 3 {
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
				Expect(a.Outcome(0)).To(Equal(harness.ERR(429)), "%s", a.Body)
				Expect(strconv.Atoi(a.Header.Get("Retry-After"))).To(BeNumerically("~", 21, 3))
				best = min(best, a.Took)
			}
			Expect(best).To(BeNumerically("<=", 50*time.Millisecond))
		}
		Expect(up.Count()).To(Equal(2))
	})

	It("can be seen and woken by the operator", func() {
		gw, up := pool("simulator", simulator.Options{}, "a", "b")
		up.Script(simulator.Selector{}, simulator.Step{Fault: simulator.Fault{Kind: "401"}, Times: 3})
		for range 2 { // the last usable key is forgiven once
			Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(0)).To(Equal(harness.ERR(502)), "never the provider's 401")
		}
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeTrue())
		Expect(gw.Status(GinkgoT()).Providers[0].Resting).To(Equal(2))
		status, body := gw.Wake(GinkgoT(), "one", "k1")
		Expect(status).To(Equal(200), body)
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
		asks(gw, 1, harness.Ask{})
		status, _ = gw.Wake(GinkgoT(), "one", "nobody")
		Expect(status).To(Equal(404))
	})

	It("are never shown: not in the log, not in the admin API", func() {
		gw, up := pool("simulator", simulator.Options{}, "sk-sup3rs3cret-aaaa", "sk-sup3rs3cret-bbbb")
		up.Script(simulator.Selector{}, simulator.Fail("401;message=Incorrect API key provided: sk-sup3rs3cret-aaaa"))
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(16)).To(Equal(harness.OK))
		_, keys := fetch("GET", gw.Admin+"/aimux/keys")
		_, status := fetch("GET", gw.Admin+"/aimux/status")
		_, config := fetch("GET", gw.Admin+"/config/")
		for _, text := range []string{gw.Log(), string(keys), string(status), string(config), string(a.Body)} {
			Expect(text).NotTo(ContainSubstring("sup3rs3cret"))
		}
	})
})
