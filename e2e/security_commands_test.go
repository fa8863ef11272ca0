package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// command runs aimux where a gateway lives; it has to work.
func command(gw *harness.Gateway, args ...string) string {
	GinkgoHelper()
	out, err := gw.Command(gw.Config(), args...)
	Expect(err).NotTo(HaveOccurred(), "aimux %s: %s", strings.Join(args, " "), out)
	return out
}

// token takes a client's token out of what a command wrote.
func token(out string) string {
	GinkgoHelper()
	for word := range strings.FieldsSeq(out) {
		if strings.HasPrefix(word, "amx_") {
			return word
		}
	}
	Fail("there is no token in " + out)
	return ""
}

var _ = Describe("The commands for keys", func() {
	It("lead out of the refusal to serve strangers, as its message says", func() {
		name, err := os.Hostname()
		Expect(err).NotTo(HaveOccurred())
		addresses, err := net.LookupHost(name)
		if err != nil || len(addresses) == 0 || !net.ParseIP(addresses[0]).IsLoopback() {
			Skip("this machine's name, which aimux takes for one that others reach, does not lead to a loopback address")
		}
		c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}))
		c.Caddyfile = strings.Replace(c.Caddyfile, "bind 127.0.0.1", "bind "+name, 1)
		gw, err := harness.TryStart(GinkgoT(), c)
		Expect(err).To(MatchError(ContainSubstring("aimux clients create NAME")))
		key := token(command(gw, "clients", "create", "anna", "--rpm", "2"))
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		Expect(try(gw, "")).To(Equal(unauthenticated))
		Expect(try(gw, key)).To(Equal(harness.OK))
		Expect(try(gw, key)).To(Equal(harness.OK))
		Expect(try(gw, key)).To(Equal(limited))
		command(gw, "clients", "revoke", "anna")
		Eventually(func() harness.Outcome { return try(gw, key) }).Should(Equal(unauthenticated))
		Expect(gw.Stop()).To(Succeed())
		Expect(refusesToStart(gw)).To(ContainSubstring("aimux has no client keys"))
	})

	It("store a provider's key that a running gateway uses at once, and name it nowhere", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		c := guardedConfig(up)
		c.Providers[0].Keys = nil
		gw := harness.Start(GinkgoT(), c)
		file := filepath.Join(GinkgoT().TempDir(), "key")
		Expect(os.WriteFile(file, []byte("sk-by-command-0123456789\n"), 0o600)).To(Succeed())
		out := command(gw, "keys", "add", "one", "main", "--file", file)
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal("sk-by-command-0123456789"))
		out += command(gw, "keys", "list") + command(gw, "vault", "status") + command(gw, "audit", "show")
		Expect(out).To(SatisfyAll(ContainSubstring("main"), ContainSubstring("key.create")))
		Expect(out).NotTo(ContainSubstring("sk-by-command"))
		refused, err := gw.Command(c, "keys", "add", "one", "spare", "sk-in-the-arguments-0123456789")
		Expect(err).To(HaveOccurred(), "a key in the arguments is seen by every user of the machine")
		Expect(refused).NotTo(ContainSubstring("sk-in-the-arguments"))
	})

	It("tell by their exit whether the audit log holds", func() {
		gw, _, _ := sealed("sk-vaulted-0123456789")
		client(gw, map[string]any{"name": "anna"})
		command(gw, "audit", "verify")
		text, err := os.ReadFile(audits(gw)[0])
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(audits(gw)[0], []byte(strings.Replace(string(text), "client.create", "client.delete", 1)), 0o600)).To(Succeed())
		out, err := gw.Command(gw.Config(), "audit", "verify")
		Expect(err).To(HaveOccurred(), out)
		Expect(gw.Stop()).To(Succeed())
		out, err = gw.Command(gw.Config(), "audit", "verify")
		Expect(err).To(HaveOccurred(), "also without a server: %s", out)
	})

	It("bring an older vault back by a backup, which is no rollback", func() {
		gw, up, _ := sealed("sk-vaulted-0123456789")
		passphrase := filepath.Join(GinkgoT().TempDir(), "passphrase")
		Expect(os.WriteFile(passphrase, []byte("correct horse battery staple 4711\n"), 0o600)).To(Succeed())
		backup := filepath.Join(gw.Dir, "copy.age")
		command(gw, "backup", "--to", backup, "--passphrase-file", passphrase)
		gw.Local().Must(GinkgoT(), "PUT", "/api/keys/one/main", map[string]any{"secret": "sk-replaced-0123456789"})
		Expect(gw.Stop()).To(Succeed())
		command(gw, "restore", backup, "--passphrase-file", passphrase, "--yes")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal("sk-vaulted-0123456789"))
		Expect(gw.Stop()).To(Succeed())
		command(gw, "restore", "--undo")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal("sk-replaced-0123456789"))
		command(gw, "audit", "verify")
	})
})
