package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// benchWorld has n targets that have answered, each with a pool of nkeys keys.
func benchWorld(n, nkeys int) *world {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("p%d/m", i))
	}
	w := newWorld(ids...)
	for i, x := range w.targets {
		w.seen(x.Provider, time.Duration(i+1)*10*time.Millisecond)
		var ks []*keypool.Key
		for k := range nkeys {
			ks = append(ks, &keypool.Key{Name: fmt.Sprint(k)})
		}
		x.Keys = keypool.New(keypool.RoundRobin, ks, keypool.Options{})
	}
	return w
}

func BenchmarkRouter_Plan(b *testing.B) {
	for _, size := range []struct{ targets, keys int }{{1, 1}, {3, 1}, {3, 1000}, {100, 1}, {100, 1000}} {
		b.Run(fmt.Sprintf("targets=%d/keys=%d", size.targets, size.keys), func(b *testing.B) {
			w := benchWorld(size.targets, size.keys)
			r := w.router(b, Config{Affinity: NewAffinity(AffinityOptions{}), Explore: 0.05})
			q := &Query{Model: "default", Dialect: llm.OpenAI, Now: w.time, Session: "s", Needs: Needs{PromptBytes: 40_000, Tools: true}}
			b.ReportAllocs()
			for b.Loop() {
				p, err := r.Plan(q)
				if err != nil {
					b.Fatal(err)
				}
				r.Bind(p, q, p.Targets[0], "0")
			}
		})
	}
}

func BenchmarkRouter_PlanStrategies(b *testing.B) {
	for _, s := range Strategies() {
		b.Run(string(s), func(b *testing.B) {
			w := benchWorld(10, 1)
			r := w.router(b, Config{Strategy: s})
			q := &Query{Model: "default", Dialect: llm.OpenAI, Now: w.time}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Plan(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseWish(b *testing.B) {
	for b.Loop() {
		if _, err := ParseWish("strategy=cheapest, provider=zai, only=zai|minimax, no-failover"); err != nil {
			b.Fatal(err)
		}
	}
}
