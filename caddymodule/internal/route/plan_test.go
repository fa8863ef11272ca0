package route

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

func TestPlan_CapabilityFilter(t *testing.T) {
	less := func(f func(*provider.Model)) provider.Model {
		m := able("a")
		f(&m)
		return m
	}
	for name, test := range map[string]struct {
		caps  provider.Model
		needs Needs
		want  string // the plan
		why   Reason // of a
	}{
		"all it can":          {able("a"), Needs{Tools: true, Vision: true, PDF: true, Thinking: true, Structured: true, MaxTokens: 32_000}, "x/a x/b", ""},
		"no tools":            {less(func(m *provider.Model) { m.Tools = false }), Needs{Tools: true}, "x/b", NoTools},
		"no tools, none used": {less(func(m *provider.Model) { m.Tools = false }), Needs{}, "x/a x/b", ""},
		"no vision":           {less(func(m *provider.Model) { m.Vision = false }), Needs{Vision: true}, "x/b", NoVision},
		"no documents":        {less(func(m *provider.Model) { m.PDF = false }), Needs{PDF: true}, "x/b", NoPDF},
		"no structure":        {less(func(m *provider.Model) { m.Structured = false }), Needs{Structured: true}, "x/b", NoStructured},
		"no thinking":         {less(func(m *provider.Model) { m.Thinking = false }), Needs{Thinking: true}, "x/b x/a", NoThinking},
		"short answers":       {less(func(m *provider.Model) { m.MaxOutput = 4096 }), Needs{MaxTokens: 32_000}, "x/b x/a", ShortAnswer},
		"context too small":   {less(func(m *provider.Model) { m.Context = 8000 }), Needs{PromptBytes: 65_000}, "x/b", TooLong},
		"context tight":       {less(func(m *provider.Model) { m.Context = 8000 }), Needs{PromptBytes: 30_000, MaxTokens: 1000}, "x/b x/a", TightFit},
		"images are no text":  {less(func(m *provider.Model) { m.Context = 8000 }), Needs{PromptBytes: 3 << 20, Vision: true}, "x/a x/b", ""},
		"nothing is known":    {provider.Model{}, Needs{Tools: true, Vision: true, PromptBytes: 1 << 20, MaxTokens: 1 << 20}, "x/a x/b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("x/a", "x/b")
			w.targets[0].Caps = test.caps
			q := &Query{Model: "default", Dialect: llm.OpenAI, Needs: test.needs, Now: w.time}
			p, err := w.router(t, Config{Strategy: Ordered}).Plan(q)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.ids(); got != test.want {
				t.Errorf("plan %s, want %s", got, test.want)
			}
			for _, c := range p.Candidates {
				if c.Target == w.targets[0] && c.Reason != test.why {
					t.Errorf("reason %q, want %q", c.Reason, test.why)
				}
			}
			if len(p.Candidates) != 2 {
				t.Errorf("%d candidates in the record, want 2", len(p.Candidates))
			}
		})
	}
}

func TestPlan_NoneFits(t *testing.T) {
	w := newWorld("x/a", "y/b")
	w.targets[0].Caps.Vision = false
	w.targets[1].Caps.Tools = false
	r := w.router(t, Config{})
	want := `error: no target of "default" fits the request: x/a takes no images, y/b has no tools`
	if got := w.plan(r, Query{Model: "default", Needs: Needs{Vision: true, Tools: true}}); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	_, err := r.Plan(&Query{Model: "default", Dialect: llm.Responses, NativeOnly: true})
	n, ok := errors.AsType[*NoneFitError](err)
	if !ok {
		t.Fatalf("err = %v", err)
	}
	if why, all := n.Only(); !all || why != OtherDialect {
		t.Errorf("Only = %q, %v; want %q", why, all, OtherDialect)
	}
}

func TestPlan_RestingTargetsStayBehindTheOthers(t *testing.T) {
	w := newWorld("a/m@1", "b/m@1", "c/m@2", "d/m@3")
	r := w.router(t, Config{Strategy: Ordered})
	w.keys["a/m"].until, w.keys["a/m"].class = epoch.Add(time.Minute), llm.ClassRate
	w.breaks("b")
	if got, want := w.plan(r, Query{Model: "default"}), "c/m d/m b/m a/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	w.breaks("c")
	w.keys["d/m"].until, w.keys["d/m"].class = epoch.Add(2*time.Second), llm.ClassQuota
	p, err := r.Plan(&Query{Model: "default", Now: w.time})
	if err != nil {
		t.Fatal(err)
	}
	until, class, all := p.Resting()
	if !all || class != llm.ClassQuota || until != epoch.Add(2*time.Second) {
		t.Errorf("Resting = %v, %v, %v; want 2 s from the start, quota", until, class, all)
	}
	if got, want := p.ids(), "d/m b/m c/m a/m"; got != want {
		t.Errorf("plan %s, want %s: the first due goes first", got, want)
	}
}

func TestPlan_TiersComeBeforeStrategy(t *testing.T) {
	w := newWorld("slow/m@1", "fast/m@2", "fastest/m@2")
	w.seen("slow", 5*time.Second)
	w.seen("fast", 2*time.Second)
	w.seen("fastest", time.Second)
	r := w.router(t, Config{Aliases: []Alias{{Name: "flat", Members: w.members("slow@2", "fast", "fastest")}}})
	if got, want := w.plan(r, Query{Model: "default"}), "slow/m fastest/m fast/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	if got, want := w.plan(r, Query{Model: "flat"}), "fastest/m fast/m slow/m"; got != want {
		t.Errorf("with the alias's own tiers: %s, want %s", got, want)
	}
}

func TestPlan_Wishes(t *testing.T) {
	for header, want := range map[string]string{
		"":                                 "a/m b/m c/m d/m",
		"provider=c":                       "c/m a/m b/m d/m",
		"provider=D/m|b":                   "b/m d/m a/m c/m",
		"only=c":                           "c/m",
		"only=d|b":                         "b/m d/m",
		"only=d, only=b, no-failover":      "b/m",
		"no-failover":                      "a/m",
		"only=b|c, provider=c":             "c/m b/m",
		"only=nobody":                      `error: no target of "default" fits the request: a/m is not among those asked for, b/m is not among those asked for, c/m is not among those asked for, d/m is not among those asked for`,
		"strategy=least_in_flight, only=a": "a/m",
	} {
		t.Run(header, func(t *testing.T) {
			w := newWorld("a/m@1", "b/m@1", "c/m@2", "d/m@3")
			wish, err := ParseWish(header)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.plan(w.router(t, Config{Strategy: Ordered}), Query{Model: "default", Wish: wish}); got != want {
				t.Errorf("plan %s, want %s", got, want)
			}
		})
	}
}

func TestPlan_PurposesComeFirst(t *testing.T) {
	w := newWorld("a/m@1", "eyes/m@2", "brain/m@2", "long/m@2", "small/m@2", "hands/m@2")
	c := Config{Strategy: Ordered, AnyName: true, Purposes: map[Purpose]string{
		Vision: "eyes/m", Thinking: "brain/m", LongContext: "long/m", SmallFast: "small/m", Tools: "hands/m",
	}, Aliases: []Alias{{Name: "fixed", Members: w.members("a")}}}
	r := w.router(t, c)
	for _, test := range []struct {
		q    Query
		want string
	}{
		{Query{Model: "x"}, "a/m"},
		{Query{Model: "x", Needs: Needs{Vision: true, Thinking: true}}, "eyes/m"},
		{Query{Model: "x", Needs: Needs{Thinking: true, Tools: true}}, "brain/m"},
		{Query{Model: "x", Needs: Needs{PromptBytes: 250_000, Thinking: true}}, "long/m"},
		{Query{Model: "claude-Haiku-4-5", Needs: Needs{Tools: true}}, "small/m"},
		{Query{Model: "x", Needs: Needs{Tools: true}}, "hands/m"},
		{Query{Model: "fixed", Needs: Needs{Vision: true}}, "a/m"},
	} {
		if got, _, _ := strings.Cut(w.plan(r, test.q), " "); got != test.want {
			t.Errorf("%+v: first %s, want %s", test.q.Needs, got, test.want)
		}
	}
	if got, want := w.plan(r, Query{Model: "x", Needs: Needs{Vision: true}}), "eyes/m a/m brain/m long/m small/m hands/m"; got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	w.breaks("eyes")
	if got, _, _ := strings.Cut(w.plan(r, Query{Model: "x", Needs: Needs{Vision: true}}), " "); got != "a/m" {
		t.Errorf("with the purpose's target down: first %s, want a/m", got)
	}
}
