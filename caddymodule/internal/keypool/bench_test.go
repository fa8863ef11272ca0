package keypool

import (
	"fmt"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func manyKeys(n int) []*Key {
	ks := make([]*Key, n)
	for i := range ks {
		ks[i] = &Key{Name: fmt.Sprint(i), Weight: i % 7}
	}
	return ks
}

// rested puts all keys of p but every nth to rest for m.
func rested(p *Pool, nth int) {
	now := time.Now().UnixNano()
	for i, k := range p.Keys() {
		if i%nth != nth-1 {
			k.State.enter("m", rate(15*time.Minute), 0, now, 0, false)
		}
	}
}

func BenchmarkPool_AcquireRelease(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		for _, policy := range []Policy{RoundRobin, LeastInFlight, Weighted, FillFirst} {
			b.Run(fmt.Sprintf("%s/keys=%d", policy, n), func(b *testing.B) {
				p := New(policy, manyKeys(n), Options{})
				for b.Loop() {
					cycle(b, p)
				}
			})
		}
	}
}

func BenchmarkPool_AcquireNineOfTenRest(b *testing.B) {
	for _, policy := range []Policy{RoundRobin, LeastInFlight, Weighted, FillFirst} {
		b.Run(string(policy), func(b *testing.B) {
			p := New(policy, manyKeys(1000), Options{})
			rested(p, 10)
			for b.Loop() {
				cycle(b, p)
			}
		})
	}
}

func BenchmarkPool_AcquireParallel(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := New(RoundRobin, manyKeys(n), Options{})
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					cycle(b, p)
				}
			})
		})
	}
}

func BenchmarkPool_Resting(b *testing.B) {
	for name, nth := range map[string]int{"none rests": 0, "all rest": 2000, "one is free": 1000} {
		b.Run(name, func(b *testing.B) {
			p := New(RoundRobin, manyKeys(1000), Options{})
			if nth > 0 {
				rested(p, nth)
			}
			for b.Loop() {
				p.Resting("m")
			}
		})
	}
}

func cycle(b *testing.B, p *Pool) {
	l, err := p.Acquire("m", nil)
	if err != nil {
		b.Fatal(err)
	}
	l.Release(Outcome{Class: llm.ClassNone, TTFT: time.Second, Duration: 2 * time.Second, OutputTokens: 50})
}
