package telemetry

import (
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// BenchmarkObserve is what recording an exchange adds to it.
func BenchmarkObserve(b *testing.B) {
	m, w := NewMetrics(), NewWindows(nil)
	recorder := m.For(names())
	w.Configure(names())
	well, over, bad := answered("zai", "glm"), failedOver(), failed(llm.ClassTransient, "upstream_5xx")
	b.Run("metrics", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.Observe(well)
		}
	})
	b.Run("windows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.Observe(well)
		}
	})
	b.Run("both", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.Observe(well)
			w.Observe(well)
		}
	})
	b.Run("both, after a failover", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.Observe(over)
			w.Observe(over)
		}
	})
	b.Run("both, failed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recorder.Observe(bad)
			w.Observe(bad)
		}
	})
	b.Run("both, from everywhere at once", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				recorder.Observe(well)
				w.Observe(well)
			}
		})
	})
}

// TestObserve_AllocatesNothing holds what the benchmark shows.
func TestObserve_AllocatesNothing(t *testing.T) {
	recorder, w := NewMetrics().For(names()), windowsAt(newClock())
	record := failedOver()
	if n := testing.AllocsPerRun(100, func() {
		recorder.Observe(record)
		w.Observe(record)
	}); n != 0 {
		t.Errorf("%v allocations an exchange", n)
	}
}

// BenchmarkRoll is the most that one exchange in ten seconds takes: a step of
// every scope it touches is closed.
func BenchmarkRoll(b *testing.B) {
	c := newClock()
	w := windowsAt(c)
	record := answered("zai", "glm")
	b.ReportAllocs()
	for b.Loop() {
		c.pass(10 * time.Second)
		w.Observe(record)
	}
}

// BenchmarkStats is what the console or an alert costs.
func BenchmarkStats(b *testing.B) {
	w := NewWindows(nil)
	w.Configure(names())
	w.Observe(answered("zai", "glm"))
	b.ReportAllocs()
	for b.Loop() {
		w.Stats(Scope{}, 0)
	}
}

// BenchmarkScrape is what a scrape costs.
func BenchmarkScrape(b *testing.B) {
	m := NewMetrics()
	registry := registered(b, m, states())
	m.For(names()).Observe(failedOver())
	b.ReportAllocs()
	for b.Loop() {
		_, _ = registry.Gather()
	}
}
