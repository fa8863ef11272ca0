package route

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// epoch is when the tests' clock begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock the test turns by hand.
type clock struct{ time time.Time }

func (c *clock) now() time.Time { return c.time }

func (c *clock) pass(d time.Duration) { c.time = c.time.Add(d) }

// keys is a KeyView that rests until a time.
type keys struct {
	until time.Time
	class llm.Class
}

func (k *keys) Resting(string) (time.Time, llm.Class, bool) {
	return k.until, k.class, !k.until.IsZero()
}

// able is what most models can do.
func able(id string) provider.Model {
	return provider.Model{
		ID: id, Context: 200_000, MaxOutput: 32_000,
		Tools: true, Vision: true, PDF: true, Thinking: true, Structured: true,
	}
}

// world is a set of targets on one clock.
type world struct {
	clock
	targets []*Target
	keys    map[string]*keys
}

// newWorld makes a target of every "provider/model[@tier]".
func newWorld(ids ...string) *world {
	w := &world{clock: clock{epoch}, keys: map[string]*keys{}}
	for _, id := range ids {
		id, tier, _ := strings.Cut(id, "@")
		prov, model, _ := strings.Cut(id, "/")
		t := &Target{
			Provider: prov, Model: model, Caps: able(model),
			Dialects: []llm.Dialect{llm.OpenAI},
			Health:   health.New(health.Options{Now: w.now, Rand: func() float64 { return 0.5 }}),
		}
		fmt.Sscan(tier, &t.Tier)
		w.keys[id] = &keys{}
		t.Keys = w.keys[id]
		w.targets = append(w.targets, t)
	}
	return w
}

func (w *world) target(id string) *Target {
	for _, t := range w.targets {
		if t.Provider+"/"+t.Model == id || t.Provider == id {
			return t
		}
	}
	panic("no target " + id)
}

// seen lets target id answer once in ttft.
func (w *world) seen(id string, ttft time.Duration) {
	t := w.target(id).Health.Begin(1000, false)
	t.FirstByte(ttft)
	t.End(health.Outcome{})
}

// breaks opens the breaker of target id.
func (w *world) breaks(id string) {
	for range 5 {
		w.target(id).Health.Begin(1000, false).End(health.Outcome{Class: llm.ClassTransient})
	}
}

func (w *world) router(t testing.TB, c Config) *Router {
	t.Helper()
	c.Targets = w.targets
	if c.Explore == 0 {
		c.Explore = -1
	}
	if c.Rand == nil {
		c.Rand = func() float64 { return 0.5 }
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// plan returns the ids of the targets in order, or the error.
func (w *world) plan(r *Router, q Query) string {
	if q.Now.IsZero() {
		q.Now = w.time
	}
	if q.Dialect == "" {
		q.Dialect = llm.OpenAI
	}
	p, err := r.Plan(&q)
	if err != nil {
		return "error: " + err.Error()
	}
	return p.ids()
}

func (p *Plan) ids() string {
	var ids []string
	for _, t := range p.Targets {
		ids = append(ids, t.ID)
	}
	return strings.Join(ids, " ")
}

func (w *world) members(ids ...string) []Member {
	var ms []Member
	for _, id := range ids {
		id, tier, _ := strings.Cut(id, "@")
		m := Member{Target: w.target(id)}
		fmt.Sscan(tier, &m.Tier)
		ms = append(ms, m)
	}
	return ms
}

func TestRouter_NamesResolve(t *testing.T) {
	w := newWorld("zai/glm-5", "minimax/M3", "or/anthropic/claude")
	w.target("zai").Caps.Aliases = []string{"glm-latest"}
	aliases := []Alias{
		{Name: "coder", Members: w.members("zai", "minimax"), Strategy: Ordered},
		{Name: "claude-*", Members: w.members("minimax")},
		{Name: "claude-opus-*", Members: w.members("or/anthropic/claude")},
		{Name: "Fancy", Members: w.members("zai")},
	}
	star := append([]Alias{{Name: "*", Members: w.members("or/anthropic/claude")}}, aliases...)
	all := "zai/glm-5 minimax/M3 or/anthropic/claude"
	for _, test := range []struct {
		name   string
		config Config
		model  string
		want   string
	}{
		{"an alias", Config{Aliases: aliases}, "coder", "zai/glm-5 minimax/M3"},
		{"an alias, letter case aside", Config{Aliases: aliases}, "fANCY", "zai/glm-5"},
		{"a pattern", Config{Aliases: aliases}, "claude-haiku-4-5", "minimax/M3"},
		{"the longest pattern", Config{Aliases: aliases}, "claude-opus-4-6", "or/anthropic/claude"},
		{"a window suffix", Config{Aliases: aliases}, "coder[1m]", "zai/glm-5 minimax/M3"},
		{"provider/model", Config{Aliases: aliases}, "zai/glm-5", "zai/glm-5"},
		{"provider/model, letter case aside", Config{}, "ZAI/GLM-5", "zai/glm-5"},
		{"provider/model by a second name", Config{}, "zai/glm-latest", "zai/glm-5"},
		{"a model with a slash", Config{}, "or/anthropic/claude", "or/anthropic/claude"},
		{"default is every target", Config{Strategy: Ordered}, "default", all},
		{"a bare model", Config{ByModel: true}, "glm-5", "zai/glm-5"},
		{"a bare second name", Config{ByModel: true}, "glm-latest", "zai/glm-5"},
		{"any name", Config{AnyName: true, Strategy: Ordered}, "gpt-9", all},
		{"any name yields to a bare model", Config{AnyName: true, ByModel: true}, "M3", "minimax/M3"},
		{"the star", Config{Aliases: star}, "gpt-9", "or/anthropic/claude"},
		{"the star yields to patterns", Config{Aliases: star}, "claude-x", "minimax/M3"},
		{"an alias hides a model", Config{ByModel: true, Aliases: []Alias{{Name: "glm-5", Members: w.members("minimax")}}}, "glm-5", "minimax/M3"},
		{"unknown", Config{Aliases: aliases}, "codr", `error: no model "codr"; did you mean coder?`},
		{"a bare model that may not be asked for", Config{}, "M3", `error: no model "M3"`},
		{"nothing like it", Config{Aliases: aliases}, "xyzzy-9000", `error: no model "xyzzy-9000"`},
		{"the empty name", Config{Aliases: aliases}, "", `error: no model ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := w.plan(w.router(t, test.config), Query{Model: test.model}); got != test.want {
				t.Errorf("%q:\n got %s\nwant %s", test.model, got, test.want)
			}
		})
	}
}

func TestRouter_UnknownModelIsAnErrorOfItsOwn(t *testing.T) {
	w := newWorld("zai/glm-5.2", "zai/glm-5.1", "zai/glm-5", "minimax/M3")
	_, err := w.router(t, Config{ByModel: true}).Plan(&Query{Model: "glm-5.3"})
	u, ok := errors.AsType[*UnknownModelError](err)
	if !ok {
		t.Fatalf("err = %v", err)
	}
	if d := cmp.Diff([]string{"glm-5.1", "glm-5.2", "glm-5"}, u.Near); d != "" {
		t.Errorf("near (-want +got):\n%s", d)
	}
}

func TestRouter_DirectMakesTargetsOnDemand(t *testing.T) {
	w := newWorld("or/known")
	c := Config{AnyName: true, Direct: func(prov, model string) *Target {
		if prov != "or" {
			return nil
		}
		return &Target{Provider: prov, Model: model}
	}}
	r := w.router(t, c)
	for model, want := range map[string]string{
		"or/known":            "or/known",
		"or/meta/llama-9":     "or/meta/llama-9",
		"nobody/meta/llama-9": "or/known",
	} {
		if got := w.plan(r, Query{Model: model}); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
	}
}

func TestNew_RefusesWhatCannotBeMeant(t *testing.T) {
	w := newWorld("zai/glm-5")
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"twice":            {Config{Aliases: []Alias{{Name: "a"}, {Name: "A"}}}, `alias "A": is there twice`},
		"a pattern twice":  {Config{Aliases: []Alias{{Name: "a*"}, {Name: "a*"}}}, `alias "a*": is there twice`},
		"unknown strategy": {Config{Aliases: []Alias{{Name: "a", Strategy: "best"}}}, `alias "a": no strategy "best"`},
		"unknown default":  {Config{Strategy: "best"}, `routing: no strategy "best"`},
		"lost purpose":     {Config{Purposes: map[Purpose]string{Vision: "zai/glm-6"}}, `routing: purpose vision: no model "zai/glm-6"; did you mean zai/glm-5?`},
		"unknown purpose":  {Config{Aliases: []Alias{{Name: "a", Purposes: map[Purpose]string{"fun": "a"}}}}, `alias "a": no purpose "fun"`},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.Targets = w.targets
			_, err := New(test.config)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("err = %v, want %s", err, test.want)
			}
		})
	}
}

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
