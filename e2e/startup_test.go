package e2e

import (
	"net"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// refusal starts aimux with a configuration it must not take and returns what
// it said.
func refusal(c harness.Config) string {
	GinkgoHelper()
	begun := time.Now()
	_, err := harness.TryStart(GinkgoT(), c)
	Expect(err).To(HaveOccurred(), "aimux started")
	Expect(time.Since(begun)).To(BeNumerically("<", 10*time.Second))
	return err.Error()
}

const head = "version: 1\nproviders:\n  zai:\n    kind: zai\n"

var _ = Describe("A configuration that cannot work", func() {
	DescribeTable("is refused at the start with place, finding and remedy", func(toon string, fragments ...string) {
		said := refusal(harness.Config{Toon: toon, Env: []string{"ZAI_API_KEY=z"}})
		for _, f := range fragments {
			Expect(said).To(ContainSubstring(f))
		}
	},
		Entry("an unknown key", head+"    teir: 2\n", "aimux.toon:5", "/providers/zai", "teir", "tier"),
		Entry("a wrong type", head+"    tier: first\n", "aimux.toon:5:11", "/providers/zai/tier", "first"),
		Entry("an unknown provider in a route", head+"models[1]{alias,provider,model}:\n  coder,zia,glm-5.2\n", "aimux.toon:6", "/models/0/provider", "zia", "zai"),
		Entry("an unknown kind", "version: 1\nproviders:\n  one:\n    kind: cerebrass\n", "aimux.toon:4", "cerebras"),
		Entry("a literal secret", head+"keys[1]{provider,name,secret}:\n  zai,main,sk-abcdefghijklmnopqrstuvwxyz012345\n", "aimux.toon:6", "/keys/0/secret", "env:"),
		Entry("a missing variable", head+"keys[1]{provider,name,secret}:\n  zai,main,\"env:NOT_THERE\"\n", "aimux.toon:6", "NOT_THERE"),
		Entry("an unreadable secret", head+"keys[1]{provider,name,secret}:\n  zai,main,\"file:/no/such/file\"\n", "aimux.toon:6", "/no/such/file"),
		Entry("a base URL without https", head+"    base_url: \"http://example.com/v1\"\n", "aimux.toon:5", "https"),
		Entry("broken TOON", head+"   tier: 2\n", "aimux.toon:5"),
		Entry("a newer version", "version: 99\n", "aimux.toon:1", "99"),
	)

	It("names every mistake at once", func() {
		said := refusal(harness.Config{Toon: head + "    teir: 2\nlimits:\n  body: huge\nkeys[1]{provider,secret}:\n  nobody,\"env:X\"\n"})
		for _, f := range []string{"aimux.toon:5", "aimux.toon:7", "aimux.toon:9"} {
			Expect(said).To(ContainSubstring(f))
		}
	})

	It("does not repeat a secret it was given by mistake", func() {
		said := refusal(harness.Config{Toon: head + "keys[1]{provider,name,secret}:\n  zai,main,sk-abcdefghijklmnopqrstuvwxyz012345\n"})
		Expect(said).NotTo(ContainSubstring("abcdefghijklmnop"))
	})

	It("is refused when its file is not there", func() {
		said := refusal(harness.Config{Env: []string{"AIMUX_CONFIG=missing.toon"}})
		Expect(said).To(ContainSubstring("missing.toon"))
	})

	It("is refused when its file may not be read", func() {
		if os.Getuid() == 0 {
			Skip("root may read everything")
		}
		dir := GinkgoT().TempDir()
		path := filepath.Join(dir, "locked.toon")
		Expect(os.WriteFile(path, []byte(head), 0)).To(Succeed())
		Expect(refusal(harness.Config{Env: []string{"AIMUX_CONFIG=" + path}})).To(ContainSubstring("locked.toon"))
	})

	It("is refused when its file is a directory", func() {
		dir := filepath.Join(GinkgoT().TempDir(), "dir.toon")
		Expect(os.Mkdir(dir, 0o755)).To(Succeed())
		Expect(refusal(harness.Config{Env: []string{"AIMUX_CONFIG=" + dir}})).To(ContainSubstring("dir.toon"))
	})

	It("is refused for an environment variable that fits no setting", func() {
		said := refusal(harness.Config{Env: []string{"AIMUX_PROVIDERS__ZAI__TEIR=2"}})
		Expect(said).To(SatisfyAll(ContainSubstring("AIMUX_PROVIDERS__ZAI__TEIR"), ContainSubstring("TIER")))
	})

	It("is refused when the port is taken, and says which", func() {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		defer taken.Close()
		said := refusal(harness.Config{Caddyfile: "{\n\taimux\n\tadmin off\n}\nhttp://" + taken.Addr().String() + " {\n\tbind 127.0.0.1\n\taimux\n}\n"})
		Expect(said).To(SatisfyAll(ContainSubstring(taken.Addr().String()), ContainSubstring("address already in use")))
	})

	It("is refused for a directive misused in the Caddyfile", func() {
		said := refusal(harness.Config{Caddyfile: "{\n\tadmin off\n}\n{$AIMUX_SITE} {\n\taimux a b\n}\n"})
		Expect(said).To(ContainSubstring("Caddyfile:5"))
	})
})
