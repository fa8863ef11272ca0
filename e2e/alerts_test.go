package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// alertsOf is TOON for alert rules of which each is name,metric,threshold,clear,
// and fires as soon as it is seen.
func alertsOf(webhook string, rules ...string) string {
	text := "alerts:\n"
	if webhook != "" {
		text += "  webhook: " + `"` + webhook + `"` + "\n  webhook_secret: \"env:HOOK_SECRET\"\n"
	}
	text += fmt.Sprintf("  rules[%d]{name,metric,threshold,clear,window,for,min_requests}:\n", len(rules))
	for _, r := range rules {
		text += "    " + r + ",\"1m\",\"0s\",10\n"
	}
	return text
}

// shownAlerts are the alerts that /api/alerts shows, as "name subject state".
func shownAlerts(gw *harness.Gateway) []string {
	GinkgoHelper()
	var answer struct {
		Alerts []struct{ Name, Provider, State string }
	}
	gw.API(GinkgoT(), "/api/alerts", &answer)
	var out []string
	for _, a := range answer.Alerts {
		out = append(out, strings.Join(strings.Fields(a.Name+" "+a.Provider+" "+a.State), " "))
	}
	return out
}

// untilDown asks until provider one counts as down.
func untilDown(gw *harness.Gateway) {
	GinkgoHelper()
	Eventually(func() float64 {
		gw.Ask(GinkgoT(), harness.Ask{})
		return gw.Gauges(GinkgoT())[`caddy_aimux_provider_up{provider="one"}`]
	}).WithPolling(200*time.Millisecond).Should(BeZero(), "%+v", gw.Keys(GinkgoT()))
}

const hookSecret = "HOOK_SECRET=what-only-the-two-know"

// evaluated is longer than two evaluations of the rules.
const evaluated = 25 * time.Second

var _ = Describe("Alerts", func() {
	It("fire and clear with hysteresis, signed, and again until the receiver takes them", func() {
		hook := harness.NewHook(GinkgoT(), "what-only-the-two-know", 2)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k")}, Env: []string{hookSecret},
			More: alertsOf(hook.URL, "errors,error_rate,0.5,0.2"),
		})
		up.Script(simulator.Selector{Model: "bad"}, forever("500"))
		for range 12 {
			Expect(gw.Ask(GinkgoT(), harness.Ask{Model: "one/bad"}).Status).To(BeNumerically(">=", 500))
		}
		Eventually(hook.Events).WithTimeout(evaluated).Should(Equal([]string{"errors firing"}))
		tries, bad := hook.State()
		Expect(bad).NotTo(HaveOccurred())
		Expect(tries).To(Equal(3), "two refusals, then it was taken")
		Expect(shownAlerts(gw)).To(ContainElement("errors firing"))
		Expect(gw.LogLines("alert")).To(ContainElement(HaveField("Raw", SatisfyAll(ContainSubstring(`"state":"firing"`), ContainSubstring(`"alert":"errors"`)))))
		Expect(gw.Gauges(GinkgoT())).To(HaveKeyWithValue(`caddy_aimux_alert_firing{alert="errors",subject=""}`, 1.0))

		asks(gw, 18, harness.Ask{Model: "one/m"}) // 12 of 30: below the threshold, above what clears
		Consistently(hook.Events).WithTimeout(11 * time.Second).WithPolling(time.Second).Should(HaveLen(1))
		asks(gw, 60, harness.Ask{Model: "one/m"}) // 12 of 90
		Eventually(hook.Events).WithTimeout(evaluated).Should(Equal([]string{"errors firing", "errors resolved"}))
		Expect(shownAlerts(gw)).To(ContainElement("errors resolved"))
		Expect(gw.Gauges(GinkgoT())).NotTo(HaveKey(`caddy_aimux_alert_firing{alert="errors",subject=""}`))
		Expect(gw.Counters(GinkgoT())).To(HaveKeyWithValue(`caddy_aimux_deliveries_sent_total{to="webhook"}`, 2.0))
	})

	It("tell of a spend limit at 80 and at 100 %, of a key that rests and of a provider that is down", func() {
		hook := harness.NewHook(GinkgoT(), "what-only-the-two-know", 0)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		one, two := up.As("one", "simulator", "k1", "k2"), up.As("two", "simulator", "k3")
		one.More = []string{"models[1]{id,input_price,output_price}:", "  m,0,1000"}
		c := harness.Config{Providers: []harness.Provider{one, two}, Env: []string{hookSecret}}
		c.More = alertsOf(hook.URL, "budget_80,budget,0.8,0.8", "budget_100,budget,1,1", "resting,key_resting,1,1", "down,provider_down,1,1") +
			strings.Replace(clientRows(&c, "spender"), "{name,secret}:\n  spender", "{name,daily_usd,secret}:\n  spender,1", 1)
		gw := harness.Start(GinkgoT(), c)
		ask := harness.Ask{Model: "one/m", Header: http.Header{"Authorization": {"Bearer spender-secret-of-twenty-bytes"}}, More: map[string]any{"max_tokens": 40}}
		spent := func() float64 {
			return gw.Gauges(GinkgoT())[`caddy_aimux_budget_spent_dollars{budget="client spender/day"}`]
		}
		for range 100 {
			Expect(gw.Ask(GinkgoT(), ask).Outcome(16)).To(Equal(harness.OK))
			if spent() >= 0.8 {
				break
			}
		}
		Eventually(hook.Events).WithTimeout(evaluated).Should(Equal([]string{"budget_80 client spender/day firing"}))
		Eventually(func() int { return gw.Ask(GinkgoT(), ask).Status }).Should(Equal(http.StatusTooManyRequests))
		Expect(spent()).To(And(BeNumerically(">", 0.9), BeNumerically("<=", 1)))
		Eventually(hook.Events).WithTimeout(evaluated).Should(ContainElement("budget_100 client spender/day firing"))
	})

	It("tell of a key that rests and of a provider that is down, until it is woken", func() {
		hook := harness.NewHook(GinkgoT(), "what-only-the-two-know", 0)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k1", "k2")}, Env: []string{hookSecret},
			More: alertsOf(hook.URL, "resting,key_resting,1,1", "down,provider_down,1,1"),
		})
		up.Script(simulator.Selector{Key: "k1"}, forever("401"))
		up.Script(simulator.Selector{Key: "k2"}, simulator.Step{Times: 3}, forever("401"))
		for range 3 {
			Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		}
		Eventually(hook.Events).WithTimeout(evaluated).Should(Equal([]string{"resting one firing"}))
		untilDown(gw)
		Eventually(hook.Events).WithTimeout(evaluated).Should(Equal([]string{"resting one firing", "down one firing"}))
		Expect(gw.Gauges(GinkgoT())).To(And(HaveKeyWithValue(`caddy_aimux_provider_up{provider="one"}`, 0.0), HaveKeyWithValue(`caddy_aimux_key_state{key="k1",provider="one",state="ready"}`, 0.0)))
		up.Reset()
		for _, key := range []string{"k1", "k2"} {
			status, body := gw.Wake(GinkgoT(), "one", key)
			Expect(status).To(Equal(200), body)
		}
		Eventually(hook.Events).WithTimeout(evaluated).Should(ContainElements("resting one resolved", "down one resolved"))
		Expect(gw.LogLines("provider health")).NotTo(ContainElement(HaveField("Raw", ContainSubstring("k1-secret"))))
	})

	It("go on in log and console while the webhook hangs, and nobody waits for it", func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k")}, Env: []string{hookSecret},
			More: alertsOf("http://"+l.Addr().String(), "resting,key_resting,1,1", "down,provider_down,1,1"),
		})
		up.Script(simulator.Selector{}, forever("401"))
		untilDown(gw)
		Eventually(func() []string { return shownAlerts(gw) }).WithTimeout(evaluated).Should(ContainElements("resting one firing", "down one firing"))
		up.Reset()
		gw.Wake(GinkgoT(), "one", "k1")
		Eventually(func() []string { return shownAlerts(gw) }).WithTimeout(evaluated).Should(ContainElements("resting one resolved", "down one resolved"))
		times := latencies(gw, 200)
		Expect(quantile(times, 0.5)).To(BeNumerically("<", 100*time.Millisecond), "who waits for the webhook waits for seconds")
		begun := time.Now()
		Expect(gw.Stop()).To(Succeed())
		Expect(time.Since(begun)).To(BeNumerically("<", 5*time.Second))
	})
})
