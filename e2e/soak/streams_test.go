package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// crowd opens so many streams within a few seconds, has peak called when all are
// open, and counts how they ended.
func crowd(gw *harness.Gateway, n, words int, peak func()) map[harness.Outcome]int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var mu sync.Mutex
	out := map[harness.Outcome]int{}
	var opened, done sync.WaitGroup
	opened.Add(n)
	for i := range n {
		if i%50 == 49 {
			time.Sleep(50 * time.Millisecond) // a thousand a second at most
		}
		done.Go(func() {
			s := gw.OpenContext(ctx, harness.Ask{Dialect: harness.Dialects[i%3], Stream: true})
			if s.Answer().Status == 200 {
				s.Next()
			}
			opened.Done()
			o := s.Finish().Outcome(words)
			mu.Lock()
			out[o]++
			mu.Unlock()
		})
	}
	opened.Wait()
	peak()
	done.Wait()
	return out
}

// TestStreams_ByTheThousand shows what many streams at once cost, and that those
// above the limit are turned away properly (targets T5 and T6). It takes some
// minutes: AIMUX_SOAK_STREAMS=1000,2000,5000 runs it.
func TestStreams_ByTheThousand(t *testing.T) {
	if os.Getenv("AIMUX_SOAK_STREAMS") == "" {
		t.Skip("AIMUX_SOAK_STREAMS names no numbers of streams")
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < 12_000 {
		t.Skipf("5000 streams take 12000 descriptors in this process; it may have %d", files.Cur)
	}
	const words = 40
	up := harness.NewUpstream(t, simulator.Options{TokensPerSecond: 1, Tokens: words, MaxRecords: -1})
	gw := harness.Start(t, harness.Config{
		Caddyfile: caddyfile, Providers: []harness.Provider{up.As("one", "simulator", "k")}, More: "limits:\n  streams: 2500\n  in_flight: 8000\n",
	})
	rss := func() float64 {
		use, err := gw.Usage()
		if err != nil {
			t.Skip(err)
		}
		return float64(use.RSS)
	}
	quick := func() {
		if a := gw.Ask(t, harness.Ask{Path: "/v1/models", Body: []byte("{}")}); a.Status == 0 {
			t.Fatal(a.Err)
		}
	}
	quick()
	time.Sleep(2 * time.Second)
	idle := rss()
	report := fmt.Sprintf("idle %s", mib(idle))
	for text := range strings.SplitSeq(os.Getenv("AIMUX_SOAK_STREAMS"), ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		var at float64
		got := crowd(gw, n, words, func() { at = rss() })
		time.Sleep(time.Minute)
		after := rss()
		report += fmt.Sprintf("\n%d streams: %s (%.0f KiB each), a minute after %s; %v", n, mib(at), (at-idle)/float64(min(n, 2500))/1024, mib(after), got)
		whole, shed := got[harness.OK], got[harness.ERR(503)]+got[harness.ERR(529)]
		if n <= 2500 && whole != n || n > 2500 && (whole < 2400 || whole+shed != n) {
			t.Errorf("%d streams: %v", n, got)
		}
		quick()
	}
	t.Log("\n" + report)
}
