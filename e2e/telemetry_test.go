package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// families reads /metrics as Prometheus does.
func families(gw *harness.Gateway) map[string]*dto.MetricFamily {
	GinkgoHelper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(gw.Scrape(GinkgoT())))
	Expect(err).NotTo(HaveOccurred())
	return all
}

// documented returns the metrics of docs/observability.md with their labels.
func documented() map[string][]string {
	GinkgoHelper()
	text, err := os.ReadFile(harness.Root() + "/docs/observability.md")
	Expect(err).NotTo(HaveOccurred())
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`caddy_aimux_") && !strings.Contains(cells[1], "`gen_ai_") {
			continue
		}
		labels := strings.FieldsFunc(cells[3], func(r rune) bool { return r == ',' || r == ' ' || r == '`' || r == '–' })
		slices.Sort(labels)
		out[strings.Trim(cells[1], " `")] = labels
	}
	return out
}

// seriesOf counts the series of aimux.
func seriesOf(gw *harness.Gateway) (n int) {
	GinkgoHelper()
	for name, f := range families(gw) {
		if strings.Contains(name, "aimux") || strings.HasPrefix(name, "gen_ai") {
			n += len(f.Metric)
		}
	}
	return n
}

var _ = Describe("Metrics", func() {
	It("parse, and have the names and labels of the documentation", func() {
		bad, good := harness.NewUpstream(GinkgoT(), simulator.Options{}), harness.NewUpstream(GinkgoT(), simulator.Options{})
		c := harness.Config{Providers: []harness.Provider{bad.As("bad", "simulator", "k"), good.As("good", "openai-compatible", "k")}}
		gw := harness.Start(GinkgoT(), c)
		bad.Script(simulator.Selector{}, simulator.Fail("429;retry-after=60"))
		for _, d := range harness.Dialects {
			for _, stream := range []bool{false, true} {
				Expect(gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: stream}).Outcome(16)).To(Equal(harness.OK))
			}
		}
		want := documented()
		Expect(len(want)).To(BeNumerically(">", 30))
		for name, f := range families(gw) {
			if !strings.HasPrefix(name, "caddy_aimux_") && !strings.HasPrefix(name, "gen_ai_") {
				continue
			}
			labels, ok := want[name]
			Expect(ok).To(BeTrue(), "%s is not documented", name)
			Expect(f.GetHelp()).NotTo(BeEmpty())
			for _, m := range f.Metric {
				got := []string{}
				for _, l := range m.Label {
					got = append(got, l.GetName())
				}
				slices.Sort(got)
				Expect(got).To(Equal(labels), name)
			}
		}
	})

	It("stay bounded whatever models clients make up", func() {
		n := size("AIMUX_E2E_NAMES", 10_000)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: "log:\n  exchanges: none\n",
			Models: []harness.Route{{Alias: "made-*", Provider: "one", Model: "m"}},
		})
		name := func(i int) string { return []string{"made-%d", "one/invented-%d", "unknown-%d"}[i%3] }
		for i := range 30 {
			gw.Ask(GinkgoT(), harness.Ask{Model: fmt.Sprintf(name(i), i)})
		}
		before, memory := seriesOf(gw), used(gw)
		var next atomic.Int64
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
					gw.AskContext(context.Background(), harness.Ask{Model: fmt.Sprintf(name(i), i)})
				}
			})
		}
		wait.Wait()
		after := seriesOf(gw)
		Expect(after).To(BeNumerically("<=", before+5))
		Expect(string(gw.Scrape(GinkgoT()))).NotTo(Or(ContainSubstring("made-"), ContainSubstring("invented"), ContainSubstring("unknown-")))
		AddReportEntry(fmt.Sprintf("%d names: %d series before, %d after; %d MiB more resident", n, before, after, (used(gw)-memory)>>20))
	})

	It("only grow, over a reload and over a change of the configuration in the process", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		c := harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k"), up.As("two", "simulator", "k2")}}
		gw := harness.Start(GinkgoT(), c)
		last := map[string]float64{}
		grown := func() {
			GinkgoHelper()
			asks(gw, 5, harness.Ask{Model: "one/m", Stream: true})
			now := gw.Counters(GinkgoT())
			for series, value := range last {
				Expect(now).To(HaveKeyWithValue(series, BeNumerically(">=", value)), series)
			}
			last = now
		}
		grown()
		Expect(last[`caddy_aimux_attempts_total{class="ok",code="ok",model="m",provider="one"}`]).To(Equal(5.0))
		for i := range 3 {
			c.More = fmt.Sprintf("limits:\n  body: %dMiB\n", i+1)
			Expect(gw.Reload(c)).To(Succeed())
			grown()
			a := gw.CallAPI(GinkgoT(), "/api/providers/two/toggle", fmt.Sprintf(`{"enabled":%v}`, i%2 == 0))
			Expect(a.Status).To(Equal(200), a.Body)
			grown()
		}
		Expect(last[`caddy_aimux_attempts_total{class="ok",code="ok",model="m",provider="one"}`]).To(Equal(35.0))
	})

	It("may be scraped every 100 ms under load", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: "log:\n  exchanges: none\n"})
		usual := latencies(gw, 1000)
		ctx, cancel := context.WithCancel(context.Background())
		scrapes, done := 0, make(chan struct{})
		go func() {
			defer close(done)
			defer GinkgoRecover()
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-tick.C:
					gw.Scrape(GinkgoT())
					scrapes++
				case <-ctx.Done():
					tick.Stop()
					return
				}
			}
		}()
		with := latencies(gw, 3000)
		cancel()
		<-done
		AddReportEntry(fmt.Sprintf("%d scrapes of %d KiB; p50 %s and p99 %s with them, %s and %s without", scrapes, len(gw.Scrape(GinkgoT()))>>10,
			quantile(with, .5), quantile(with, .99), quantile(usual, .5), quantile(usual, .99)))
		Expect(scrapes).To(BeNumerically(">", 3))
		Expect(quantile(with, 0.5)).To(BeNumerically("<", 2*quantile(usual, 0.5)+time.Millisecond))
		Expect(quantile(with, 0.99)).To(BeNumerically("<", 5*quantile(usual, 0.99)+100*time.Millisecond))
	})
})

// used is the resident memory of the gateway, 0 where it is not known.
func used(gw *harness.Gateway) int64 {
	u, err := gw.Usage()
	if err != nil {
		return 0
	}
	return u.RSS
}

var _ = Describe("The log", func() {
	It("has one line of JSON for each exchange, with the decision and the attempts", func() {
		bad, good := harness.NewUpstream(GinkgoT(), simulator.Options{}), harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{bad.As("bad", "simulator", "k"), good.As("good", "simulator", "secret-of-good")},
			More:      "telemetry:\n  health_log: 1s\n",
		})
		bad.Script(simulator.Selector{}, simulator.Fail("429;retry-after=60"))
		first := gw.Ask(GinkgoT(), harness.Ask{Prompt: "PROMPT-CANARY"})
		gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: true})
		Expect(first.Outcome(16)).To(Equal(harness.OK))
		Eventually(func() []harness.LogLine { return gw.LogLines("exchange") }).Should(HaveLen(2))
		var line struct {
			RequestID  string `json:"request_id"`
			Provider   string
			Target     string
			Attempts   int
			Strategy   string
			Candidates int
			Code       string
			Tried      []struct {
				Provider, Model, Key, Class, Code string
				Status                            int
				MS                                float64
			}
		}
		Expect(json.Unmarshal([]byte(gw.LogLines("exchange")[0].Raw), &line)).To(Succeed())
		Expect(line.RequestID).To(Equal(first.Header.Get("X-Aimux-Request-Id")))
		Expect(line.Attempts).To(Equal(2))
		Expect(line.Strategy).To(Equal("ordered"))
		Expect(line.Candidates).To(Equal(2))
		Expect(line.Tried).To(HaveLen(2))
		Expect(line.Tried[0]).To(And(HaveField("Provider", "bad"), HaveField("Key", "k1"), HaveField("Class", "rate_limited"), HaveField("Status", 429)))
		Expect(line.Tried[1]).To(And(HaveField("Provider", "good"), HaveField("Class", "ok"), HaveField("MS", BeNumerically(">", 0))))
		Eventually(func() []harness.LogLine { return gw.LogLines("provider health") }).Should(ContainElement(HaveField("Raw", And(
			ContainSubstring(`"provider":"good"`), ContainSubstring(`"ping_ms":`), ContainSubstring(`"success_rate":1`), ContainSubstring(`"tokens_in":`), ContainSubstring(`"bytes_out":`), ContainSubstring(`"uptime":`)))))
		Expect(gw.LogLines("provider health")).To(ContainElement(HaveField("Raw", And(ContainSubstring(`"provider":"bad"`), ContainSubstring(`"errors":{"rate_limited":1}`)))))
		Expect(gw.Log()).NotTo(Or(ContainSubstring("PROMPT-CANARY"), ContainSubstring("secret-of-good"), ContainSubstring("the aimux simulator")))
	})

	It("takes its level and its file from Caddy's log directive", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		caddyfile := "{\n\taimux {$AIMUX_CONFIG}\n\tadmin {$AIMUX_ADMIN}\n\tlog default {\n\t\texclude aimux\n\t}\n\tlog gateway {\n\t\toutput file gateway.log {\n\t\t\troll_size 1MiB\n\t\t\troll_keep 2\n\t\t}\n\t\tinclude aimux\n\t\tlevel DEBUG\n\t}\n}\n" +
			"{$AIMUX_SITE} {\n\tbind 127.0.0.1\n\taimux\n}\n"
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}, Caddyfile: caddyfile})
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		Eventually(func() string {
			text, _ := os.ReadFile(gw.Dir + "/gateway.log")
			return string(text)
		}).Should(And(ContainSubstring(`"msg":"exchange"`), ContainSubstring(`"msg":"attempt"`)))
		Expect(gw.LogLines("exchange")).To(BeEmpty())
	})
})

var _ = Describe("The API of what is seen", func() {
	It("answers as openapi.json says, with real figures in it", func() {
		api, err := harness.ReadOpenAPI()
		Expect(err).NotTo(HaveOccurred())
		bad, good := harness.NewUpstream(GinkgoT(), simulator.Options{}), harness.NewUpstream(GinkgoT(), simulator.Options{})
		c := harness.Config{Providers: []harness.Provider{bad.As("bad", "simulator", "k"), good.As("good", "openai-compatible", "k")}, Env: []string{hookSecret}}
		c.More = clientRows(&c, "known") + alertsOf("", "resting,key_resting,1,1")
		gw := harness.Start(GinkgoT(), c)
		bad.Script(simulator.Selector{}, forever("401"))
		known := map[string][]string{"Authorization": {"Bearer known-secret-of-twenty-bytes"}}
		var id string
		for i := range 12 {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Chat, Stream: i%2 == 0, Header: known})
			Expect(a.Outcome(16)).To(Equal(harness.OK))
			if i == 0 {
				id = a.Header.Get("X-Aimux-Request-Id")
			}
		}
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Status).To(Equal(401))
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(13))
		Eventually(func() []string { return shownAlerts(gw) }).WithTimeout(evaluated).Should(ContainElement("resting bad firing"))
		for _, call := range []struct{ pattern, path string }{
			{"/api/metrics", "/api/metrics"}, {"/api/metrics", "/api/metrics?window=1h"}, {"/api/metrics/history", "/api/metrics/history"},
			{"/api/metrics/history", "/api/metrics/history?span=24h"}, {"/api/providers", "/api/providers"}, {"/api/providers/{id}", "/api/providers/bad"},
			{"/api/requests", "/api/requests"}, {"/api/requests", "/api/requests?provider=good&limit=3"}, {"/api/requests/{id}", "/api/requests/" + id},
			{"/api/requests/{id}", "/api/requests/nobody"}, {"/api/alerts", "/api/alerts"}, {"/api/usage", "/api/usage?by=provider"},
			{"/api/usage", "/api/usage?by=hour"}, {"/api/usage", "/api/usage?by=nothing"}, {"/api/sessions", "/api/sessions"}, {"/api/meta", "/api/meta"}, {"/api/keys", "/api/keys"},
		} {
			Expect(api.Check(call.pattern, gw.CallAPI(GinkgoT(), call.path, ""))).To(Succeed(), call.path)
		}
		var figures struct{ Requests, Failures, Attempts int64 }
		gw.API(GinkgoT(), "/api/metrics?window=5m", &figures)
		Expect(figures.Requests).To(BeEquivalentTo(13))
		Expect(figures.Attempts).To(BeNumerically(">", 12))
		var one struct {
			ID       string
			Decision struct {
				Strategy   string
				Candidates []struct{ Provider string }
			}
			Attempts []struct{ Provider, Class string }
		}
		gw.API(GinkgoT(), "/api/requests/"+id, &one)
		Expect(one.ID).To(Equal(id))
		Expect(one.Decision.Strategy).To(Equal("ordered"))
		Expect(one.Decision.Candidates).To(HaveLen(2))
		Expect(len(one.Attempts)).To(BeNumerically(">=", 2))
	})
})
