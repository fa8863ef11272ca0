package e2e

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// one starts a gateway with one upstream of a kind behind the alias *.
func one(kind string, o simulator.Options, more ...string) (*harness.Gateway, *harness.Upstream) {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), o)
	p := up.As("one", kind, "upstream-key")
	gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}, More: strings.Join(more, "\n")})
	return gw, up
}

var _ = Describe("The front door", func() {
	It("answers the probes that clients send before they talk", func() {
		gw, up := one("simulator", simulator.Options{})
		for _, probe := range []struct {
			method, path string
			want         int
		}{
			{http.MethodHead, "/", 200}, {http.MethodGet, "/", 200}, {http.MethodHead, "/v1/models", 200},
			{http.MethodHead, "/api/hello", 200}, {http.MethodHead, "/v1/messages", 405}, {http.MethodGet, "/v1/chat/completions", 405},
			{http.MethodPut, "/v1/models", 405}, {http.MethodOptions, "/v1/responses", 405},
		} {
			r, _ := fetch(probe.method, gw.URL+probe.path)
			Expect(r.StatusCode).To(Equal(probe.want), "%s %s", probe.method, probe.path)
			if probe.want == 405 {
				Expect(r.Header.Get("Allow")).NotTo(BeEmpty())
			}
		}
		Expect(up.Count()).To(BeZero())
	})

	It("answers unknown paths in the form of the client's dialect", func() {
		gw, _ := one("simulator", simulator.Options{})
		_, body := fetch(http.MethodGet, gw.URL+"/v1/nothing", "x-api-key", "k")
		Expect(string(body)).To(HavePrefix(`{"type":"error","error":{"type":"not_found_error"`))
		_, body = fetch(http.MethodGet, gw.URL+"/v1/nothing", "authorization", "Bearer k")
		Expect(string(body)).To(HavePrefix(`{"error":{"message":`))
		_, body = fetch(http.MethodGet, gw.URL+"/anthropic/v1/nothing")
		Expect(string(body)).To(HavePrefix(`{"type":"error"`))
	})

	DescribeTable("finds a call below the prefixes people use", func(d harness.Dialect, path string) {
		gw, up := one("simulator", simulator.Options{})
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Path: path})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		Expect(up.Last(GinkgoT()).Query).To(BeEmpty())
	},
		Entry(nil, harness.Messages, "/v1/messages?beta=true"),
		Entry(nil, harness.Messages, "/anthropic/v1/messages"),
		Entry(nil, harness.Messages, "/v1/v1/messages"),
		Entry(nil, harness.Messages, "/messages"),
		Entry(nil, harness.Chat, "/chat/completions"),
		Entry(nil, harness.Chat, "/v1/chat/completions/"),
		Entry(nil, harness.Responses, "/responses"),
	)

	DescribeTable("sends an upstream its own key, once, and nothing of the client's", func(d harness.Dialect, kind string, header http.Header) {
		gw, up := one(kind, simulator.Options{})
		if header == nil {
			header = http.Header{}
		}
		header.Set("Cookie", "session=secret")
		header.Set("X-Forwarded-For", "10.0.0.1")
		header.Set("Proxy-Authorization", "Basic secret")
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Header: header})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		r := up.Last(GinkgoT())
		Expect(r.Key).To(Equal("upstream-key"))
		Expect(r.BothKeys).To(BeFalse())
		for name, values := range r.Header {
			Expect(strings.Join(values, " ")).NotTo(ContainSubstring(harness.ClientKey), name)
			Expect(strings.Join(values, " ")).NotTo(ContainSubstring("secret"), name)
		}
		Expect(r.Header).NotTo(HaveKey("X-Forwarded-For"))
		Expect(string(r.Body)).NotTo(ContainSubstring(harness.ClientKey))
		Expect(gw.Log()).NotTo(ContainSubstring(harness.ClientKey))
		Expect(gw.Log()).NotTo(ContainSubstring("upstream-key"))
	},
		Entry("Chat with a bearer key, to Chat", harness.Chat, "openai-compatible", nil),
		Entry("Chat with x-api-key, to Chat", harness.Chat, "openai-compatible", http.Header{"Authorization": nil, "X-Api-Key": {harness.ClientKey}}),
		Entry("Chat with both, to Messages", harness.Chat, "anthropic-compatible", http.Header{"X-Api-Key": {harness.ClientKey}}),
		Entry("Messages with x-api-key, to Messages", harness.Messages, "anthropic-compatible", nil),
		Entry("Messages with a bearer key, to Messages", harness.Messages, "anthropic", http.Header{"X-Api-Key": nil, "Authorization": {"Bearer " + harness.ClientKey}}),
		Entry("Messages with both, to Chat", harness.Messages, "openai-compatible", http.Header{"Authorization": {"Bearer " + harness.ClientKey}}),
		Entry("Responses, to Chat", harness.Responses, "openai-compatible", nil),
		Entry("Responses, to Responses", harness.Responses, "openai", nil),
	)

	It("says who answered, how often it tried, and under which id", func() {
		gw, _ := one("simulator", simulator.Options{})
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("one"))
		Expect(a.Header.Get("X-Aimux-Model")).To(Equal("m"))
		Expect(a.Header.Get("X-Aimux-Attempts")).To(Equal("1"))
		Expect(a.Header.Get("X-Aimux-Request-Id")).To(HavePrefix("req_"))
		Expect(a.Header.Get("X-Aimux-Response-Time")).To(HaveSuffix("ms"))
		x := gw.Exchange(GinkgoT(), a.Header.Get("X-Aimux-Request-Id"))
		Expect(x.Code).To(Equal("ok"))
		Expect(x.Attempts).To(HaveLen(1))
		Expect(x.Attempts[0].Key).To(Equal("k1"))
	})

	It("gives a missing anthropic-version to an Anthropic upstream, and passes a newer one on", func() {
		gw, up := one("anthropic", simulator.Options{Vendor: "anthropic", Strict: true})
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Model: "m", Header: http.Header{"Anthropic-Version": nil}})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		Expect(up.Last(GinkgoT()).Header.Get("Anthropic-Version")).To(Equal("2023-06-01"))
		gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Header: http.Header{"Anthropic-Version": {"2026-10-21"}, "Anthropic-Beta": {"a-2026-01-01,b-2026-02-02"}}})
		Expect(up.Last(GinkgoT()).Header.Get("Anthropic-Version")).To(Equal("2026-10-21"))
		Expect(up.Last(GinkgoT()).Header.Get("Anthropic-Beta")).To(Equal("a-2026-01-01,b-2026-02-02"))
	})
})
