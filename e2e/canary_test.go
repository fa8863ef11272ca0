package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// canaries are secrets that can be told from everything else, by what they are.
type canaries map[string]string

// mark returns a secret of letters and digits, so that no way of writing text
// spells it in another way.
func (c canaries) mark(what string) string {
	c[what] = "sk" + hex.EncodeToString([]byte(what)) + "Canary0123456789"
	return c[what]
}

// in returns which of the canaries sing in a text: as they are, without their
// ends, or in another encoding.
func (c canaries) in(text string) (found []string) {
	for what, secret := range c {
		core := secret[:len(secret)-6] // the last four letters of a key may be shown
		for _, form := range []string{
			core, strings.ToUpper(core), hex.EncodeToString([]byte(core)), url.QueryEscape(core),
			base64.StdEncoding.EncodeToString([]byte(core[:len(core)/3*3])), base64.StdEncoding.EncodeToString([]byte(core[1 : (len(core)-1)/3*3+1])),
			base64.StdEncoding.EncodeToString([]byte(core[2 : (len(core)-2)/3*3+2])),
		} {
			if strings.Contains(text, form) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// receiver takes what is posted to it: alerts and traces.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	text strings.Builder
}

func newReceiver() *receiver {
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.text.Write(body)
		for name, values := range q.Header {
			if name != "X-Trace-Secret" { // what it was told to send
				fmt.Fprintln(&r.text, name, values)
			}
		}
	}))
	DeferCleanup(r.Close)
	return r
}

func (r *receiver) seen() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

var _ = Describe("Canaries", func() {
	It("sing nowhere: no key, token, password, passphrase, prompt or answer is written down or told", func() {
		c := canaries{}
		secrets := GinkgoT().TempDir() // apart from the gateway, which may not copy what it reads there
		put := func(name, text string) string {
			path := filepath.Join(secrets, name)
			Expect(os.WriteFile(path, []byte(text+"\n"), 0o600)).To(Succeed())
			return path
		}
		hooks, spans := newReceiver(), newReceiver()
		up := harness.NewUpstream(GinkgoT(), simulator.Options{NoRequestFaults: true})
		config := guardedConfig(up,
			fmt.Sprintf("vault:\n  key: %q", "passphrase:"+put("passphrase", c.mark("vault passphrase"))),
			fmt.Sprintf("clients[2]{name,secret}:\n  ci,env:CI_TOKEN\n  cron,%q", "file:"+put("client", c.mark("client token in a file"))),
			fmt.Sprintf("alerts:\n  webhook: %q\n  webhook_secret: env:HOOK_SECRET\n  rules[1]{name,metric,threshold,window,for,min_requests}:\n    errors,error_rate,0.01,1m,0s,1", hooks.URL),
			fmt.Sprintf("telemetry:\n  traces: %q\n  trace_headers:\n    x-trace-secret: env:TRACE_SECRET\n  health_log: 1s", spans.URL),
			"backups:\n  passphrase: env:BACKUP_PASSPHRASE",
		)
		config.Providers[0].Keys = []string{c.mark("provider key in the environment"), c.mark("another one")}
		config.Env = append(config.Env, "CI_TOKEN="+c.mark("client token in the environment"), "HOOK_SECRET="+c.mark("webhook secret"),
			"TRACE_SECRET="+c.mark("trace header"), "BACKUP_PASSPHRASE="+c.mark("backup passphrase"))
		gw := harness.Start(GinkgoT(), config)

		By("using every door")
		admin := owner(gw)
		admin.Must(GinkgoT(), http.MethodPost, "/api/password", map[string]any{"current": password, "new": c.mark("console password")})
		guess := gw.Visitor(GinkgoT())
		guess.Do(GinkgoT(), http.MethodPost, "/api/login", map[string]any{"user": c.mark("password typed as a name"), "password": c.mark("wrong password")})
		guess.Header = http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+c.mark("wrong basic password")))}}
		guess.Do(GinkgoT(), http.MethodGet, "/api/keys", nil)
		var anna, rotated made
		admin.Must(GinkgoT(), http.MethodPost, "/api/clients", map[string]any{"name": "anna"}).Into(GinkgoT(), &anna)
		admin.Must(GinkgoT(), http.MethodPost, "/api/clients/"+anna.Client.ID+"/rotate", map[string]any{"grace_seconds": 600}).Into(GinkgoT(), &rotated)
		c["client token, rotated"], c["client token"] = anna.Token, rotated.Token
		admin.Must(GinkgoT(), http.MethodPost, "/api/keys", map[string]any{"provider": "one", "name": "stored", "secret": c.mark("provider key in the vault")})
		admin.Must(GinkgoT(), http.MethodPut, "/api/keys/one/stored", map[string]any{"secret": c.mark("provider key in the vault, replaced")})
		told := []string{}
		for _, refused := range []struct{ method, path, body string }{
			{"POST", "/api/keys", `{"provider":"nobody","name":"x","secret":"` + c.mark("key of no provider") + `"}`},
			{"POST", "/api/keys", `{"provider":"one","name":"x","secret":"` + c.mark("key with a typo") + `","extra":1}`},
			{"POST", "/api/keys", `{"provider":"one","name":"x","secret":"` + c.mark("key in broken JSON")},
			{"POST", "/api/keys", `{"provider":"one","name":"` + c.mark("key typed as a name") + ` ","secret":""}`},
			{"POST", "/api/config/validate", `{"set":[{"pointer":"/keys","value":[{"provider":"one","name":"y","secret":"` + c.mark("key written into the configuration") + `"}]}]}`},
		} {
			told = append(told, string(admin.Do(GinkgoT(), refused.method, refused.path, refused.body).Body))
		}

		By("asking, with everything that can go wrong")
		prompt, answer := c.mark("prompt"), c.mark("answer")
		c.mark("cookie")
		c.mark("key in the query")
		ask := func(d harness.Dialect, stream bool, token string) *harness.Answer {
			h := bearer(token)
			if d == harness.Messages {
				h = xkey(token)
			}
			h.Set("Cookie", "session="+c["cookie"])
			h.Set("Api-Key", c["cookie"])
			return gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: stream, Header: h, Prompt: prompt + "\nsay:" + answer, Path: d.Path() + "?key=" + c["key in the query"]})
		}
		tokens := []string{anna.Token, rotated.Token, c["client token in the environment"], c["client token in a file"]}
		for i, d := range harness.Dialects {
			for _, stream := range []bool{false, true} {
				a := ask(d, stream, tokens[i])
				Expect(a.Status).To(Equal(200), "%s", a.Body)
				Expect(a.Text()).To(ContainSubstring(answer))
			}
			a := ask(d, false, c.mark("a stranger's token"))
			Expect(a.Outcome(0)).To(Equal(unauthenticated))
			told = append(told, string(a.Body))
		}
		leak := "message=key " + c["provider key in the vault, replaced"] + " and " + c["provider key in the environment"]
		for _, fault := range []string{"400", "401", "402", "403", "404", "409", "413", "422", "429;retry-after=1", "500", "503", "529", "error-200", "error-first", "error-mid",
			"malformed", "cut", "html", "empty", "reset", "bad-utf8", "refusal", "context-exceeded", "truncated"} {
			for i, stream := range []bool{false, true} {
				up.Script(simulator.Selector{}, simulator.Fail(fault+";"+leak))
				a := ask(harness.Dialects[i+1], stream, rotated.Token)
				if a.Status != http.StatusOK {
					told = append(told, string(a.Body))
				}
				wake(gw)
			}
		}

		Eventually(hooks.seen).ShouldNot(BeEmpty(), "an alert is posted")

		By("reloading, dying and starting again")
		Expect(gw.Reload(guardedAgain(gw))).To(Succeed())
		ask(harness.Chat, true, rotated.Token)
		looked := look(gw, config, admin)
		Expect(gw.Stop()).To(Succeed())
		gw.Setenv("GOTRACEBACK=all")
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		ask(harness.Chat, false, rotated.Token)
		Expect(syscall.Kill(gw.Pid(), syscall.SIGABRT)).To(Succeed()) // every goroutine's stack goes to the log
		Eventually(gw.Log).Should(ContainSubstring("goroutine "))

		By("looking everywhere")
		shipped, err := os.ReadFile(filepath.Join(harness.Root(), "deploy", "Caddyfile"))
		Expect(err).NotTo(HaveOccurred())
		for line := range strings.Lines(string(shipped)) {
			if strings.Contains(line, " delete") && strings.Contains(line, "request>") {
				Expect(harness.Guarded).To(ContainSubstring(strings.TrimSpace(line)), "the access log is filtered as an installed aimux does it")
			}
		}
		Expect(spans.seen()).NotTo(BeEmpty())
		places := gw.Files(GinkgoT())
		for _, name := range []string{"log", "access.log", "config/caddy/autosave.json", "data/caddy/aimux/state.json", "data/caddy/aimux/overrides.toon",
			"data/caddy/aimux/vault.json", "data/caddy/aimux/vault.json~", "data/caddy/aimux/clients.json", "data/caddy/aimux/users.json", "data/caddy/aimux/usage.db", "copy.age"} {
			Expect(places).To(HaveKey(name))
		}
		for name, text := range looked {
			places[name] = text
		}
		places["errors told"], places["webhook"], places["spans"] = strings.Join(told, "\n"), hooks.seen(), spans.seen()
		for name, text := range places {
			Expect(c.in(text)).To(BeEmpty(), "%s, of %d bytes: %s", name, len(text), around(text, c))
		}
		Expect(places["access.log"]).To(ContainSubstring("/v1/messages"))
		Expect(c.in("x"+c["prompt"]+"y")).To(Equal([]string{"prompt"}), "the search itself finds")
	})
})

// wake ends all rests, so that the next fault meets a key too.
func wake(gw *harness.Gateway) {
	for _, k := range gw.Keys(GinkgoT()) {
		if k.Resting() {
			gw.Wake(GinkgoT(), k.Provider, k.Name)
		}
	}
}

// look returns all that can be read of a gateway by those who may.
func look(gw *harness.Gateway, config harness.Config, admin *harness.Operator) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	for _, path := range []string{"/metrics", "/config/", "/aimux/status", "/aimux/keys", "/debug/vars", "/reverse_proxy/upstreams", "/pki/ca/local"} {
		_, body := fetch(http.MethodGet, gw.Admin+path)
		out[path] = string(body)
	}
	Expect(out["/metrics"]).To(ContainSubstring("aimux"))
	for _, path := range []string{"/", "/api/session", "/api/users", "/api/meta", "/api/metrics", "/api/metrics/history", "/api/catalogue", "/api/providers", "/api/providers/one",
		"/api/keys", "/api/models", "/api/requests?limit=500", "/api/sessions", "/api/usage?by=model", "/api/usage?by=client", "/api/usage?by=key", "/api/usage?by=session",
		"/api/clients", "/api/alerts", "/api/audit?limit=500", "/api/config", "/api/config/schema"} {
		out["console "+path] = string(admin.Do(GinkgoT(), http.MethodGet, path, nil).Body)
		out["endpoint "+path] = string(gw.Local().Do(GinkgoT(), http.MethodGet, path, nil).Body)
	}
	for _, command := range [][]string{
		{"adapt", "--config", "Caddyfile"}, {"validate", "--config", "Caddyfile"}, {"config", "show", "--effective"}, {"config", "check"}, {"version"},
		{"keys", "list"}, {"clients", "list"}, {"clients", "show", "anna", "--json"}, {"vault", "status"}, {"audit", "show"}, {"requests", "list"}, {"providers", "list", "--json"},
		{"doctor"}, {"status"}, {"backup", "--to", "copy.age"},
	} {
		text, _ := gw.Command(config, command...)
		Expect(text).NotTo(BeEmpty(), "%v", command)
		out[strings.Join(command, " ")] = text
	}
	return out
}

// around shows where the first canary sings.
func around(text string, c canaries) string {
	for _, secret := range c {
		if i := strings.Index(text, secret[:len(secret)-6]); i >= 0 {
			return "…" + text[max(0, i-200):min(len(text), i+100)] + "…"
		}
	}
	return ""
}
