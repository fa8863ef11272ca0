package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// made is a client as the API tells of it.
type made struct {
	Client struct {
		ID         string
		SpentToday int64 `json:"spent_today_microusd"`
		Streams    int64
	}
	Token string
}

// client makes a client through the API.
func client(gw *harness.Gateway, settings map[string]any) made {
	GinkgoHelper()
	var out made
	gw.Local().Must(GinkgoT(), http.MethodPost, "/api/clients", settings).Into(GinkgoT(), &out)
	Expect(out.Token).To(HavePrefix("amx_"))
	return out
}

// bearer and xkey are the two ways clients send their keys.
func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}, "X-Api-Key": nil}
}
func xkey(token string) http.Header {
	return http.Header{"Authorization": nil, "X-Api-Key": {token}}
}

// try asks with a key and tells how it ended.
func try(gw *harness.Gateway, token string, more ...harness.Ask) harness.Outcome {
	GinkgoHelper()
	var a harness.Ask
	if len(more) > 0 {
		a = more[0]
	}
	a.Header = bearer(token)
	return gw.Ask(GinkgoT(), a).Outcome(0)
}

// guardedConfig is a gateway with one simulated upstream and a console.
func guardedConfig(up *harness.Upstream, more ...string) harness.Config {
	return harness.Config{
		Caddyfile: harness.Guarded, Env: []string{harness.ConsolePort(GinkgoT())},
		Providers: []harness.Provider{up.As("one", "simulator", "upstream-key")}, More: strings.Join(more, "\n"),
	}
}

// withClients starts such a gateway.
func withClients(more ...string) (*harness.Gateway, harness.Config) {
	GinkgoHelper()
	c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}), more...)
	return harness.Start(GinkgoT(), c), c
}

var unauthenticated, forbidden, limited = harness.ERR(401), harness.ERR(403), harness.ERR(429)

var _ = Describe("Client keys", func() {
	It("without any, everybody on this machine may use the gateway, whatever they send", func() {
		gw, _ := withClients()
		for _, h := range []http.Header{bearer("anything"), xkey("anything"), {"Authorization": nil}} {
			Expect(gw.Ask(GinkgoT(), harness.Ask{Header: h}).Outcome(16)).To(Equal(harness.OK))
		}
	})

	DescribeTable("without any, a listener that other machines reach is refused, and the reason is given", func(bind string) {
		c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}))
		c.Caddyfile = strings.Replace(c.Caddyfile, "bind 127.0.0.1", bind, 1)
		_, err := harness.TryStart(GinkgoT(), c)
		Expect(err).To(MatchError(SatisfyAll(ContainSubstring("aimux has no client keys"), ContainSubstring("aimux clients create"), ContainSubstring("bind 127.0.0.1"))))
	},
		Entry("all addresses", "bind 0.0.0.0"), Entry("all addresses of both kinds", "bind [::]"), Entry("no bind at all", ""),
		Entry("one address of a network", "bind 192.0.2.7"), Entry("a name", "bind gateway.example.com"),
		Entry("one of several", "bind 127.0.0.1 192.0.2.7"), Entry("an address in another spelling", "bind ::ffff:192.0.2.7"),
	)

	It("as soon as there is one, nobody gets in without, in any dialect and either header", func() {
		gw, _ := withClients()
		token := client(gw, map[string]any{"name": "anna"}).Token
		for _, d := range harness.Dialects {
			for _, h := range []http.Header{bearer(token), xkey(token), {"Authorization": {"bearer  " + token}, "X-Api-Key": nil}} {
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Header: h})
				Expect(a.Outcome(16)).To(Equal(harness.OK), "%s %v: %s", d, h, a.Body)
			}
			for name, h := range map[string]http.Header{
				"none": {"Authorization": nil, "X-Api-Key": nil}, "empty": bearer(""), "foreign": bearer("sk-ant-api03-something"), "a typo": bearer(flip(token)),
				"half": xkey(token[:len(token)/2]), "twice": bearer(token + token), "basic": {"Authorization": {"Basic " + token}, "X-Api-Key": nil},
				"long": xkey(strings.Repeat("k", 10_000)), "binary": xkey("amx_\x80\xff"), "like SQL": bearer("' OR 1=1 --"),
			} {
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Header: h})
				Expect(a.Outcome(0)).To(Equal(unauthenticated), "%s %s: %s", d, name, a.Body)
				Expect(string(a.Body)).NotTo(ContainSubstring(token[:len(token)/2]))
			}
		}
		response, _ := fetch(http.MethodGet, gw.URL+"/v1/models")
		Expect(response.StatusCode).To(Equal(401))
		response, _ = fetch(http.MethodGet, gw.URL+"/v1/models", "x-api-key", token)
		Expect(response.StatusCode).To(Equal(200))
		for _, probe := range []string{"/healthz", "/readyz"} {
			response, _ = fetch(http.MethodGet, gw.URL+probe)
			Expect(response.StatusCode).To(Equal(200), probe)
		}
	})

	It("no upstream is asked, and no body read, for a request without a valid key", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), guardedConfig(up))
		client(gw, map[string]any{"name": "anna"})
		Expect(try(gw, "nobody", harness.Ask{Body: []byte(strings.Repeat("[", 5<<20))})).To(Equal(unauthenticated))
		Expect(up.Count()).To(BeZero())
	})

	It("has its key made anew: the old one works for the grace period and no longer", func() {
		gw, _ := withClients()
		old := client(gw, map[string]any{"name": "anna"})
		var next made
		gw.Local().Must(GinkgoT(), http.MethodPost, "/api/clients/"+old.Client.ID+"/rotate", map[string]any{"grace_seconds": 2}).Into(GinkgoT(), &next)
		Expect(next.Token).NotTo(Equal(old.Token))
		Expect(try(gw, next.Token)).To(Equal(harness.OK))
		Expect(try(gw, old.Token)).To(Equal(harness.OK))
		Eventually(func() harness.Outcome { return try(gw, old.Token) }).Should(Equal(unauthenticated))
		gw.Local().Must(GinkgoT(), http.MethodPost, "/api/clients/"+old.Client.ID+"/rotate", map[string]any{"grace_seconds": 0})
		Expect(try(gw, next.Token)).To(Equal(unauthenticated), "without grace it ends at once")
	})

	It("is revoked at once, and after the last key nobody gets in", func() {
		gw, c := withClients()
		anna, bert := client(gw, map[string]any{"name": "anna"}), client(gw, map[string]any{"name": "bert"})
		gw.Local().Must(GinkgoT(), http.MethodDelete, "/api/clients/"+anna.Client.ID, nil)
		Expect(try(gw, anna.Token)).To(Equal(unauthenticated))
		Expect(try(gw, bert.Token)).To(Equal(harness.OK))
		gw.Local().Must(GinkgoT(), http.MethodDelete, "/api/clients/"+bert.Client.ID, nil)
		Expect(try(gw, bert.Token)).To(Equal(unauthenticated))
		Expect(gw.Ask(GinkgoT(), harness.Ask{Header: http.Header{"Authorization": nil}}).Outcome(0)).To(Equal(unauthenticated))
		// Nor does a change or a reload open it; a start without keys would.
		c.More += "limits:\n  queue: 7\n"
		Expect(gw.Reload(c)).To(Succeed())
		for _, header := range []http.Header{nil, {"Authorization": nil}} {
			Expect(gw.Ask(GinkgoT(), harness.Ask{Header: header}).Outcome(0)).To(Equal(unauthenticated))
		}
		Expect(try(gw, bert.Token)).To(Equal(unauthenticated))
	})

	It("is remembered over a reload, a change in the process and a restart, with what it has used", func() {
		gw, c := withClients("limits:\n  body: 8MiB")
		anna := client(gw, map[string]any{"name": "anna", "requests_per_minute": 3})
		Expect(try(gw, anna.Token)).To(Equal(harness.OK))
		c.More = "limits:\n  body: 9MiB"
		Expect(gw.Reload(c)).To(Succeed())
		Expect(try(gw, anna.Token)).To(Equal(harness.OK))
		bert := client(gw, map[string]any{"name": "bert"}) // applies the configuration in the process
		Expect(try(gw, anna.Token)).To(Equal(harness.OK))
		Expect(try(gw, anna.Token)).To(Equal(limited))
		Expect(gw.Stop()).To(Succeed())
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		Expect(try(gw, anna.Token)).To(Equal(limited))
		Expect(try(gw, bert.Token)).To(Equal(harness.OK))
		Expect(try(gw, "amx_none")).To(Equal(unauthenticated))
	})

	It("may come from the environment and from a file, and from AIMUX_CLIENTS", func() {
		dir := GinkgoT().TempDir()
		path := filepath.Join(dir, "token")
		Expect(os.WriteFile(path, []byte("token-from-a-file-0123456789\n"), 0o600)).To(Succeed())
		c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}), fmt.Sprintf("clients[2]{name,secret}:\n  ci,\"env:CI_TOKEN\"\n  cron,%q", "file:"+path))
		c.Env = append(c.Env, "CI_TOKEN=token-of-the-environment-0123", `AIMUX_CLIENTS__2__NAME=more`, `AIMUX_CLIENTS__2__SECRET=env:MORE_TOKEN`, "MORE_TOKEN=token-of-one-more-0123456789")
		gw := harness.Start(GinkgoT(), c)
		for _, token := range []string{"token-of-the-environment-0123", "token-from-a-file-0123456789", "token-of-one-more-0123456789"} {
			Expect(try(gw, token)).To(Equal(harness.OK), token)
		}
		Expect(try(gw, "token-of-the-environment-0124")).To(Equal(unauthenticated))
		r := gw.Local().Do(GinkgoT(), http.MethodDelete, "/api/clients/config%2Fci", nil)
		Expect(r.Status).To(BeElementOf(404, 409), "rows of the configuration are not the API's to remove")
	})

	DescribeTable("of the configuration that cannot be are refused at start, and the message has no key in it", func(rows, env, want string) {
		c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}), rows)
		c.Env = append(c.Env, env)
		_, err := harness.TryStart(GinkgoT(), c)
		Expect(err).To(MatchError(ContainSubstring(want)))
		_, secret, _ := strings.Cut(env, "=")
		Expect(err.Error()).NotTo(ContainSubstring(secret))
	},
		Entry("too short", "clients[1]{name,secret}:\n  ci,env:CI_TOKEN", "CI_TOKEN=short-one", "too short"),
		Entry("not there", "clients[1]{name,secret}:\n  ci,env:CI_TOKEN", "OTHER=irrelevant", "CI_TOKEN"),
		Entry("twice the same", "clients[2]{name,secret}:\n  ci,env:CI_TOKEN\n  cd,env:CI_TOKEN", "CI_TOKEN=token-of-the-environment-0123", "same token"),
		Entry("a token of ours that is cut", "clients[1]{name,secret}:\n  ci,env:CI_TOKEN", "CI_TOKEN=amx_cut_01234567890123456789", "aimux made"),
		Entry("a network that is none", "clients[1]{name,secret,networks}:\n  ci,env:CI_TOKEN,\"[\\\"10.0.0.0/99\\\"]\"", "CI_TOKEN=token-of-the-environment-0123", "networks"),
		Entry("written out", "clients[1]{name,secret}:\n  ci,sk-written-out-0123456789abcdef", "OTHER=sk-written-out-0123456789abcdef", "secret"),
	)
})

// flip changes one character in the middle of a token.
func flip(token string) string {
	b := []byte(token)
	i := len(b) / 2
	if b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

var _ = Describe("The scope of a client key", func() {
	ask := func(gw *harness.Gateway, token, model string, d harness.Dialect) harness.Outcome {
		GinkgoHelper()
		return try(gw, token, harness.Ask{Model: model, Dialect: d})
	}

	It("names models: others are neither listed nor answered, by any of their names", func() {
		c := guardedConfig(harness.NewUpstream(GinkgoT(), simulator.Options{}))
		c.Models = []harness.Route{{Alias: "coder", Provider: "one", Model: "big"}, {Alias: "deep", Provider: "one", Model: "deepest"}, {Alias: "fast-1", Provider: "one", Model: "small"}}
		gw := harness.Start(GinkgoT(), c)
		token := client(gw, map[string]any{"name": "anna", "models": []string{"coder", "fast-*"}}).Token
		for _, d := range harness.Dialects {
			Expect(ask(gw, token, "coder", d)).To(Equal(harness.OK))
			Expect(ask(gw, token, "fast-1", d)).To(Equal(harness.OK))
			for _, other := range []string{"deep", "one/deepest", "one/big", "DEEP", "coder ", "nothing", "coder\u0000", "fast"} {
				Expect(ask(gw, token, other, d)).NotTo(Equal(harness.OK), "%s in %s", other, d)
			}
			Expect(ask(gw, token, "deep", d)).To(Equal(forbidden))
			Expect(ask(gw, token, "unheard-of", d)).To(Equal(forbidden), "what there is does not show")
		}
		_, body := fetch(http.MethodGet, gw.URL+"/v1/models", "authorization", "Bearer "+token)
		Expect(string(body)).To(SatisfyAll(ContainSubstring(`"coder"`), ContainSubstring(`"fast-1"`), Not(ContainSubstring("deep"))))
		response, _ := fetch(http.MethodGet, gw.URL+"/v1/models/deep", "authorization", "Bearer "+token)
		Expect(response.StatusCode).To(BeElementOf(403, 404))
	})

	It("names dialects, networks and a day on which it ends", func() {
		gw, _ := withClients()
		for _, row := range []struct {
			settings map[string]any
			dialect  harness.Dialect
			want     harness.Outcome
		}{
			{map[string]any{"dialects": []string{"anthropic"}}, harness.Messages, harness.OK},
			{map[string]any{"dialects": []string{"anthropic"}}, harness.Chat, forbidden},
			{map[string]any{"dialects": []string{"openai"}}, harness.Responses, forbidden},
			{map[string]any{"networks": []string{"127.0.0.0/8"}}, harness.Chat, harness.OK},
			{map[string]any{"networks": []string{"10.0.0.0/8", "::1/128"}}, harness.Chat, unauthenticated},
			{map[string]any{"expires": time.Now().Add(time.Hour)}, harness.Chat, harness.OK},
			{map[string]any{"expires": time.Now().Add(-time.Hour)}, harness.Chat, unauthenticated},
			{map[string]any{"enabled": false}, harness.Chat, unauthenticated},
		} {
			row.settings["name"] = "anna"
			anna := client(gw, row.settings)
			Expect(ask(gw, anna.Token, "m", row.dialect)).To(Equal(row.want), "%v", row.settings)
			gw.Local().Must(GinkgoT(), http.MethodDelete, "/api/clients/"+anna.Client.ID, nil)
		}
	})

	It("is not widened by forwarding headers that a client makes up", func() {
		gw, _ := withClients()
		token := client(gw, map[string]any{"name": "anna", "networks": []string{"10.0.0.0/8"}}).Token
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip", "X_forwarded_for"} {
			h := bearer(token)
			h.Set(name, "10.1.2.3")
			Expect(gw.Ask(GinkgoT(), harness.Ask{Header: h}).Outcome(0)).To(Equal(unauthenticated), name)
		}
	})
})
