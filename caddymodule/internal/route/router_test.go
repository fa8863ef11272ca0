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

// handClock is a clock the test turns by hand.
type handClock struct{ time time.Time }

func (c *handClock) now() time.Time { return c.time }

func (c *handClock) pass(d time.Duration) { c.time = c.time.Add(d) }

// keys is a KeyView that rests until a time.
type keys struct {
	until time.Time
	class llm.Class
}

func (k *keys) RestingAt(string, time.Time) (time.Time, llm.Class, bool) {
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
	handClock
	targets []*Target
	keys    map[string]*keys
}

// newWorld makes a target of every "provider/model[@tier]".
func newWorld(ids ...string) *world {
	w := &world{handClock: handClock{epoch}, keys: map[string]*keys{}}
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
		{"a pattern, letter case aside", Config{Aliases: aliases}, "CLAUDE-haiku", "minimax/M3"},
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
