package route

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestDistance_CountsEdits(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"glm", "glm", 0}, {"glm", "gml", 1}, {"coder", "codr", 1}, {"kitten", "sitting", 3}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestDistance_IsAMetric(t *testing.T) {
	word := rapid.StringMatching(`[a-d]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if distance(a, b) != distance(b, a) || (distance(a, b) == 0) != (a == b) || distance(a, c) > distance(a, b)+distance(b, c) {
			t.Fatalf("%d %d %d", distance(a, b), distance(b, c), distance(a, c))
		}
	})
}

func TestRouter_NamesAndSuggestionsLeaveSecondNamesOut(t *testing.T) {
	w := newWorld("zai/glm-5", "minimax/M3")
	w.target("zai").Caps.Aliases = []string{"turbo-latest"}
	r := w.router(t, Config{ByModel: true, Aliases: []Alias{
		{Name: "coder", Members: w.members("zai")}, {Name: "claude-*", Members: w.members("zai")},
	}})
	if d := cmp.Diff([]string{"coder", "default", "minimax/M3", "zai/glm-5"}, r.Names()); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	if got, want := w.plan(r, Query{Model: "turbo-lates"}), `error: no model "turbo-lates"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzRouter_PlanTakesAnyName(f *testing.F) {
	for _, s := range []string{"coder", "zai/glm-5", "claude-x[1m]", "", "/", "*", "[", "a]", "\xff\xfe/\x00"} {
		f.Add(s)
	}
	w := newWorld("zai/glm-5", "minimax/M3")
	r := w.router(f, Config{Aliases: []Alias{
		{Name: "coder", Members: w.members("zai")}, {Name: "claude-*", Members: w.members("minimax")},
	}})
	f.Fuzz(func(t *testing.T, name string) {
		p, err := r.Plan(&Query{Model: name, Dialect: llm.OpenAI, Now: w.time})
		if err == nil {
			if len(p.Targets) == 0 {
				t.Error("an empty plan")
			}
			return
		}
		if u, ok := errors.AsType[*UnknownModelError](err); !ok || u.Name != name || len(u.Near) > 3 {
			t.Errorf("err = %v", err)
		}
	})
}
