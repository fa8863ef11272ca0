package e2e

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// parent is what a client says of its trace.
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// traced starts a gateway that sends traces to a collector: a provider that
// fails first, one that speaks another dialect behind it.
func traced(endpoint, more string) (gw *harness.Gateway, bad, good *harness.Upstream) {
	GinkgoHelper()
	bad = harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad"})
	good = harness.NewUpstream(GinkgoT(), simulator.Options{Name: "good", TTFT: 20 * time.Millisecond})
	gw = harness.Start(GinkgoT(), harness.Config{
		Providers: []harness.Provider{bad.As("bad", "anthropic-compatible", "bad-upstream-key"), good.As("good", "openai-compatible", "good-upstream-key")},
		More:      "telemetry:\n  traces: " + `"` + endpoint + `"` + "\n" + more,
		Env:       []string{"OTLP_TOKEN=token-of-the-collector"},
	})
	return gw, bad, good
}

// spansOf waits for the spans of an exchange.
func spansOf(c *harness.Collector, id string, n int) (exchange harness.Span, below map[string]harness.Span) {
	GinkgoHelper()
	Eventually(func() int { return len(c.Of(id)) }).Should(Equal(n), "%s", c.Problem())
	below = map[string]harness.Span{}
	for _, s := range c.Of(id) {
		if s.Is["aimux.request_id"] == id {
			exchange = s
			continue
		}
		below[s.Name+"@"+fmt.Sprint(s.Is["aimux.provider"])] = s
	}
	return exchange, below
}

var _ = Describe("Traces", func() {
	It("show an exchange, its attempts and its translation below the client's own span", func() {
		c := harness.NewCollector(GinkgoT())
		gw, bad, good := traced(c.URL, "  service: my-gateway\n  trace_headers:\n    authorization: \"env:OTLP_TOKEN\"\n")
		bad.Script(simulator.Selector{}, simulator.Fail("529"), simulator.Fail("529"))
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: true, Prompt: "PROMPT-CANARY", Header: http.Header{"Traceparent": {parent}}})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		id := a.Header.Get("X-Aimux-Request-Id")
		tried := len(gw.Exchange(GinkgoT(), id).Attempts)
		Expect(tried).To(BeNumerically(">=", 2))
		x, below := spansOf(c, id, tried+2)

		Expect(hex.EncodeToString(x.TraceId)).To(Equal("0af7651916cd43dd8448eb211c80319c"))
		Expect(hex.EncodeToString(x.ParentSpanId)).To(Equal("b7ad6b7169203331"))
		Expect(x.Name).To(Equal("POST /v1/messages"))
		Expect(x.Kind).To(Equal(tracepb.Span_SPAN_KIND_SERVER))
		used := good.Last(GinkgoT()).Used
		Expect(x.Is).To(SatisfyAll(
			HaveKeyWithValue("gen_ai.operation.name", "chat"), HaveKeyWithValue("gen_ai.request.model", "any-model"), HaveKeyWithValue("gen_ai.response.model", "m"),
			HaveKeyWithValue("gen_ai.usage.input_tokens", int64(used.Input)), HaveKeyWithValue("gen_ai.usage.output_tokens", int64(used.Output)),
			HaveKeyWithValue("http.response.status_code", int64(200)), HaveKeyWithValue("aimux.attempts", int64(tried))))
		Expect(x.EndTimeUnixNano - x.StartTimeUnixNano).To(BeNumerically(">", 20*time.Millisecond))
		Expect(x.Events).To(HaveLen(1))
		Expect(x.Events[0].Name).To(Equal("first token"))

		failed, answered := below["chat m@bad"], below["chat m@good"]
		for _, s := range []harness.Span{failed, answered} {
			Expect(s.Span).NotTo(BeNil(), "%v", below)
			Expect(s.ParentSpanId).To(Equal(x.SpanId))
			Expect(s.Kind).To(Equal(tracepb.Span_SPAN_KIND_CLIENT))
			Expect(s.StartTimeUnixNano).To(BeNumerically(">=", x.StartTimeUnixNano))
			Expect(s.EndTimeUnixNano).To(BeNumerically("<=", x.EndTimeUnixNano))
		}
		Expect(failed.Status.GetCode()).To(Equal(tracepb.Status_STATUS_CODE_ERROR))
		Expect(failed.Is).To(SatisfyAll(HaveKeyWithValue("error.type", "overloaded"), HaveKeyWithValue("aimux.key", "k1"), HaveKeyWithValue("http.response.status_code", int64(529))))
		Expect(answered.Status.GetCode()).NotTo(Equal(tracepb.Status_STATUS_CODE_ERROR))
		translation := below["translate anthropic to openai@<nil>"]
		Expect(translation.Span).NotTo(BeNil(), "%v", below)
		Expect(translation.ParentSpanId).To(Equal(answered.SpanId))
		Expect(translation.EndTimeUnixNano).To(And(BeNumerically(">=", translation.StartTimeUnixNano), BeNumerically("<=", answered.EndTimeUnixNano)))

		Expect(c.Resource()).To(HaveKeyWithValue("service.name", "my-gateway"))
		Expect(c.Headers()[0].Get("Authorization")).To(Equal("token-of-the-collector"))
		for _, s := range c.Spans() {
			Expect(s.String()).NotTo(Or(ContainSubstring("PROMPT-CANARY"), ContainSubstring("upstream-key"), ContainSubstring("the aimux simulator")))
		}
		for _, r := range append(bad.Requests(), good.Requests()...) {
			Expect(r.Header).NotTo(HaveKey("Traceparent"), "a provider is not told by default")
		}
	})

	It("go on at the provider where telemetry.propagate says so", func() {
		c := harness.NewCollector(GinkgoT())
		gw, bad, _ := traced(c.URL, "  propagate: true\n")
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Header: http.Header{"Traceparent": {parent}, "Tracestate": {"vendor=secret"}}})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		_, below := spansOf(c, a.Header.Get("X-Aimux-Request-Id"), 2)
		told := bad.Last(GinkgoT()).Header
		Expect(told.Get("Traceparent")).To(Equal("00-0af7651916cd43dd8448eb211c80319c-" + hex.EncodeToString(below["chat m@bad"].SpanId) + "-01"))
		Expect(told).NotTo(HaveKey("Tracestate"))
	})

	It("are left out where the client has decided so, and sampled by its trace where it has not", func() {
		c := harness.NewCollector(GinkgoT())
		gw, _, _ := traced(c.URL, "  trace_sample: 0\n")
		not := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Header: http.Header{"Traceparent": {strings.TrimSuffix(parent, "01") + "00"}}})
		none := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages})
		wanted := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Header: http.Header{"Traceparent": {parent}}})
		spansOf(c, wanted.Header.Get("X-Aimux-Request-Id"), 2)
		Expect(c.Of(not.Header.Get("X-Aimux-Request-Id"))).To(BeEmpty())
		Expect(c.Of(none.Header.Get("X-Aimux-Request-Id"))).To(BeEmpty())
	})

	DescribeTable("harm nothing when their collector", func(endpoint func() string) {
		gw, bad, _ := traced(endpoint(), "")
		begun := time.Now()
		for range 3000 { // more than the queue holds
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		}
		took := time.Since(begun)
		Expect(bad.Count()).To(BeNumerically(">=", 3000))
		Expect(took / 3000).To(BeNumerically("<", 20*time.Millisecond))
		Eventually(func() float64 {
			counters := gw.Counters(GinkgoT())
			return counters[`caddy_aimux_deliveries_failed_total{to="traces"}`] + counters[`caddy_aimux_deliveries_dropped_total{to="traces"}`]
		}).WithTimeout(30 * time.Second).Should(BeNumerically(">", 0))
		stopping := time.Now()
		Expect(gw.Stop()).To(Succeed())
		Expect(time.Since(stopping)).To(BeNumerically("<", 8*time.Second))
		AddReportEntry(fmt.Sprintf("%s a request, ended in %s", (took / 3000).Round(time.Microsecond), time.Since(stopping).Round(time.Millisecond)))
	},
		Entry("is dead", func() string { return "http://" + harness.FreeAddr(GinkgoT()) }),
		Entry("takes connections and never answers", func() string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(l.Close)
			return "http://" + l.Addr().String()
		}),
	)
})
