package usage

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func benchRecord() *gateway.Record {
	return &gateway.Record{
		ID: "req_0123456789abcdef01234567", Start: noon, Client: "ann", Team: "web", Dialect: llm.Anthropic, Call: "/v1/messages",
		Model: "coder", Stream: true, Session: "6f1d2c9e-0000-4000-8000-000000000001", Provider: "zai", Target: "glm-5.2",
		Usage: llm.Usage{Input: 20_000, Output: 700, CacheRead: 15_000, Known: true}, Cost: 9000, TTFT: 400 * time.Millisecond,
		Duration: 8 * time.Second, Status: 200, Reason: "ok", BytesIn: 90_000, Bytes: 30_000,
		Attempts: []gateway.Attempt{{Provider: "zai", Model: "glm-5.2", Key: "main", Dialect: llm.Anthropic, Status: 200, Reason: "ok"}},
	}
}

// BenchmarkLedger_Observe is what an exchange costs the request's goroutine.
// The queue is emptied aside, so that the writer's work is not counted.
func BenchmarkLedger_Observe(b *testing.B) {
	o := quiet(tempPath(b))
	o.Now = time.Now
	l := open(b, o)
	r := benchRecord()
	release := holdWriter(&l.keeper)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		l.Observe(r)
		if n++; n%1100 == 0 {
			items, _ := l.keeper.queue.take()
			l.keeper.queue.done(items)
		}
	}
	b.StopTimer()
	l.keeper.queue.take()
	release()
}

// BenchmarkLedger_Write is the writer's throughput, commits included.
func BenchmarkLedger_Write(b *testing.B) {
	o := quiet(tempPath(b))
	l := open(b, o)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		l.Record(sample(n, noon.Add(time.Duration(n)*time.Second)))
		if n++; n%1000 == 0 {
			flush(b, l)
		}
	}
	flush(b, l)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkLedger_Size fills a ledger with 100 000 exchanges, of one attempt
// and a bit each, and asks it.
func BenchmarkLedger_Size(b *testing.B) {
	const n = 100_000
	o := quiet(tempPath(b))
	l := open(b, o)
	for i := range n {
		l.Record(sample(i, noon.Add(-time.Duration(n-i)*5*time.Second)))
		if i%1000 == 999 {
			flush(b, l)
		}
	}
	tidy(b, l)
	live := l.Health().Live
	r := readerOf(b, l)
	for name, q := range map[string]Query{
		"by model, all":       {By: ByModel},
		"by key, odd borders": {By: ByKey, Filter: Filter{Since: noon.Add(-50*time.Hour + time.Minute), Until: noon.Add(-time.Minute)}},
		"by session, 1 day":   {By: BySession, Filter: Filter{Since: noon.Add(-24 * time.Hour)}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				totals(b, r, q)
			}
		})
	}
	b.Run("list of a client", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Exchanges(b.Context(), Filter{Client: "ann"}, 100, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("list, nothing found", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Exchanges(b.Context(), Filter{Client: "nobody"}, 100, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sessions", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Sessions(b.Context(), time.Time{}, 100); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("size", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(live)/n, "bytes/exchange")
	})
}

// BenchmarkLedger_Open is how long it takes until a ledger can be written.
func BenchmarkLedger_Open(b *testing.B) {
	o := quiet(tempPath(b))
	for b.Loop() {
		l, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		closing(b, l)
	}
}

// BenchmarkLedger_Memory reports what open ledgers add to the process, idle
// and after some traffic.
func BenchmarkLedger_Memory(b *testing.B) {
	for b.Loop() {
	}
	before := resident()
	o := quiet(tempPath(b))
	o.Now = time.Now
	l := open(b, o)
	opened := resident()
	for i := range 20_000 {
		l.Record(sample(i, noon))
		if i%500 == 499 {
			flush(b, l)
		}
	}
	b.ReportMetric(float64(opened-before)/1024, "opened-KiB")
	b.ReportMetric(float64(resident()-before)/1024, "busy-KiB")
}

// resident is the process's resident memory in bytes, garbage collected. 0:
// the system does not say.
func resident() int {
	runtime.GC()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(data))[1])
	return pages * os.Getpagesize()
}
