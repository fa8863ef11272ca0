package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/e2e/harness"
)

// password is what the console's first user gets in these specs.
const password = "a-password-of-the-specs-4711"

// owner logs in as the first user and sets a password.
func owner(gw *harness.Gateway) *harness.Operator {
	GinkgoHelper()
	Eventually(gw.Password).ShouldNot(BeEmpty())
	o := gw.Visitor(GinkgoT())
	o.Must(GinkgoT(), http.MethodPost, "/api/login", map[string]any{"user": "admin", "password": gw.Password()})
	o.Must(GinkgoT(), http.MethodPost, "/api/password", map[string]any{"current": gw.Password(), "new": password})
	return o
}

// colleague makes a user of a role and logs in as them.
func colleague(gw *harness.Gateway, admin *harness.Operator, role string) *harness.Operator {
	GinkgoHelper()
	admin.Must(GinkgoT(), http.MethodPost, "/api/users", map[string]any{"user": role, "role": role, "password": password + role})
	o := gw.Visitor(GinkgoT())
	r := o.Must(GinkgoT(), http.MethodPost, "/api/login", map[string]any{"user": role, "password": password + role})
	if strings.Contains(string(r.Body), `"must_change":true`) {
		o.Must(GinkgoT(), http.MethodPost, "/api/password", map[string]any{"current": password + role, "new": password + role + "2"})
	}
	return o
}

var _ = Describe("The console", func() {
	It("answers nothing but the page to who has not logged in, however a path is spelt", func() {
		gw, _ := withClients()
		visitor := gw.Visitor(GinkgoT())
		paths := []string{"/api/keys", "/api/clients", "/api/config", "/api/audit", "/api/users", "/api/meta", "/api/requests", "/api/metrics", "/api/events", "/ws"}
		for _, path := range paths {
			for _, spelt := range []string{
				path, path + "/", "/" + path, "/." + path, "/x/.." + path, strings.ToUpper(path), strings.Replace(path, "a", "%61", 1),
				path + "%00", path + ";a=b", path + "?role=admin", "/" + strings.ReplaceAll(path[1:], "/", "%2f") + "%2f", path + ".js", "/assets/.." + path,
			} {
				r := visitor.Do(GinkgoT(), http.MethodGet, spelt, nil)
				Expect(r.Status).To(BeElementOf(400, 401, 404), "%s: %s", spelt, r.Body)
			}
		}
		Expect(visitor.Do(GinkgoT(), http.MethodGet, "/", nil).Status).To(Equal(200))
		for _, forged := range []http.Header{
			{"Authorization": {"Basic YWRtaW46YWRtaW4="}}, {"Cookie": {"aimux_session=0000000000000000000000000000000000000000000"}},
			{"X-Forwarded-User": {"admin"}}, {"X-Original-Url": {"/healthz"}}, {"X-Http-Method-Override": {"GET"}},
		} {
			visitor.Header = forged
			Expect(visitor.Do(GinkgoT(), http.MethodGet, "/api/keys", nil).Status).To(BeElementOf(401, 429), "%v", forged)
		}
	})

	It("answers to its own names only, so that no page can rebind one of its own to it", func() {
		gw, _ := withClients()
		admin := owner(gw)
		_, port, _ := strings.Cut(strings.TrimPrefix(gw.Console(), "http://"), ":")
		for host, want := range map[string]int{
			"": 200, "localhost:" + port: 200, "127.0.0.1:" + port: 200, "evil.example": 403, "evil.example:" + port: 403, "127.0.0.1": 403,
			"localhost." + ":" + port: 403, "127.0.0.1.evil.example:" + port: 403, "0.0.0.0:" + port: 403, "127.1:" + port: 403,
		} {
			admin.Host = host
			admin.Header = http.Header{}
			if host == "localhost:"+port { // the cookie belongs to the other name
				continue
			}
			r := admin.Do(GinkgoT(), http.MethodGet, "/api/keys", nil)
			// Caddy answers for names of no site, with nothing.
			answered := r.Status == 200 && len(r.Body) > 0
			Expect(answered).To(Equal(want == 200), "%q: %d %s", host, r.Status, r.Body)
		}
	})

	DescribeTable("takes no change that a page of somebody else can send with the user's cookie", func(h http.Header) {
		gw, _ := withClients()
		admin := owner(gw)
		admin.Header = h
		r := admin.Do(GinkgoT(), http.MethodPost, "/api/clients", `{"name":"mallory"}`)
		Expect(r.Status).To(BeElementOf(400, 403), "%s", r.Body)
		admin.Header = nil
		Expect(string(admin.Must(GinkgoT(), http.MethodGet, "/api/clients", nil).Body)).NotTo(ContainSubstring("mallory"))
		Expect(r.Header.Get("Access-Control-Allow-Origin")).To(BeEmpty())
	},
		Entry("another origin", http.Header{"Origin": {"https://evil.example"}}),
		Entry("a file or a sandbox", http.Header{"Origin": {"null"}}),
		Entry("another site, in the words of newer browsers", http.Header{"Sec-Fetch-Site": {"cross-site"}}),
		Entry("the same site, another origin", http.Header{"Sec-Fetch-Site": {"same-site"}}),
		Entry("another port of this host", http.Header{"Origin": {"http://127.0.0.1:1"}}),
		Entry("without rules", http.Header{"Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Site": {"cross-site"}}),
		Entry("a form", http.Header{"Content-Type": {"text/plain"}}),
		Entry("a form of fields", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}),
		Entry("no type", http.Header{"Content-Type": nil}),
	)

	It("slows down who guesses passwords, and knows no user by the answer", func() {
		gw, _ := withClients()
		admin := owner(gw)
		guesser := gw.Visitor(GinkgoT())
		var answers []string
		locked := false
		for i := range 8 {
			r := guesser.Do(GinkgoT(), http.MethodPost, "/api/login", map[string]any{"user": []string{"admin", "nobody"}[i%2], "password": "guess"})
			Expect(r.Status).To(BeElementOf(401, 429))
			if r.Status == 429 {
				locked = true
				Expect(r.Header.Get("Retry-After")).NotTo(BeEmpty())
				continue
			}
			answers = append(answers, string(r.Body))
		}
		Expect(locked).To(BeTrue())
		Expect(answers).To(HaveEach(answers[0]))
		Expect(admin.Do(GinkgoT(), http.MethodGet, "/api/meta", nil).Status).To(Equal(200), "who is logged in stays")
		records := string(admin.Must(GinkgoT(), http.MethodGet, "/api/audit", nil).Body)
		Expect(records).To(SatisfyAll(ContainSubstring(`"login"`), ContainSubstring("refused")))
		Expect(records).NotTo(ContainSubstring("guess"))
	})

	It("lets a session end when its user says so, everywhere", func() {
		gw, _ := withClients()
		admin := owner(gw)
		other := gw.Visitor(GinkgoT())
		other.Must(GinkgoT(), http.MethodPost, "/api/login", map[string]any{"user": "admin", "password": password})
		admin.Must(GinkgoT(), http.MethodPost, "/api/password", map[string]any{"current": password, "new": password + "-new"})
		Expect(other.Do(GinkgoT(), http.MethodGet, "/api/meta", nil).Status).To(Equal(401))
		admin.Must(GinkgoT(), http.MethodPost, "/api/logout", nil)
		Expect(admin.Do(GinkgoT(), http.MethodGet, "/api/meta", nil).Status).To(Equal(401))
		Expect(gw.Data("console-password")).NotTo(BeAnExistingFile())
	})

	It("does for each role what the role is for, and nothing else", func() {
		gw, _ := withClients()
		admin := owner(gw)
		operator, viewer := colleague(gw, admin, "operator"), colleague(gw, admin, "viewer")
		for _, row := range []struct {
			method, path string
			body         any
			least        string
		}{
			{"GET", "/api/keys", nil, "viewer"}, {"GET", "/api/config", nil, "viewer"}, {"GET", "/api/audit", nil, "viewer"},
			{"POST", "/api/keys/one/k1/reset", nil, "operator"}, {"POST", "/api/audit/verify", nil, "operator"},
			{"GET", "/api/users", nil, "admin"}, {"POST", "/api/clients", map[string]any{"name": "anna"}, "admin"},
			{"POST", "/api/keys", map[string]any{"provider": "one", "name": "x", "secret": "sk-0123456789abcdef"}, "admin"},
			{"DELETE", "/api/providers/one", nil, "admin"}, {"POST", "/api/users", map[string]any{"user": "eve", "role": "admin", "password": password}, "admin"},
			{"POST", "/api/config/validate", map[string]any{"set": []any{}}, "admin"}, {"PUT", "/api/config", map[string]any{"set": []any{}}, "admin"},
		} {
			for role, who := range map[string]*harness.Operator{"viewer": viewer, "operator": operator} {
				r := who.Do(GinkgoT(), row.method, row.path, row.body)
				if row.least == "viewer" || row.least == role {
					Expect(r.Status/100).To(Equal(2), "%s %s as %s: %s", row.method, row.path, role, r.Body)
				} else {
					Expect(r.Status).To(Equal(403), "%s %s as %s: %s", row.method, row.path, role, r.Body)
				}
			}
		}
	})
})

var _ = Describe("The admin endpoint", func() {
	It("takes no change that a page in the operator's browser can send, nor answers to another name", func() {
		gw, _ := withClients()
		mallory := gw.Local()
		for name, h := range map[string]http.Header{
			"another origin": {"Origin": {"https://evil.example"}}, "a sandbox": {"Origin": {"null"}},
			"another site": {"Sec-Fetch-Site": {"cross-site"}}, "a form": {"Content-Type": {"text/plain"}},
		} {
			mallory.Header = h
			r := mallory.Do(GinkgoT(), http.MethodPost, "/api/clients", `{"name":"mallory"}`)
			Expect(r.Status).To(BeElementOf(400, 403), "%s: %s", name, r.Body)
		}
		mallory.Header = nil
		for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1.evil.example"} {
			mallory.Host = host
			Expect(mallory.Do(GinkgoT(), http.MethodGet, "/api/keys", nil).Status).To(Equal(403), host)
			Expect(mallory.Do(GinkgoT(), http.MethodPost, "/api/clients", `{"name":"mallory"}`).Status).To(Equal(403), host)
		}
		Expect(string(gw.Local().Must(GinkgoT(), http.MethodGet, "/api/clients", nil).Body)).NotTo(ContainSubstring("mallory"))
		Expect(gw.Data("clients.json")).NotTo(BeAnExistingFile())
	})

	It("answers the API at one spelling of its paths", func() {
		gw, _ := withClients()
		for _, path := range []string{"/API/keys", "/api//keys", "/api/%6beys", "/api/keys/", "/api/keys/one%2fk1", "/api/../api/keys", "/api/reveal", "/api/keys/one/k1/secret"} {
			Expect(gw.Local().Do(GinkgoT(), http.MethodGet, path, nil).Status).NotTo(Equal(200), path)
		}
	})
})

var _ = Describe("The audit log", func() {
	It("has a record of every change, by whom and what came of it, and its chain holds over a restart", func() {
		gw, _ := withClients()
		admin := owner(gw)
		var anna made
		admin.Must(GinkgoT(), http.MethodPost, "/api/clients", map[string]any{"name": "anna"}).Into(GinkgoT(), &anna)
		admin.Must(GinkgoT(), http.MethodPost, "/api/clients/"+anna.Client.ID+"/rotate", map[string]any{"grace_seconds": 0})
		admin.Must(GinkgoT(), http.MethodPost, "/api/keys", map[string]any{"provider": "one", "name": "more", "secret": "sk-0123456789abcdef"})
		admin.Must(GinkgoT(), http.MethodPut, "/api/keys/one/more", map[string]any{"enabled": false})
		admin.Must(GinkgoT(), http.MethodDelete, "/api/keys/one/more", nil)
		admin.Must(GinkgoT(), http.MethodPost, "/api/providers/one/toggle", map[string]any{"enabled": true})
		admin.Must(GinkgoT(), http.MethodDelete, "/api/clients/"+anna.Client.ID, nil)
		Expect(admin.Do(GinkgoT(), http.MethodPost, "/api/keys", map[string]any{"provider": "nobody", "name": "x", "secret": "sk-0123456789abcdef"}).Status).To(Equal(404))
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		text := string(gw.Local().Must(GinkgoT(), http.MethodGet, "/api/audit?limit=500", nil).Body)
		for _, action := range []string{"server.start", "server.stop", "login", "password.set", "client.create", "client.rotate", "client.delete",
			"key.create", "key.update", "key.delete", "provider.toggle", "config.apply", "vault.seen"} {
			Expect(text).To(ContainSubstring(`"`+action+`"`), action)
		}
		Expect(text).To(SatisfyAll(ContainSubstring(`"actor":"admin"`), ContainSubstring("127.0.0.1"), ContainSubstring("refused: not_found")))
		Expect(text).NotTo(SatisfyAny(ContainSubstring("sk-0123456789abcdef"), ContainSubstring(anna.Token), ContainSubstring(password)))
		Expect(string(gw.Local().Must(GinkgoT(), http.MethodPost, "/api/audit/verify", nil).Body)).To(ContainSubstring(`"ok":true`))
	})

	It("that cannot be written keeps every change from being made, and requests go on", func() {
		gw, up, _ := sealed("sk-vaulted-0123456789")
		for _, file := range audits(gw) { // an administrator in a test may write anywhere: so there is no room at all
			Expect(os.Remove(file)).To(Succeed())
			Expect(os.Mkdir(file, 0o700)).To(Succeed())
		}
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		count := up.Count()
		for _, change := range []struct {
			method, path string
			body         any
		}{
			{"POST", "/api/clients", map[string]any{"name": "anna"}}, {"DELETE", "/api/keys/one/main", nil}, {"POST", "/api/keys/one/main/reset", nil},
			{"POST", "/api/keys", map[string]any{"provider": "one", "name": "x", "secret": "sk-0123456789abcdef"}},
			{"POST", "/api/providers/one/toggle", map[string]any{"enabled": false}},
		} {
			r := gw.Local().Do(GinkgoT(), change.method, change.path, change.body)
			Expect(r.Status).To(Equal(500), "%s %s: %s", change.method, change.path, r.Body)
			Expect(string(r.Body)).To(ContainSubstring("audit_unavailable"))
		}
		asks(gw, 2, harness.Ask{})
		Expect(up.Count()).To(Equal(count + 2))
		Expect(gw.Data("clients.json")).NotTo(BeAnExistingFile())
	})

	DescribeTable("shows that somebody wrote in it", func(harm func([]byte) []byte) {
		gw, _, _ := sealed("sk-vaulted-0123456789")
		client(gw, map[string]any{"name": "anna"})
		verify := func() string {
			return string(gw.Local().Must(GinkgoT(), http.MethodPost, "/api/audit/verify", nil).Body)
		}
		Expect(verify()).To(ContainSubstring(`"ok":true`))
		file := audits(gw)[0]
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(file, harm(bytes.Clone(text)), 0o600)).To(Succeed())
		Expect(verify()).To(SatisfyAll(ContainSubstring(`"ok":false`), ContainSubstring(`"first_bad"`)))
	},
		Entry("a word changed", func(b []byte) []byte { return bytes.Replace(b, []byte("client.create"), []byte("client.delete"), 1) }),
		Entry("a line removed", func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			return bytes.Join(append(lines[:2:2], lines[3:]...), nil)
		}),
		Entry("two lines exchanged", func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			lines[1], lines[2] = lines[2], lines[1]
			return bytes.Join(lines, nil)
		}),
		Entry("a line twice", func(b []byte) []byte {
			lines := bytes.SplitAfter(b, []byte("\n"))
			return bytes.Join(append(lines[:2:2], lines[1:]...), nil)
		}),
	)
})

// audits are the files of the audit log.
func audits(gw *harness.Gateway) []string {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(gw.Data("audit"), "*.jsonl"))
	Expect(err).NotTo(HaveOccurred())
	Expect(files).NotTo(BeEmpty())
	return files
}
