package e2e

import (
	"net/http"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// capturedText is a text as /api/requests/{id}/capture shows it.
type capturedText struct {
	Kind, Text string
	Bytes      int64
	Cut        bool
}

var _ = Describe("Texts of requests and answers", func() {
	start := func(more string) *harness.Gateway {
		GinkgoHelper()
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Tokens: 400})
		return harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: more})
	}

	It("are kept nowhere by default", func() {
		gw := start("")
		a := gw.Ask(GinkgoT(), harness.Ask{Prompt: "PROMPT-CANARY"})
		Expect(a.Outcome(400)).To(Equal(harness.OK))
		Eventually(func() int64 { return ledgerRows(gw) }).Should(BeEquivalentTo(1))
		Expect(gw.CallAPI(GinkgoT(), "/api/requests/"+a.Header.Get("X-Aimux-Request-Id")+"/capture", "").Status).To(Equal(http.StatusNotFound))
		Expect(gw.DataFile("captured.db")).NotTo(BeAnExistingFile())
		for _, name := range []string{"usage.db", "usage.db-wal"} {
			data, err := os.ReadFile(gw.DataFile(name))
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Contains(string(data), "CANARY")).To(BeFalse(), name)
		}
	})

	It("are kept where usage.capture asks for it: their beginnings, without keys, for administrators", func() {
		gw := start("usage:\n  capture: true\n  capture_bytes: 2KiB\n")
		api, err := harness.ReadOpenAPI()
		Expect(err).NotTo(HaveOccurred())
		for _, stream := range []bool{false, true} {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: stream, Prompt: "PROMPT-CANARY, my key is sk-ant-api03-abcdefghijklmnop0123456789"})
			Expect(a.Outcome(400)).To(Equal(harness.OK))
			path := "/api/requests/" + a.Header.Get("X-Aimux-Request-Id") + "/capture"
			Eventually(func() int { return gw.CallAPI(GinkgoT(), path, "").Status }).Should(Equal(http.StatusOK))
			Expect(api.Check("/api/requests/{id}/capture", gw.CallAPI(GinkgoT(), path, ""))).To(Succeed())
			var shown struct{ Texts []capturedText }
			gw.API(GinkgoT(), path, &shown)
			Expect(shown.Texts).To(HaveLen(2))
			request, answer := shown.Texts[0], shown.Texts[1]
			Expect(request.Kind).To(Equal("request"))
			Expect(request.Text).To(And(ContainSubstring("PROMPT-CANARY"), ContainSubstring("[removed]"), Not(ContainSubstring("sk-ant-api03"))))
			Expect(answer.Kind).To(Equal("answer"))
			Expect(answer.Text).To(ContainSubstring("simulator"))
			Expect(answer.Cut).To(BeTrue())
			Expect(len(answer.Text)).To(BeNumerically("<=", 2<<10))
			Expect(answer.Bytes).To(BeNumerically(">", 2<<10))
		}
		info, err := os.Stat(gw.DataFile("captured.db"))
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o600)))
		Expect(gw.LogLines("usage.capture")).NotTo(BeEmpty(), "it says so at the start")
		Expect(gw.Log()).NotTo(ContainSubstring("CANARY"))
	})
})
