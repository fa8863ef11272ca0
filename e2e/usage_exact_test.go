package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// price is what a model costs, in micro-dollars per million tokens.
type price struct{ in, out, cached int64 }

// prices are those of the models of the exactness run.
var prices = map[string]price{
	"a-small": {600_000, 2_200_000, 110_000}, "a-large": {3_000_000, 15_000_000, 300_000},
	"b-one": {150_000, 600_000, 0}, "c-one": {1_000_000, 5_000_000, 100_000},
	"d-one": {70_000, 310_000, 7_000}, "e-one": {0, 0, 0},
}

// cost is what an answer costs: rounded up to a whole micro-dollar.
func (p price) cost(u simulator.Usage) int64 {
	cached := p.cached
	if cached == 0 {
		cached = p.in
	}
	exact := int64(u.Input-u.Cached)*p.in + int64(u.Cached)*cached + int64(u.Output)*p.out
	return int64(math.Ceil(float64(exact) / 1e6))
}

// job is a request of the exactness run.
type job struct {
	client, alias string
	dialect       harness.Dialect
	stream, long  bool
}

// aliases are what jobs ask for, some more often than others. "cut" is left to
// one client, for its tokens are estimates.
var aliases = []string{"fast", "fast", "fast", "large", "large", "chatty", "chatty", "thinker", "thinker", "shaky", "shaky", "refused", "nothing"}

func jobAt(i int) job {
	r := rand.New(rand.NewPCG(uint64(i), 17))
	j := job{
		client: "client-" + strconv.Itoa(r.IntN(4)), alias: aliases[r.IntN(len(aliases))],
		dialect: harness.Dialects[r.IntN(3)], stream: r.IntN(2) == 0, long: r.IntN(5) == 0,
	}
	switch r.IntN(40) {
	case 0:
		j.client, j.alias, j.stream = "unlucky", "cut", true
	case 1:
		j.client = "" // with a key nobody knows
	}
	return j
}

// preamble is a beginning that prompts share, long enough for the prompt cache.
var preamble = strings.Repeat("You are a careful reader of long instructions. ", 30)

func (j job) ask(i int) harness.Ask {
	said := fmt.Sprintf("job-%d; what next?", i)
	messages := []any{map[string]any{"role": "user", "content": said}}
	if j.long {
		messages = []any{
			map[string]any{"role": "user", "content": preamble + strconv.Itoa(i%7)}, map[string]any{"role": "assistant", "content": "I see."},
			map[string]any{"role": "user", "content": said},
		}
	}
	field := "messages"
	if j.dialect == harness.Responses {
		field = "input"
	}
	secret := "nobody-knows-this-client-key"
	if j.client != "" {
		secret = j.client + "-secret-of-twenty-bytes"
	}
	header := http.Header{"Authorization": {"Bearer " + secret}}
	if j.dialect == harness.Messages {
		header = http.Header{"X-Api-Key": {secret}}
	}
	return harness.Ask{Dialect: j.dialect, Stream: j.stream, Model: j.alias, Header: header, More: map[string]any{field: messages}}
}

// ledgers are the totals of the exactness run by what they are grouped by, and
// then by key.
type ledgers map[string]map[string]harness.Spent

func (l ledgers) add(by, key string, more harness.Spent) {
	if l[by] == nil {
		l[by] = map[string]harness.Spent{}
	}
	s := l[by][key]
	s.Key = key
	s.Requests += more.Requests
	s.Failures += more.Failures
	s.Estimated += more.Estimated
	s.In += more.In
	s.Out += more.Out
	s.Cached += more.Cached
	s.Micro += more.Micro
	l[by][key] = s
}

// fleet is the providers of the exactness run.
type fleet struct {
	ups  map[string]*harness.Upstream // by provider
	gw   *harness.Gateway
	keys map[string]string // secret → provider/key
}

// priceRows is TOON that gives a provider its models with their prices.
func priceRows(models ...string) []string {
	out := []string{fmt.Sprintf("models[%d]{id,input_price,output_price,cache_read_price}:", len(models))}
	for _, m := range models {
		p := prices[m]
		cached := p.cached
		if cached == 0 {
			cached = p.in
		}
		out = append(out, fmt.Sprintf("  %s,%g,%g,%g", m, float64(p.in)/1e6, float64(p.out)/1e6, float64(cached)/1e6))
	}
	return out
}

func newFleet(requests int) *fleet {
	GinkgoHelper()
	f := &fleet{ups: map[string]*harness.Upstream{}, keys: map[string]string{}}
	var c harness.Config
	for _, p := range []struct {
		name, kind string
		keys       int
		models     []string
	}{
		{"alpha", "simulator", 3, []string{"a-small", "a-large"}}, {"beta", "openai-compatible", 2, []string{"b-one"}},
		{"gamma", "anthropic-compatible", 1, []string{"c-one"}}, {"delta", "simulator", 2, []string{"d-one"}}, {"epsilon", "simulator", 1, []string{"e-one"}},
	} {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: p.name, MaxRecords: 2*requests + 1000})
		var keys []string
		for k := range p.keys {
			secret := fmt.Sprintf("%s-upstream-key-%d", p.name, k+1)
			keys = append(keys, secret)
			f.keys[secret] = fmt.Sprintf("%s/k%d", p.name, k+1)
		}
		row := up.As(p.name, p.kind, keys...)
		row.More = priceRows(p.models...)
		c.Providers = append(c.Providers, row)
		f.ups[p.name] = up
	}
	c.Models = []harness.Route{
		{Alias: "fast", Provider: "alpha", Model: "a-small"}, {Alias: "large", Provider: "alpha", Model: "a-large"},
		{Alias: "chatty", Provider: "beta", Model: "b-one"}, {Alias: "thinker", Provider: "gamma", Model: "c-one"},
		{Alias: "shaky", Provider: "delta", Model: "d-one", Tier: 1}, {Alias: "shaky", Provider: "beta", Model: "b-one", Tier: 2},
		{Alias: "refused", Provider: "alpha", Model: "a-bad"}, {Alias: "cut", Provider: "epsilon", Model: "e-one"},
	}
	c.More = clientRows(&c, "client-0", "client-1", "client-2", "client-3", "unlucky") + "log:\n  exchanges: none\n"
	f.ups["alpha"].Script(simulator.Selector{Model: "a-bad"}, forever("400"))
	var shaky, cut []simulator.Step
	for range requests/16 + 1 {
		shaky = append(shaky, simulator.Step{Times: 8}, simulator.Fail("503"), simulator.Step{Times: 8}, simulator.Fail("529"))
		cut = append(cut, simulator.Step{Times: 5}, simulator.Fail("cut;after=5"))
	}
	f.ups["delta"].Script(simulator.Selector{Model: "d-one"}, shaky...)
	f.ups["epsilon"].Script(simulator.Selector{Model: "e-one"}, cut...)
	f.gw = harness.Start(GinkgoT(), c)
	return f
}

// clientRows is TOON for clients, whose secrets go into the environment.
func clientRows(c *harness.Config, names ...string) string {
	text := fmt.Sprintf("clients[%d]{name,secret}:\n", len(names))
	for _, name := range names {
		variable := "E2E_CLIENT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		c.Env = append(c.Env, variable+"="+name+"-secret-of-twenty-bytes")
		text += "  " + name + ",\"env:" + variable + "\"\n"
	}
	return text
}

// run sends all jobs and returns what their clients saw, in their order.
func (f *fleet) run(n int) []harness.Outcome {
	GinkgoHelper()
	outcomes := make([]harness.Outcome, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range 24 {
		wait.Go(func() {
			defer GinkgoRecover()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				outcomes[i] = f.gw.AskContext(ctx, jobAt(i).ask(i)).Outcome(16)
				cancel()
			}
		})
	}
	wait.Wait()
	return outcomes
}

// jobOf finds which job a request of a provider belongs to.
func jobOf(body []byte) int {
	_, rest, ok := bytes.Cut(body, []byte("job-"))
	if !ok {
		return -1
	}
	number, _, _ := bytes.Cut(rest, []byte(";"))
	i, err := strconv.Atoi(string(number))
	if err != nil {
		return -1
	}
	return i
}

// count is what the providers and the clients say happened: the last attempt of
// a job is the one its totals stand under.
func (f *fleet) count(outcomes []harness.Outcome) (want ledgers, attempts map[string]int) {
	GinkgoHelper()
	want, attempts = ledgers{}, map[string]int{}
	last := make([]*simulator.Record, len(outcomes))
	by := make([]string, len(outcomes))
	for name, up := range f.ups {
		records := up.Requests()
		Expect(len(records)).To(Equal(up.Count()), "%s forgot some", name)
		for k := range records {
			r := &records[k]
			if r.Dialect == "" {
				continue // somebody asked for the models
			}
			i := jobOf(r.Body)
			Expect(i).To(BeNumerically(">=", 0), "%s", r.Body)
			attempts[name+"/"+r.Model]++
			if last[i] == nil || last[i].Time.Before(r.Time) {
				last[i], by[i] = r, name
			}
		}
	}
	for i, outcome := range outcomes {
		j := jobAt(i)
		one := harness.Spent{Requests: 1}
		if outcome != harness.OK {
			one.Failures = 1
		}
		provider, model, key := "", "", ""
		if r := last[i]; r != nil {
			provider, model, key = by[i], r.Model, f.keys[r.Key]
			one.In, one.Out, one.Cached = int64(r.Used.Input), int64(r.Used.Output), int64(r.Used.Cached)
			one.Micro = prices[model].cost(r.Used)
		}
		for group, name := range map[string]string{"provider": provider, "model": model, "client": j.client, "key": key} {
			want.add(group, name, one)
		}
	}
	return want, attempts
}

// without drops what nobody stated: the tokens of answers that were cut.
func without(groups map[string]harness.Spent, key string) map[string]harness.Spent {
	out := maps.Clone(groups)
	if s, ok := out[key]; ok {
		out[key] = harness.Spent{Key: key, Requests: s.Requests, Failures: s.Failures}
	}
	return out
}

// cutGroups are the groups whose tokens are partly estimates.
var cutGroups = map[string]string{"provider": "epsilon", "model": "e-one", "client": "unlucky", "key": "epsilon/k1"}

var _ = Describe("The ledger", func() {
	It("is equal to the providers' own count, to the token and the micro-dollar", Label("exact"), func() {
		n := size("AIMUX_E2E_EXACT", 3000)
		f := newFleet(n)
		begun := time.Now()
		outcomes := f.run(n)
		took := time.Since(begun)
		for i, outcome := range outcomes {
			j := jobAt(i)
			Expect(string(outcome)).NotTo(HavePrefix("LOST"), "job %d %+v", i, j)
			switch {
			case j.client == "":
				Expect(outcome).To(Equal(harness.ERR(401)), "job %d %+v", i, j)
			case j.alias == "refused":
				Expect(outcome).To(Equal(harness.ERR(400)), "job %d %+v", i, j)
			case j.alias == "nothing":
				Expect(outcome).To(Equal(harness.ERR(404)), "job %d %+v", i, j)
			case j.alias != "cut":
				Expect(outcome).To(Equal(harness.OK), "job %d %+v", i, j)
			}
		}
		Eventually(func() (total int64) {
			for _, s := range f.gw.Spent(GinkgoT(), "day") {
				total += s.Requests
			}
			return total
		}).Should(BeEquivalentTo(n))
		want, attempts := f.count(outcomes)
		for _, by := range slices.Sorted(maps.Keys(want)) {
			got := f.gw.Spent(GinkgoT(), by)
			cuts := got[cutGroups[by]].Estimated
			for key, s := range got {
				if key != cutGroups[by] {
					Expect(s.Estimated).To(BeZero(), "%s %s", by, key)
				}
			}
			Expect(without(got, cutGroups[by])).To(Equal(without(want[by], cutGroups[by])), by)
			Expect(cuts).To(BeEquivalentTo(want["provider"]["epsilon"].Failures), "%s: estimated", by)
		}
		f.wantDays(n)
		f.wantMetrics(want, attempts)
		AddReportEntry(fmt.Sprintf("%d requests in %s, %.0f a second: ledger, metrics and providers agree", n, took.Round(time.Millisecond), float64(n)/took.Seconds()))
	})
})

// wantDays holds that days add up to what providers do.
func (f *fleet) wantDays(n int) {
	GinkgoHelper()
	sum := func(by string) (s harness.Spent) {
		for _, one := range f.gw.Spent(GinkgoT(), by) {
			s.Requests, s.Failures, s.Estimated = s.Requests+one.Requests, s.Failures+one.Failures, s.Estimated+one.Estimated
			s.In, s.Out, s.Cached, s.Micro = s.In+one.In, s.Out+one.Out, s.Cached+one.Cached, s.Micro+one.Micro
		}
		return s
	}
	total := sum("provider")
	Expect(total.Requests).To(BeEquivalentTo(n))
	for _, by := range []string{"day", "hour"} {
		Expect(sum(by)).To(Equal(total), by)
	}
}

// wantMetrics holds that the counters say the same.
func (f *fleet) wantMetrics(want ledgers, attempts map[string]int) {
	GinkgoHelper()
	got := f.gw.Counters(GinkgoT())
	// sum adds up the series of a counter that have all the labels.
	sum := func(name string, labels ...string) (total float64) {
		for series, value := range got {
			if head, _, _ := strings.Cut(series, "{"); head != "caddy_aimux_"+name {
				continue
			}
			if !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(series, l) }) {
				total += value
			}
		}
		return total
	}
	label := func(name, value string) string { return name + `="` + value + `"` }
	for target, n := range attempts {
		provider, model, _ := strings.Cut(target, "/")
		Expect(sum("attempts_total", label("provider", provider), label("model", model))).To(BeEquivalentTo(n), target)
	}
	for model, w := range want["model"] {
		if model == "" || model == "e-one" {
			continue
		}
		for kind, n := range map[string]int64{"input": w.In, "output": w.Out, "cache_read": w.Cached} {
			Expect(sum("tokens_total", label("model", model), label("kind", kind))).To(BeEquivalentTo(n), "%s %s", model, kind)
		}
		Expect(math.Round(1e6*sum("cost_dollars_total", label("model", model)))).To(BeEquivalentTo(w.Micro), model)
	}
	for client, w := range want["client"] {
		if client == "" {
			client = "none"
		}
		Expect(sum("client_requests_total", label("client", client))).To(BeEquivalentTo(w.Requests), client)
		if client != "unlucky" {
			Expect(math.Round(1e6*sum("client_cost_dollars_total", label("client", client)))).To(BeEquivalentTo(w.Micro), client)
			Expect(sum("client_tokens_total", label("client", client), label("kind", "input"))).To(BeEquivalentTo(w.In), client)
		}
	}
	Expect(sum("store_dropped_total", label("store", "ledger"))).To(BeZero())
}
