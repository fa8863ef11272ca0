//go:build unix && !solaris && !aix

package usage

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// processTime is the processor time this process has taken.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLedger_Cost is the processor time the writer takes for an exchange,
// in the batches a busy gateway makes: 11 000 requests a second, of which most
// are answered at the first attempt.
func BenchmarkLedger_Cost(b *testing.B) {
	const batch = 1100
	for _, c := range []struct {
		name    string
		retried int // every how manyeth exchange took two attempts; 0: none
		session bool
	}{
		{"one attempt", 0, false},
		{"one attempt, in sessions", 0, true},
		{"one of ten retried", 10, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := open(b, quiet(tempPath(b)))
			all := make([]Exchange, batch)
			r := rand.New(rand.NewPCG(1, 2))
			n := 0
			var spent time.Duration
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range all {
					all[i] = FromRecord(benchRecord())
					x := &all[i]
					x.ID, x.Start = fmt.Sprintf("req_%016x%08x", r.Uint64(), r.Uint32()), noon.Add(time.Duration(n)*90*time.Microsecond)
					x.TTFT, x.Duration = time.Duration(2000+n%700)*time.Microsecond, time.Duration(2500+n%900)*time.Microsecond
					a := &x.Attempts[0]
					a.Start, a.TTFT, a.Duration = 40*time.Microsecond, x.TTFT-45*time.Microsecond, x.Duration-60*time.Microsecond
					x.Session = ""
					if c.session {
						x.Session = fmt.Sprintf("6f1d2c9e-0000-4000-8000-%012d", n%50)
					}
					if n++; c.retried != 0 && n%c.retried == 0 {
						x.Attempts = append([]Attempt{{Provider: "cerebras", Model: "gpt-oss-120b", Key: "main", Dialect: "openai", Status: 429, Class: "rate_limited", Reason: "rate_limited", Code: "1302", Wait: time.Second}}, x.Attempts...)
					}
				}
				b.StartTimer()
				before := processTime(b)
				err := l.keeper.ask(b.Context(), func() error {
					return l.keeper.db.within(func() error { return l.keeper.put(all, 0, noon) })
				})
				if err != nil {
					b.Fatal(err)
				}
				spent += processTime(b) - before
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "cpu-ns/exchange")
			b.ReportMetric(float64(n), "exchanges")
		})
	}
}
