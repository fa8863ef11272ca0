package e2e

import (
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// bad is a request that no upstream may see.
type bad struct {
	name   string
	body   string
	header http.Header
	want   int
	says   string // a fragment of the message
}

// beginning returns a body of the dialect that lacks its closing brace.
func beginning(d harness.Dialect) string {
	if d == harness.Responses {
		return `{"model":"m","input":"hi"`
	}
	return `{"model":"m","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]`
}

func badRequests(d harness.Dialect) []bad {
	good := beginning(d)
	return []bad{
		{name: "broken JSON", body: good, want: 400, says: "not valid JSON"},
		{name: "two documents", body: good + "}" + good + "}", want: 400, says: "JSON"},
		{name: "a list", body: "[" + good + "}]", want: 400, says: "JSON"},
		{name: "nothing", body: "", want: 400},
		{name: "a key twice", body: good + `,"model":"other"}`, want: 400, says: "twice"},
		{name: "a key in two cases", body: good + `,"Model":"other"}`, want: 400, says: "twice"},
		{name: "a key in another case", body: strings.Replace(good, `"model"`, `"MODEL"`, 1) + "}", want: 400, says: "model"},
		{name: "a key twice behind an escape", body: good + `,"\u006dodel":"other"}`, want: 400, says: "twice"},
		{name: "no model", body: strings.Replace(good, `"model":"m",`, "", 1) + "}", want: 400, says: "model"},
		{name: "a model that is no string", body: strings.Replace(good, `"m"`, `7`, 1) + "}", want: 400, says: "model"},
		{name: "stream that is no boolean", body: good + `,"stream":"yes"}`, want: 400, says: "stream"},
		{name: "nesting too deep", body: good + `,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", want: 400, says: "deep"},
		{name: "a form", body: good + "}", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, want: 415, says: "application/json"},
		{name: "plain text", body: good + "}", header: http.Header{"Content-Type": {"text/plain"}}, want: 415, says: "application/json"},
		{name: "a compressed body", body: good + "}", header: http.Header{"Content-Encoding": {"gzip"}}, want: 415, says: "uncompressed"},
		{name: "a body over the cap", body: good + `,"x":"` + strings.Repeat("x", 70<<10) + `"}`, want: 413, says: "larger"},
		{name: "a wish nobody knows", body: good + "}", header: http.Header{"X-Aimux-Route": {"cheapest please"}}, want: 400},
	}
}

var _ = Describe("A request that is not good", func() {
	for _, d := range harness.Dialects {
		It("gets a 4xx at once in the form of "+string(d)+", and no upstream sees it", func() {
			gw, up := one("simulator", simulator.Options{}, "limits:\n  body: 64KiB")
			for _, b := range badRequests(d) {
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Body: []byte(b.body), Header: b.header})
				Expect(a.Outcome(0)).To(Equal(harness.ERR(b.want)), "%s: %s", b.name, a.Body)
				Expect(a.Message()).To(ContainSubstring(b.says), b.name)
				Expect(a.Took).To(BeNumerically("<", time.Second), b.name)
				Expect(a.Header.Get("X-Aimux-Request-Id")).NotTo(BeEmpty(), b.name)
			}
			Expect(up.Count()).To(BeZero())
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Body: []byte(beginning(d) + "}")})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "the well-made one: %s", a.Body)
		})
	}

	It("is refused by its length before the body is read", func() {
		gw, up := one("simulator", simulator.Options{})
		body := `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", 33<<20) + `"}]}`
		a := gw.Ask(GinkgoT(), harness.Ask{Body: []byte(body)})
		Expect(a.Outcome(0)).To(SatisfyAny(Equal(harness.ERR(413)), HavePrefix("LOST: no answer")), "the server may close before the client has sent all")
		Expect(up.Count()).To(BeZero())
	})

	It("is timed out when its body does not arrive", func() {
		gw, up := one("simulator", simulator.Options{}, "limits:\n  body_idle: 200ms")
		a := slowBody(gw)
		Expect(a).To(HavePrefix("HTTP/1.1 408"))
		Expect(up.Count()).To(BeZero())
	})

	It("does not harm the connection's next request", func() {
		gw, _ := one("simulator", simulator.Options{})
		for range 5 {
			Expect(gw.Ask(GinkgoT(), harness.Ask{Body: []byte("{")}).Outcome(0)).To(Equal(harness.ERR(400)))
			Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		}
	})

	DescribeTable("that only the provider can judge is passed on with its wording, and never tried again", func(d harness.Dialect) {
		gw, up := one("simulator", simulator.Options{})
		up.Script(simulator.Selector{}, simulator.Fail("400;message=temperature is out of range"))
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(400)), "%s", a.Body)
		Expect(a.Message()).To(ContainSubstring("temperature is out of range"))
		Expect(up.Count()).To(Equal(1))
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
	}, Entry(nil, harness.Chat), Entry(nil, harness.Messages), Entry(nil, harness.Responses))
})
