package e2e

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("A first run", func() {
	It("answers any model name with the simulator when no key is around, and says so in one line", func() {
		gw := harness.Start(GinkgoT(), harness.Config{})
		for _, d := range harness.Dialects {
			for _, stream := range []bool{false, true} {
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Model: "whatever-1", Stream: stream})
				Expect(a.Outcome(16)).To(Equal(harness.OK), "%s stream=%v", d, stream)
				Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("simulator"))
			}
		}
		Expect(gw.LogLines("simulator answers")).To(HaveLen(1))
		Expect(gw.Status(GinkgoT()).Simulated).To(BeTrue())
	})

	It("uses the provider whose key is in the environment, and its second key too", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: "cerebras", Strict: true})
		gw := harness.Start(GinkgoT(), harness.Config{Env: []string{
			"CEREBRAS_API_KEY=first", "CEREBRAS_API_KEY_2=second",
			"AIMUX_PROVIDERS__CEREBRAS__BASE_URL=" + up.URL() + "/v1", "AIMUX_PROVIDERS__CEREBRAS__ALLOW_HTTP=true",
		}})
		for range 4 {
			a := gw.Ask(GinkgoT(), harness.Ask{Model: "gpt-oss-120b"})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
			Expect(a.Header.Get("X-Aimux-Provider")).To(Equal("cerebras"))
		}
		Expect(up.Keys()).To(Equal([]string{"first", "second", "first", "second"}))
		Expect(gw.LogLines("simulator answers")).To(BeEmpty())
	})

	It("answers the curl lines of a newcomer", func() {
		gw := harness.Start(GinkgoT(), harness.Config{})
		for path, want := range map[string]int{"/": 200, "/healthz": 200, "/readyz": 200, "/v1/models": 200, "/v1/models/default": 200, "/v2": 404} {
			r, err := http.Get(gw.URL + path)
			Expect(err).NotTo(HaveOccurred())
			r.Body.Close()
			Expect(r.StatusCode).To(Equal(want), path)
		}
	})

	It("ends in good order when asked to", func() {
		gw := harness.Start(GinkgoT(), harness.Config{})
		Expect(gw.Stop()).To(Succeed())
	})
})
