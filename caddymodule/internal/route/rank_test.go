package route

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

func TestPlan_StrategiesRank(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	w.target("a").Caps.Price = provider.Price{Input: 3, Output: 15}
	w.target("b").Caps.Price = provider.Price{Input: 10, Output: 1}
	w.target("c").Caps = provider.Model{}
	w.target("b").Weight = 4
	for range 3 {
		w.target("b").Health.Begin(1000, false)
	}
	w.target("a").Health.Begin(1000, false)
	for _, test := range []struct {
		strategy Strategy
		needs    Needs
		want     []string // of successive requests
	}{
		{Ordered, Needs{}, []string{"a/m b/m c/m", "a/m b/m c/m"}},
		{RoundRobin, Needs{}, []string{"a/m b/m c/m", "b/m c/m a/m", "c/m a/m b/m", "a/m b/m c/m"}},
		{Cheapest, Needs{PromptBytes: 4000, MaxTokens: 1}, []string{"a/m b/m c/m"}},
		{Cheapest, Needs{PromptBytes: 4, MaxTokens: 1000}, []string{"b/m a/m c/m"}},
		{LeastInFlight, Needs{}, []string{"c/m b/m a/m"}}, // b has 3 in flight and weight 4
	} {
		t.Run(fmt.Sprint(test.strategy, test.needs), func(t *testing.T) {
			r := w.router(t, Config{Strategy: test.strategy})
			for i, want := range test.want {
				if got := w.plan(r, Query{Model: "default", Needs: test.needs}); got != want {
					t.Errorf("request %d: %s, want %s", i, got, want)
				}
			}
		})
	}
}

// firsts plans n requests and counts which target goes first.
func (w *world) firsts(r *Router, n int, q Query) map[string]int {
	got := map[string]int{}
	q.Now, q.Model, q.Dialect = w.time, "default", llm.OpenAI
	for range n {
		p, err := r.Plan(&q)
		if err != nil {
			panic(err)
		}
		got[p.Targets[0].Provider]++
	}
	return got
}

func TestPlan_WeightedSharesFollowTheWeights(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	w.target("a").Weight = 7
	w.target("b").Weight = 2
	r := w.router(t, Config{Strategy: Weighted, Rand: rand.New(rand.NewPCG(1, 2)).Float64})
	got := w.firsts(r, 10_000, Query{})
	for id, want := range map[string]int{"a": 7000, "b": 2000, "c": 1000} {
		if got[id] < want-300 || got[id] > want+300 {
			t.Errorf("%s first %d times of 10000, want about %d", id, got[id], want)
		}
	}
}

func TestPlan_RoundRobinSharesARestingTurn(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	w.breaks("b")
	got := w.firsts(w.router(t, Config{Strategy: RoundRobin}), 100, Query{})
	if got["a"] != 50 || got["c"] != 50 {
		t.Errorf("shares %v, want 50 each for a and c", got)
	}
}

func TestFastest_ExpectedTimeDecides(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	w.seen("a", 900*time.Millisecond)
	w.seen("b", 300*time.Millisecond)
	w.seen("c", 2*time.Second)
	if got, want := w.plan(w.router(t, Config{}), Query{Model: "default"}), "b/m a/m c/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
}

func TestFastest_LongAnswersPreferTheQuickWriter(t *testing.T) {
	w := newWorld("eager/m", "fluent/m")
	answer := func(id string, ttft, rest time.Duration) {
		x := w.target(id).Health.Begin(1000, false)
		x.FirstByte(ttft)
		x.End(health.Outcome{Tokens: 101, Duration: ttft + rest})
	}
	answer("eager", 100*time.Millisecond, 5*time.Second) // 20 tokens/s
	answer("fluent", time.Second, 500*time.Millisecond)  // 200 tokens/s
	r := w.router(t, Config{})
	if got, want := w.plan(r, Query{Model: "default", Needs: Needs{MaxTokens: 5}}), "eager/m fluent/m"; got != want {
		t.Errorf("a short answer: %s, want %s", got, want)
	}
	if got, want := w.plan(r, Query{Model: "default"}), "fluent/m eager/m"; got != want {
		t.Errorf("a usual answer: %s, want %s", got, want)
	}
}

func TestFastest_ColdTargetIsTakenForTheMedianPeer(t *testing.T) {
	w := newWorld("slow/m", "mid/m", "fast/m", "cold/m")
	w.seen("slow", 9*time.Second)
	w.seen("mid", time.Second)
	w.seen("fast", 100*time.Millisecond)
	p, err := w.router(t, Config{}).Plan(&Query{Model: "default", Dialect: llm.OpenAI, Now: w.time})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.ids(), "fast/m mid/m cold/m slow/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	if c := p.Candidates[2]; c.Known || c.Expected != p.Candidates[1].Expected {
		t.Errorf("cold: known %v, expected %s; want the median %s", c.Known, c.Expected, p.Candidates[1].Expected)
	}
}

func TestFastest_NativeDialectWinsAmongEquals(t *testing.T) {
	w := newWorld("foreign/m", "native/m")
	w.target("native").Dialects = []llm.Dialect{llm.Anthropic}
	w.seen("foreign", time.Second)
	w.seen("native", 1100*time.Millisecond)
	r := w.router(t, Config{})
	q := Query{Model: "default", Dialect: llm.Anthropic}
	if got, want := w.plan(r, q), "native/m foreign/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	for range 20 {
		w.seen("foreign", 100*time.Millisecond)
		w.seen("native", 5*time.Second)
	}
	if got, want := w.plan(r, q), "foreign/m native/m"; got != want {
		t.Errorf("when it is clearly slower: %s, want %s", got, want)
	}
}

func TestFastest_ABurstSpreads(t *testing.T) {
	w := newWorld("a/m", "b/m")
	for range 50 {
		w.seen("a", 500*time.Millisecond)
		w.seen("b", time.Second)
	}
	r := w.router(t, Config{})
	first := map[string]int{}
	for range 40 {
		p, _ := r.Plan(&Query{Model: "default", Dialect: llm.OpenAI, Now: w.time})
		first[p.Targets[0].Provider]++
		p.Targets[0].Health.Begin(1000, false)
	}
	if first["a"] <= first["b"] || first["b"] == 0 {
		t.Errorf("shares of a burst of 40: %v; want more to a, and some to b", first)
	}
}

func TestFastest_FailuresCost(t *testing.T) {
	w := newWorld("shaky/m", "sound/m")
	w.seen("shaky", 900*time.Millisecond)
	w.seen("sound", time.Second)
	for range 3 {
		w.target("shaky").Health.Begin(1000, false).End(health.Outcome{Class: llm.ClassTransient})
	}
	if got, want := w.plan(w.router(t, Config{}), Query{Model: "default"}), "sound/m shaky/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
}

func TestFastest_RecoveredTargetRampsUp(t *testing.T) {
	w := newWorld("a/m", "b/m")
	w.seen("a", 100*time.Millisecond)
	w.seen("b", time.Second)
	w.breaks("a")
	w.pass(5 * time.Second)
	_, probe := w.target("a").Health.Allow()
	x := w.target("a").Health.Begin(1000, probe)
	x.FirstByte(100 * time.Millisecond)
	x.End(health.Outcome{})
	r := w.router(t, Config{Rand: rand.New(rand.NewPCG(1, 2)).Float64})
	for _, step := range []struct {
		at     time.Duration
		lo, hi int
	}{{0, 50, 150}, {5 * time.Second, 480, 620}, {5 * time.Second, 1000, 1000}} {
		w.pass(step.at)
		if got := w.firsts(r, 1000, Query{})["a"]; got < step.lo || got > step.hi {
			t.Errorf("%s after the recovery a goes first %d times of 1000, want %d to %d",
				w.time.Sub(epoch)-5*time.Second, got, step.lo, step.hi)
		}
	}
}

func TestFastest_ExplorationIsBounded(t *testing.T) {
	w := newWorld("fast/m", "slow/m", "never/m")
	w.seen("fast", 100*time.Millisecond)
	w.seen("slow", 10*time.Second)
	r := w.router(t, Config{Explore: 0.05, Rand: rand.New(rand.NewPCG(1, 2)).Float64, Affinity: NewAffinity(AffinityOptions{})})
	count := func(q Query) map[string]int {
		got := map[string]int{}
		for range 6000 { // ten minutes, ten requests a second
			q.Model, q.Dialect, q.Now = "default", llm.OpenAI, w.time
			p, _ := r.Plan(&q)
			r.Bind(p, &q, p.Targets[0], "k")
			got[p.Targets[0].Provider]++
			x := p.Targets[0].Health.Begin(1000, false)
			x.FirstByte(map[string]time.Duration{"fast": 100 * time.Millisecond, "slow": 10 * time.Second, "never": 5 * time.Second}[p.Targets[0].Provider])
			x.End(health.Outcome{})
			w.pass(100 * time.Millisecond)
		}
		return got
	}
	got := count(Query{})
	if got["slow"] < 10 || got["slow"] > 20 || got["never"] < 10 || got["never"] > 21 {
		t.Errorf("shares of 6000 in ten minutes: %v; want 10 to 20 for the idle ones", got)
	}
	if got := count(Query{Session: "s", Needs: Needs{PromptBytes: 9000}}); got["slow"]+got["never"] > 1 {
		t.Errorf("a session that is bound was sent exploring: %v", got)
	}
	if got := count(Query{Wish: Wish{NoFailover: true}}); got["slow"]+got["never"] > 0 {
		t.Errorf("requests that may not fail over were sent exploring: %v", got)
	}
}

func TestFastest_NeverSeenTargetIsTriedSoonEvenBySessions(t *testing.T) {
	w := newWorld("known/m", "never/m")
	w.seen("known", time.Second)
	w.pass(time.Minute)
	r := w.router(t, Config{Explore: 0.05, Rand: rand.New(rand.NewPCG(1, 2)).Float64})
	for i := range 20 {
		q := Query{Model: "default", Dialect: llm.OpenAI, Session: fmt.Sprint(i), Now: w.time}
		p, _ := r.Plan(&q)
		if p.Explored && p.Targets[0].Provider == "never" {
			return
		}
	}
	t.Error("twenty new sessions, and none went to the target nothing is known of")
}

// TestPlan_AnyWorldKeepsTheRules plans random queries in random worlds.
func TestPlan_AnyWorldKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		var ids []string
		for i := range n {
			ids = append(ids, fmt.Sprintf("p%d/m@%d", i, rapid.IntRange(1, 3).Draw(t, "tier")))
		}
		w := newWorld(ids...)
		for i, x := range w.targets {
			switch rapid.IntRange(0, 4).Draw(t, "state") {
			case 0:
				w.breaks(x.Provider)
			case 1:
				x.Keys = &keys{w.time.Add(time.Duration(i+1) * time.Second), llm.ClassRate}
			case 2:
				x.Caps.Vision = false
			case 3:
				w.seen(x.Provider, time.Duration(i+1)*time.Second)
			}
		}
		c := Config{Targets: w.targets, Strategy: rapid.SampledFrom(Strategies()).Draw(t, "strategy"), Affinity: NewAffinity(AffinityOptions{})}
		r, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		q := &Query{Model: "default", Dialect: llm.OpenAI, Now: w.time, Session: "s",
			Needs: Needs{Vision: rapid.Bool().Draw(t, "vision"), PromptBytes: 9000}}
		r.Bind(&Plan{Name: "default"}, q, w.targets[rapid.IntRange(0, n-1).Draw(t, "bound")], "k")
		p, err := r.Plan(q)
		if err != nil {
			for _, x := range w.targets {
				if x.misfit(q) == "" {
					t.Fatalf("%v, but %s fits", err, x.ID)
				}
			}
			return
		}
		seen := map[*Target]bool{}
		rested, tier := false, 0
		for i, x := range p.Targets {
			cand := p.Candidates[i]
			if cand.Target != x || seen[x] || x.misfit(q) != "" {
				t.Fatalf("target %d, %s: in twice, unfit, or not its record's", i, x.ID)
			}
			seen[x] = true
			if rested && cand.Ready {
				t.Fatalf("%s is ready and stands behind one that rests", x.ID)
			}
			if cand.Ready && !p.Sticky && cand.Tier < tier {
				t.Fatalf("%s of tier %d stands behind tier %d", x.ID, cand.Tier, tier)
			}
			if cand.Ready {
				tier = cand.Tier
			}
			rested = !cand.Ready
		}
		for _, x := range w.targets {
			if !seen[x] && x.misfit(q) == "" {
				t.Fatalf("%s fits and is missing", x.ID)
			}
		}
		if len(p.Candidates) != n {
			t.Fatalf("%d candidates of %d", len(p.Candidates), n)
		}
	})
}

func TestFastest_AlikeTargetsShare(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m", "d/m", "worse/m")
	for i, id := range []string{"a", "b", "c", "d", "worse"} {
		w.seen(id, time.Second+time.Duration(i)*10*time.Millisecond)
	}
	w.slow("worse", 3*time.Second)
	got := w.firsts(w.router(t, Config{Rand: rand.New(rand.NewPCG(1, 2)).Float64}), 1600, Query{})
	// Of two draws the better: 7, 5, 3 and 1 of 16.
	for id, want := range map[string]int{"a": 700, "b": 500, "c": 300, "d": 100, "worse": 0} {
		if got[id] < want-60 || got[id] > want+60 {
			t.Errorf("%s first %d times of 1600, want about %d", id, got[id], want)
		}
	}
}

func TestPlan_OfTwoReasonsToRestTheLongerCounts(t *testing.T) {
	for keysRest, want := range map[time.Duration]Candidate{
		time.Second: {Reason: BreakerOpen, Until: epoch.Add(5 * time.Second), Class: llm.ClassOverload},
		time.Minute: {Reason: KeysRest, Until: epoch.Add(time.Minute), Class: llm.ClassRate},
	} {
		w := newWorld("a/m")
		w.breaks("a")
		w.keys["a/m"].until, w.keys["a/m"].class = epoch.Add(keysRest), llm.ClassRate
		p, err := w.router(t, Config{}).Plan(&Query{Model: "default", Now: w.time})
		if err != nil {
			t.Fatal(err)
		}
		if c := p.Candidates[0]; c.Reason != want.Reason || !c.Until.Equal(want.Until) || c.Class != want.Class {
			t.Errorf("keys rest for %s: %q until %s (%s)", keysRest, c.Reason, c.Until, c.Class)
		}
	}
}
