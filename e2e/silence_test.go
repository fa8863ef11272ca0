package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("A long silence", func() {
	// The gateway keeps a silent stream alive from ten seconds on; all cases
	// wait for that together.
	It("is bridged with pings that every client overlooks, and failover is still possible", func() {
		first, second := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "first"}), harness.NewUpstream(GinkgoT(), simulator.Options{Name: "second"})
		first.Script(simulator.Selector{}, forever("hang"))
		c := harness.Config{More: "timeouts:\n  first_event: 14s\n"}
		cases := map[string]func(*harness.Answer){}
		for i, d := range harness.Dialects {
			for j, kind := range []string{"simulator", "openai-compatible", "anthropic-compatible"} {
				name := fmt.Sprintf("p%d%d", i, j)
				c.Providers = append(c.Providers, first.As("first-"+name, kind, "f-"+name), second.As("second-"+name, kind, "s-"+name))
				c.Models = append(c.Models, harness.Route{Alias: "both-" + name, Provider: "first-" + name, Model: "m", Tier: 1},
					harness.Route{Alias: "both-" + name, Provider: "second-" + name, Model: "m", Tier: 2},
					harness.Route{Alias: "alone-" + name, Provider: "first-" + name, Model: "alone", Tier: 1})
				cases[string(d)+" both-"+name] = func(a *harness.Answer) {
					Expect(a.Outcome(16)).To(Equal(harness.OK), "%s by %s: %s", d, kind, shorten(a))
				}
				cases[string(d)+" alone-"+name] = func(a *harness.Answer) {
					Expect(a.Outcome(0)).To(Equal(harness.EVT), "%s by %s: %s", d, kind, shorten(a))
				}
			}
		}
		gw := harness.Start(GinkgoT(), c)
		var wait sync.WaitGroup
		for name, judge := range cases {
			dialect, model, _ := strings.Cut(name, " ")
			wait.Go(func() {
				defer GinkgoRecover()
				a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Dialect(dialect), Model: model, Stream: true})
				Expect(a.Headers).To(BeNumerically("<", 13900*time.Millisecond), "%s had to wait", name)
				judge(a)
			})
		}
		wait.Wait()
	})
})

var _ = Describe("A request that continues an earlier response", func() {
	It("goes to the key that made it", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: "openai"})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "openai", "a", "b", "c")}})
		for range 3 {
			first := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Responses})
			Expect(first.Outcome(16)).To(Equal(harness.OK))
			made := up.Last(GinkgoT()).Key
			for range 2 {
				next := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Responses, More: map[string]any{"previous_response_id": first.JSON()["id"]}})
				Expect(next.Outcome(16)).To(Equal(harness.OK), "%s", next.Body)
				Expect(up.Last(GinkgoT()).Key).To(Equal(made))
			}
		}
	})

	It("is refused clearly when no provider keeps responses", func() {
		gw, up := facing(harness.Chat)
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Responses, More: map[string]any{"previous_response_id": "resp_1"}})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(400)), "%s", a.Body)
		Expect(a.Message()).To(ContainSubstring("previous_response_id"))
		Expect(up.Count()).To(BeZero())
	})
})

var _ = Describe("A key in a file", func() {
	It("is used without its line end", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		path := filepath.Join(GinkgoT().TempDir(), "key")
		Expect(os.WriteFile(path, []byte("key-from-file\n"), 0o600)).To(Succeed())
		gw := harness.Start(GinkgoT(), harness.Config{Toon: "version: 1\nproviders:\n  one:\n    kind: simulator\n    base_url: \"" + up.URL() + "\"\n    allow_http: true\n" +
			"keys[1]{provider,name,secret}:\n  one,main,\"file:" + path + "\"\nmodels[1]{alias,provider,model}:\n  \"*\",one,m\n"})
		asks(gw, 1, harness.Ask{})
		Expect(up.Last(GinkgoT()).Key).To(Equal("key-from-file"))
	})
})
