package route

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// stickyWorld has three targets, the first the fastest, and a session bound to
// the second.
func stickyWorld(t *testing.T) (*world, *Router, Query) {
	w := newWorld("a/m@1", "b/m@1", "c/m@2")
	w.seen("a", time.Second)
	w.seen("b", 1500*time.Millisecond)
	w.seen("c", time.Second)
	r := w.router(t, Config{Affinity: NewAffinity(AffinityOptions{})})
	q := Query{Model: "default", Session: "s", Dialect: llm.OpenAI, Now: w.time, Needs: Needs{PromptBytes: 40_000}}
	r.Bind(&Plan{Name: "default"}, &q, w.target("b"), "key-2")
	return w, r, q
}

func TestAffinity_SessionKeepsItsTargetAndKey(t *testing.T) {
	w, r, q := stickyWorld(t)
	q.Now = w.time
	p, err := r.Plan(&q)
	if err != nil {
		t.Fatal(err)
	}
	if p.ids() != "b/m a/m c/m" || !p.Sticky || p.Key != "key-2" {
		t.Errorf("plan %s, sticky %v, key %q; want b first, with key-2", p.ids(), p.Sticky, p.Key)
	}
	q.Session = "another"
	if p, _ = r.Plan(&q); p.ids() != "a/m b/m c/m" || p.Sticky {
		t.Errorf("another session: %s, sticky %v", p.ids(), p.Sticky)
	}
}

func TestAffinity_IsBrokenBy(t *testing.T) {
	for name, breaks := range map[string]func(*world, *Query){
		"a rest":                    func(w *world, _ *Query) { w.keys["b/m"].until = w.time.Add(time.Minute) },
		"an open breaker":           func(w *world, _ *Query) { w.breaks("b") },
		"a clearly faster target":   func(w *world, _ *Query) { w.slow("b", 20*time.Second) },
		"load":                      func(w *world, _ *Query) { w.load("b", 20) },
		"time":                      func(w *world, q *Query) { w.pass(5 * time.Minute); q.Now = w.time },
		"another alias":             func(_ *world, q *Query) { q.Model = "b/m" },
		"a wish for another":        func(_ *world, q *Query) { q.Wish.Prefer = []string{"a"} },
		"a strategy that is strict": func(_ *world, q *Query) { q.Wish.Strategy = Ordered },
		"a capability it lacks": func(w *world, q *Query) {
			w.target("b").Caps.Vision, q.Needs.Vision = false, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, r, q := stickyWorld(t)
			breaks(w, &q)
			p, err := r.Plan(&q)
			if err != nil {
				t.Fatal(err)
			}
			if p.Sticky {
				t.Errorf("still sticky: %s", p.ids())
			}
		})
	}
}

func (w *world) slow(id string, d time.Duration) {
	for range 5 {
		w.seen(id, d)
	}
}

func (w *world) load(id string, n int) {
	for range n {
		w.target(id).Health.Begin(1000, false)
	}
}

func TestAffinity_LastsAsLongAsTheCache(t *testing.T) {
	w, r, q := stickyWorld(t)
	q.CacheTTL = time.Hour
	r.Bind(&Plan{Name: "default"}, &q, w.target("b"), "key-2")
	w.pass(59 * time.Minute)
	q.Now = w.time
	if p, _ := r.Plan(&q); !p.Sticky {
		t.Error("not sticky after 59 minutes of an hour")
	}
}

func TestAffinity_FollowsTheTargetThatAnswered(t *testing.T) {
	w, r, q := stickyWorld(t)
	r.Bind(&Plan{Name: "default"}, &q, w.target("a"), "key-1")
	if p, _ := r.Plan(&q); p.Targets[0] != w.target("a") || p.Key != "key-1" {
		t.Errorf("plan %s with key %s; want a with key-1", p.ids(), p.Key)
	}
}

func TestAffinity_ShortPromptsAreNotBound(t *testing.T) {
	w, r, q := stickyWorld(t)
	q.Session, q.Needs.PromptBytes = "short", 1000
	r.Bind(&Plan{Name: "default"}, &q, w.target("b"), "key-2")
	if p, _ := r.Plan(&q); p.Sticky {
		t.Error("bound though no provider caches so short a prompt")
	}
}

func TestAffinity_ForgetsTheOldestFirst(t *testing.T) {
	a := NewAffinity(AffinityOptions{Max: 100})
	for i := range 250 {
		a.bind(fmt.Sprint(i), "x", "t", "k", epoch, 0)
		a.bind("0", "x", "t", "k", epoch, 0)
	}
	if n := a.Len(); n != 100 {
		t.Errorf("%d sessions, want 100", n)
	}
	for session, want := range map[string]bool{"0": true, "249": true, "151": true, "150": false, "1": false} {
		if _, _, ok := a.get(session, "x", epoch); ok != want {
			t.Errorf("session %s remembered: %v, want %v", session, ok, want)
		}
	}
}

func TestAffinity_SiblingsSpread(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	for _, x := range w.targets {
		w.seen(x.Provider, time.Second)
	}
	r := w.router(t, Config{Affinity: NewAffinity(AffinityOptions{}), Rand: rand.New(rand.NewPCG(1, 2)).Float64})
	first := map[string]int{}
	for i := range 48 {
		q := Query{Model: "default", Dialect: llm.OpenAI, Now: w.time, Session: fmt.Sprintf("session/agent-%d", i), Needs: Needs{PromptBytes: 40_000}}
		p, _ := r.Plan(&q)
		r.Bind(p, &q, p.Targets[0], "k")
		p.Targets[0].Health.Begin(40_000, false)
		first[p.Targets[0].Provider]++
	}
	for id, n := range first {
		if n > 24 {
			t.Errorf("%d of 48 siblings went to %s", n, id)
		}
	}
}
