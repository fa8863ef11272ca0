package route

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// TestRouter_IsSafeForConcurrentUse plans, binds and learns from many
// goroutines at once; the race detector and the counts are the judges.
func TestRouter_IsSafeForConcurrentUse(t *testing.T) {
	w := newWorld("a/m", "b/m", "c/m")
	for _, x := range w.targets {
		x.Health = health.New(health.Options{})
	}
	for _, s := range Strategies() {
		r, err := New(Config{Targets: w.targets, Strategy: s, Affinity: NewAffinity(AffinityOptions{Max: 50})})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 200 {
					q := &Query{Model: "default", Dialect: llm.OpenAI, Session: fmt.Sprint(g, i%20), Needs: Needs{PromptBytes: 9000}}
					p, err := r.Plan(q)
					if err != nil {
						t.Error(err)
						return
					}
					x := p.Targets[0]
					if ok, probe := x.Health.Allow(); ok {
						trial := x.Health.Begin(9000, probe)
						trial.FirstByte(time.Millisecond)
						trial.End(health.Outcome{Class: llm.Class(i % 16 / 15 * int(llm.ClassTransient)), Tokens: 20})
					}
					r.Bind(p, q, x, "k")
				}
			})
		}
		wg.Wait()
	}
	for _, x := range w.targets {
		if n := x.Health.Look(time.Now()).InFlight; n != 0 {
			t.Errorf("%s: %d in flight at the end", x.ID, n)
		}
	}
}
