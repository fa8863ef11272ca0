package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// sealed starts a gateway whose only key went into the vault through the API.
func sealed(secret string, more ...string) (*harness.Gateway, *harness.Upstream, harness.Config) {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), simulator.Options{})
	c := guardedConfig(up, more...)
	c.Providers[0].Keys = nil
	gw := harness.Start(GinkgoT(), c)
	gw.Local().Must(GinkgoT(), http.MethodPost, "/api/keys", map[string]any{"provider": "one", "name": "main", "secret": secret})
	return gw, up, c
}

// keyPath is where aimux puts the key that opens the vault.
func keyPath(gw *harness.Gateway) string {
	return filepath.Join(gw.Dir, "config", "aimux-vault", "vault.key")
}

// refusesToStart restarts a gateway that has ended and returns what it said.
func refusesToStart(gw *harness.Gateway) string {
	GinkgoHelper()
	mark := len(gw.Log())
	Expect(gw.Restart(GinkgoT())).NotTo(Succeed())
	return gw.Log()[mark:]
}

var _ = Describe("The vault", func() {
	const secret = "sk-vaulted-0123456789abcdefghij"

	It("keeps a key that the API was given, and the provider gets it, also after a restart", func() {
		gw, up, _ := sealed(secret)
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal(secret))
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal(secret))
	})

	It("shows it nowhere: not in Caddy's configuration, nor in any file or answer", func() {
		gw, _, c := sealed(secret)
		asks(gw, 1, harness.Ask{})
		response, config := fetch(http.MethodGet, gw.Admin+"/config/")
		Expect(response.StatusCode).To(Equal(200))
		adapted, err := gw.Command(c, "adapt", "--config", "Caddyfile")
		Expect(err).NotTo(HaveOccurred(), adapted)
		Expect(adapted).To(ContainSubstring("vault:one-main"))
		Expect(gw.Reload(guardedAgain(gw))).To(Succeed())
		places := gw.Files(GinkgoT())
		Expect(places).To(HaveKey("config/caddy/autosave.json"))
		places["GET /config/"], places["adapt"] = string(config), adapted
		for _, path := range []string{"/api/keys", "/api/providers", "/api/config", "/api/audit", "/api/meta"} {
			places[path] = string(gw.Local().Must(GinkgoT(), http.MethodGet, path, nil).Body)
		}
		for name, text := range places {
			Expect(text).NotTo(ContainSubstring(secret), name)
		}
		Expect(places["/api/keys"]).To(ContainSubstring(`"last4":"ghij"`))
	})

	It("lets only its owner read what it writes", func() {
		gw, _, _ := sealed(secret)
		for _, path := range []string{gw.Data("vault.json"), keyPath(gw), gw.Data("overrides.toon")} {
			info, err := os.Stat(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Mode().Perm()&0o077).To(BeZero(), path)
		}
	})

	It("gives a key to no other address than the one it was stored for", func() {
		gw, up, c := sealed(secret)
		thief := harness.NewUpstream(GinkgoT(), simulator.Options{})
		c.Providers[0].URL = thief.URL()
		Expect(gw.Reload(c)).To(MatchError(SatisfyAll(ContainSubstring("one-main"), ContainSubstring(up.Listener.Addr()))))
		asks(gw, 1, harness.Ask{})
		Expect(gw.Rewrite(c)).To(Succeed())
		Expect(gw.Stop()).To(Succeed())
		Expect(refusesToStart(gw)).To(ContainSubstring("one-main"))
		Expect(thief.Count()).To(BeZero())
		// Nor to a second address that the provider gets.
		c.Providers[0].URL = up.URL()
		c.Providers[0].More = append(c.Providers[0].More, "anthropic_base_url: \""+thief.URL()+"\"")
		Expect(gw.Rewrite(c)).To(Succeed())
		Expect(refusesToStart(gw)).To(ContainSubstring("belongs to"))
	})

	DescribeTable("that is not as it should be keeps aimux from starting, which says why, while one that runs goes on",
		func(harm func(*harness.Gateway), want string) {
			gw, up, _ := sealed(secret)
			gw.Local().Must(GinkgoT(), http.MethodPost, "/api/keys", map[string]any{"provider": "one", "name": "spare", "secret": "sk-spare-0123456789"})
			harm(gw)
			err := gw.Reload(guardedAgain(gw))
			if err != nil { // what is open already may be used on
				Expect(err.Error()).NotTo(ContainSubstring(secret))
			}
			asks(gw, 2, harness.Ask{})
			Expect(gw.Stop()).To(Succeed())
			count := up.Count()
			said := refusesToStart(gw)
			Expect(said).To(ContainSubstring(want))
			Expect(said).NotTo(ContainSubstring(secret))
			Expect(up.Count()).To(Equal(count))
		},
		Entry("a bit of a sealed secret", harms(func(t string) string { return flipIn(t, `"sealed":"`) }), "keystore"),
		Entry("a bit of the MAC", harms(func(t string) string { return flipIn(t, `"mac":"`) }), "keystore"),
		Entry("a bit of an origin", harms(func(t string) string { return strings.Replace(t, "127.0.0.1", "127.0.0.3", 1) }), "changed"),
		Entry("cut in half", harms(func(t string) string { return t[:len(t)/2] }), "vault.json"),
		Entry("empty", harms(func(string) string { return "" }), "vault.json"),
		Entry("two records swapped", harms(swapRecords), "vault.json"),
		Entry("hostile Argon2 parameters", harms(func(t string) string {
			return strings.Replace(t, `"name": "none"`, `"name": "argon2id", "memory_kib": 4294967295, "time": 4294967295, "threads": 255, "salt": "AAAAAAAAAAAAAAAAAAAAAA=="`, 1)
		}), "vault.json"),
		Entry("no key file", func(gw *harness.Gateway) { Expect(os.Remove(keyPath(gw))).To(Succeed()) }, "key"),
		Entry("another key", func(gw *harness.Gateway) {
			other, err := os.ReadFile(keyPath(gw))
			Expect(err).NotTo(HaveOccurred())
			Expect(os.WriteFile(keyPath(gw), shuffled(other), 0o600)).To(Succeed())
		}, "key"),
		Entry("a key file that others may read", func(gw *harness.Gateway) { Expect(os.Chmod(keyPath(gw), 0o644)).To(Succeed()) }, "vault.key"),
		Entry("a keystore that is gone", func(gw *harness.Gateway) { Expect(os.Remove(gw.Data("vault.json"))).To(Succeed()) }, "no vault"),
	)

	It("that is an older copy is noticed, and says how to accept it", func() {
		gw, up, _ := sealed(secret)
		older, err := os.ReadFile(gw.Data("vault.json"))
		Expect(err).NotTo(HaveOccurred())
		gw.Local().Must(GinkgoT(), http.MethodPut, "/api/keys/one/main", map[string]any{"secret": "sk-new-0123456789abcdefghij"})
		Expect(gw.Stop()).To(Succeed())
		Expect(os.WriteFile(gw.Data("vault.json"), older, 0o600)).To(Succeed())
		said := refusesToStart(gw)
		Expect(said).To(SatisfyAll(ContainSubstring("older copy"), ContainSubstring("vault.json"), ContainSubstring("AIMUX_ACCEPT_VAULT=2")))
		gw.Setenv("AIMUX_ACCEPT_VAULT=1") // another one than it is
		Expect(refusesToStart(gw)).To(ContainSubstring("older copy"))
		gw.Setenv("AIMUX_ACCEPT_VAULT=2")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal(secret))
		Eventually(gw.Data("audit")).Should(BeADirectory())
		Expect(gw.Stop()).To(Succeed())
		gw.Setenv("AIMUX_ACCEPT_VAULT=")
		Expect(gw.Restart(GinkgoT())).To(Succeed(), "it is the newest now")
	})

	It("may be opened by a passphrase from a file, and not by another", func() {
		dir := GinkgoT().TempDir()
		path := filepath.Join(dir, "passphrase")
		Expect(os.WriteFile(path, []byte("correct horse battery staple 4711\n"), 0o600)).To(Succeed())
		gw, up, _ := sealed(secret, "vault:\n  key: \"passphrase:"+path+"\"")
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal(secret))
		Expect(gw.Stop()).To(Succeed())
		Expect(os.WriteFile(path, []byte("another passphrase altogether 4712"), 0o600)).To(Succeed())
		said := refusesToStart(gw)
		Expect(said).To(ContainSubstring("passphrase"))
		Expect(said).NotTo(ContainSubstring("another passphrase"))
	})

	It("has its key replaced through the API without an error for anybody", func() {
		gw, up, _ := sealed(secret)
		gw.Local().Must(GinkgoT(), http.MethodPut, "/api/keys/one/main", map[string]any{"secret": "sk-replaced-0123456789"})
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal("sk-replaced-0123456789"))
		gw.Local().Must(GinkgoT(), http.MethodDelete, "/api/keys/one/main", nil)
		Expect(gw.Files(GinkgoT())["data/caddy/aimux/vault.json"]).NotTo(ContainSubstring(`"one-main"`))
	})
})

// harms returns what writes a keystore anew with a change.
func harms(change func(string) string) func(*harness.Gateway) {
	return func(gw *harness.Gateway) {
		GinkgoHelper()
		text, err := os.ReadFile(gw.Data("vault.json"))
		Expect(err).NotTo(HaveOccurred())
		changed := change(string(text))
		Expect(changed).NotTo(Equal(string(text)))
		Expect(os.WriteFile(gw.Data("vault.json"), []byte(changed), 0o600)).To(Succeed())
	}
}

// flipIn changes one letter a little after a mark.
func flipIn(text, mark string) string {
	text = strings.ReplaceAll(text, `": "`, `":"`)
	i := strings.LastIndex(text, mark) + len(mark) + 5
	b := []byte(text)
	if b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

// shuffled exchanges letters of the last line that has more than a few: of a key
// file, the key.
func shuffled(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	key := lines[len(lines)-1]
	i := bytes.IndexFunc(key[1:], func(r rune) bool { return byte(r) != key[0] }) + 1
	key[0], key[i] = key[i], key[0]
	return text
}

// swapRecords gives each of two records the other's sealed secret.
func swapRecords(text string) string {
	var document map[string]any
	Expect(json.Unmarshal([]byte(text), &document)).To(Succeed())
	records := document["records"].([]any)
	one, two := records[0].(map[string]any), records[1].(map[string]any)
	one["sealed"], two["sealed"] = two["sealed"], one["sealed"]
	out, err := json.Marshal(document)
	Expect(err).NotTo(HaveOccurred())
	return string(out)
}
