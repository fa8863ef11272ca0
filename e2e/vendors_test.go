package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// failing is an error of a vendor and what it means.
type failing struct {
	fault, class string
	// least and most bound the rest of the key; zero: it is not looked at.
	least, most time.Duration
}

var _ = Describe("The vendors' own errors", func() {
	DescribeTable("are understood, and another provider answers", func(kind, vendor, model string, dialect harness.Dialect, all ...failing) {
		bad := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad", Vendor: vendor})
		good := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "good"})
		c := harness.Config{Providers: []harness.Provider{good.As("good", "simulator", "k")}}
		for i, f := range all {
			name := fmt.Sprintf("bad-%d", i)
			bad.Script(simulator.Selector{Key: name}, forever(f.fault))
			p := bad.As(name, kind, name)
			c.Providers = append(c.Providers, p)
			c.Models = append(c.Models, harness.Route{Alias: name, Provider: name, Model: model, Tier: 1}, harness.Route{Alias: name, Provider: "good", Model: "m", Tier: 2})
		}
		gw := harness.Start(GinkgoT(), c)
		for i, f := range all {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: dialect, Stream: i%2 == 0, Model: fmt.Sprintf("bad-%d", i)})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s: %s", f.fault, a.Body)
			Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("good"), f.fault)
			x := gw.Exchange(GinkgoT(), a.Header.Get("X-Aimux-Request-Id"))
			Expect(x.Attempts[0].Class).To(Equal(f.class), f.fault)
			if f.most > 0 {
				k := gw.Key(GinkgoT(), fmt.Sprintf("bad-%d", i), "k1")
				Expect(k.Rests).NotTo(BeEmpty(), f.fault)
				Expect(time.Until(k.Rests[0].Until)).To(BeNumerically("~", (f.least+f.most)/2, (f.most-f.least)/2), f.fault)
			}
		}
	},
		Entry("Z.AI", "zai", "zai", "glm-5.2", harness.Chat,
			failing{"429;code=1302", "concurrency", 0, 0}, failing{"429;code=1113", "balance", 59 * time.Minute, 67 * time.Minute},
			failing{"429;code=1308;reset=zai+3600", "quota", 59 * time.Minute, 61 * time.Minute}, failing{"429;code=1309", "plan_dead", 0, 0},
			failing{"429;code=1313", "fair_use", 9 * time.Minute, 12 * time.Minute}, failing{"429;code=1312", "overloaded", 0, 0},
			failing{"401;code=1000", "auth", 0, 0}, failing{"500;code=1234", "transient", 0, 0}),
		Entry("Z.AI's coding plan, Messages", "zai-coding", "zai", "glm-5.2", harness.Messages,
			failing{"429;code=1308;reset=zai+3600", "quota", 59 * time.Minute, 61 * time.Minute}, failing{"429;code=1310;reset=zai+7200", "quota", 118 * time.Minute, 122 * time.Minute},
			failing{"429;code=1302", "concurrency", 0, 0}, failing{"429;code=1313", "fair_use", 0, 0}),
		Entry("MiniMax", "minimax", "minimax", "MiniMax-M3", harness.Chat,
			failing{"429;code=1002", "rate_limited", 0, 0}, failing{"402;code=1008", "balance", 0, 0}, failing{"429;code=2056", "quota", 0, 0},
			failing{"401;code=2049", "auth", 0, 0}, failing{"529;code=2064", "overloaded", 0, 0}, failing{"error-200;after=0;code=1008", "balance", 0, 0}),
		Entry("MiniMax, Messages", "minimax", "minimax", "MiniMax-M3", harness.Messages,
			failing{"429;code=1002", "rate_limited", 0, 0}, failing{"429;code=2056", "quota", 0, 0}, failing{"403;code=2062", "quota", 4 * time.Minute, 6 * time.Minute}),
		Entry("Cerebras", "cerebras", "cerebras", "gpt-oss-120b", harness.Chat,
			failing{"429;code=request_quota_exceeded", "rate_limited", 0, 0}, failing{"429;code=token_quota_exceeded", "rate_limited", 0, 0},
			failing{"503;code=queue_exceeded", "overloaded", 0, 0}, failing{"402", "balance", 0, 0}, failing{"401", "auth", 0, 0}),
		Entry("Synthetic", "synthetic", "synthetic", "hf:zai-org/GLM-5.2", harness.Messages,
			failing{"402", "balance", 0, 0}, failing{"500", "transient", 0, 0}),
		Entry("OpenAI", "openai", "openai", "gpt-5.6-terra", harness.Chat,
			failing{"429;code=insufficient_quota", "balance", 0, 0}, failing{"429", "rate_limited", 0, 0}, failing{"401", "auth", 0, 0}),
		Entry("OpenAI, Responses", "openai", "openai", "gpt-5.6-terra", harness.Responses,
			failing{"429;code=insufficient_quota", "balance", 0, 0}, failing{"429;retry-after=30", "rate_limited", 29 * time.Second, 34 * time.Second}),
		Entry("Anthropic", "anthropic", "anthropic", "claude-sonnet-5-5", harness.Messages,
			failing{"429;retry-after=30", "rate_limited", 29 * time.Second, 34 * time.Second}, failing{"529", "overloaded", 0, 0},
			failing{"400;message=Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.", "balance", 0, 0},
			failing{"401", "auth", 0, 0}),
		Entry("DeepSeek", "deepseek", "deepseek", "deepseek-v4-pro", harness.Chat,
			failing{"402", "balance", 0, 0}, failing{"401", "auth", 0, 0}, failing{"503", "overloaded", 0, 0}),
		Entry("Moonshot", "moonshot", "moonshot", "kimi-k2.7-code", harness.Chat,
			failing{"429;code=exceeded_current_quota_error", "balance", 0, 0}, failing{"429;code=engine_overloaded_error", "overloaded", 0, 0},
			failing{"429;code=rate_limit_reached_error", "rate_limited", 0, 0}),
		Entry("Groq", "groq", "groq", "openai/gpt-oss-120b", harness.Chat,
			failing{"429;retry-after=30", "rate_limited", 29 * time.Second, 34 * time.Second}, failing{"498", "overloaded", 0, 0}),
		Entry("OpenRouter", "openrouter", "openrouter", "z-ai/glm-5.2", harness.Chat,
			failing{"402", "balance", 0, 0}, failing{"429", "rate_limited", 0, 0}, failing{"502", "overloaded", 0, 0}),
	)

	It("30 of Gemini name the wait inside the body", func() {
		gw, up := pool("openai-compatible", simulator.Options{}, "a", "b")
		body := `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota.","details":[` +
			`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]},` +
			`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]`
		up.Script(simulator.Selector{Key: "a"}, simulator.Reply(429, "application/json", body))
		asks(gw, 2, harness.Ask{})
		Expect(left(gw, "k1")).To(BeNumerically("~", 35*time.Second, 4*time.Second))
	})

	It("30 of Gemini about a day's quota rest the model until midnight in California", func() {
		gw, up := pool("openai-compatible", simulator.Options{}, "a", "b")
		body := `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota.","details":[` +
			`{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},` +
			`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]`
		up.Script(simulator.Selector{Key: "a"}, simulator.Reply(429, "application/json", body))
		asks(gw, 2, harness.Ask{})
		zone, err := time.LoadLocation("America/Los_Angeles")
		if err != nil {
			Skip("no time zones here: " + err.Error())
		}
		now := time.Now().In(zone)
		midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, zone)
		Expect(left(gw, "k1")).To(BeNumerically("~", time.Until(midnight), 15*time.Second))
		rest := gw.Key(GinkgoT(), "one", "k1").Rests[0]
		Expect(rest.Model).To(Equal("m"), "the key serves other models")
		Expect(up.Keys()).To(Equal([]string{"a", "b", "b"}))
	})
})
