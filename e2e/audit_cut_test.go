package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// verdict is what the gateway's API says of its audit log.
func verdict(gw *harness.Gateway) string {
	GinkgoHelper()
	return string(gw.Local().Must(GinkgoT(), http.MethodPost, "/api/audit/verify", nil).Body)
}

var _ = Describe("The audit log", func() {
	DescribeTable("that lost its end while nobody ran is not written on, says what is missing, and how to go on", func(harm func(dir, file string, text []byte) error, missing, ends string) {
		gw, up, _ := sealed("sk-vaulted-0123456789")
		key := client(gw, map[string]any{"name": "anna"}).Token
		Expect(gw.Stop()).To(Succeed())
		file := audits(gw)[0]
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(harm(filepath.Dir(file), file, text)).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		Eventually(gw.Log).Should(SatisfyAll(ContainSubstring("the audit log was rolled back"), ContainSubstring(missing), ContainSubstring("AIMUX_ACCEPT_AUDIT="+ends+" ")))
		count := up.Count()
		Expect(gw.Ask(GinkgoT(), harness.Ask{Header: bearer(key)}).Outcome(16)).To(Equal(harness.OK), "requests go on")
		Expect(up.Count()).To(Equal(count + 1))
		r := gw.Local().Do(GinkgoT(), http.MethodPost, "/api/clients", map[string]any{"name": "bob"})
		Expect(r.Status).To(Equal(500), "%s", r.Body)
		Expect(verdict(gw)).To(SatisfyAll(ContainSubstring(`"ok":false`), ContainSubstring(missing)))
		Expect(string(gw.Scrape(GinkgoT()))).To(ContainSubstring(`caddy_aimux_store_up{store="audit"} 0`))
		Expect(gw.Stop()).To(Succeed())

		gw.Setenv("AIMUX_ACCEPT_AUDIT=" + ends)
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		gw.Setenv("AIMUX_ACCEPT_AUDIT=")
		client(gw, map[string]any{"name": "bob"})
		Expect(verdict(gw)).To(ContainSubstring(`"ok":true`))
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		client(gw, map[string]any{"name": "carl"})
		Expect(verdict(gw)).To(ContainSubstring(`"ok":true`))
		Expect(string(gw.Local().Must(GinkgoT(), http.MethodGet, "/api/audit?limit=500", nil).Body)).To(ContainSubstring(`"audit.accepted"`))
	},
		Entry("cut", func(_, file string, text []byte) error {
			return os.WriteFile(file, bytes.Join(bytes.SplitAfter(text, []byte("\n"))[:3], nil), 0o600)
		}, "records 4 to ", "3"),
		Entry("emptied", func(_, file string, _ []byte) error { return os.Truncate(file, 0) }, "records 1 to ", "0"),
		Entry("removed", func(dir, _ string, _ []byte) error { return os.RemoveAll(dir) }, "records 1 to ", "0"),
	)

	It("that a restore brings is believed, though it ends sooner, and so is what is there once that is undone", func() {
		gw, _, _ := sealed("sk-vaulted-0123456789")
		passphrase := filepath.Join(GinkgoT().TempDir(), "passphrase")
		Expect(os.WriteFile(passphrase, []byte("correct horse battery staple 4711\n"), 0o600)).To(Succeed())
		backup := filepath.Join(gw.Dir, "copy.age")
		command(gw, "backup", "--to", backup, "--passphrase-file", passphrase)
		for _, name := range []string{"anna", "bob", "carl"} {
			client(gw, map[string]any{"name": name})
		}
		Expect(gw.Stop()).To(Succeed())
		Expect(os.RemoveAll(gw.Data("audit"))).To(Succeed()) // a disk was lost, and with it the log
		command(gw, "restore", backup, "--passphrase-file", passphrase, "--yes")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		client(gw, map[string]any{"name": "dora"})
		Expect(verdict(gw)).To(ContainSubstring(`"ok":true`))
		Expect(gw.Stop()).To(Succeed())
		command(gw, "restore", "--undo")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		client(gw, map[string]any{"name": "emil"})
		Expect(verdict(gw)).To(ContainSubstring(`"ok":true`))
		Expect(gw.Log()).NotTo(ContainSubstring("rolled back"))
	})

	It("of a gateway that was killed is believed at the next start", func() {
		gw, _, _ := sealed("sk-vaulted-0123456789")
		for _, name := range []string{"anna", "bob", "carl"} {
			client(gw, map[string]any{"name": name})
			gw.Kill()
			Expect(gw.Restart(GinkgoT())).To(Succeed())
		}
		client(gw, map[string]any{"name": "dora"})
		Expect(verdict(gw)).To(ContainSubstring(`"ok":true`))
	})
})
