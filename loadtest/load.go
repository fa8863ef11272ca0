package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// longest is the time after which a load is given up.
const longest = 2 * time.Minute

// load is a number of requests, so many under way at once.
type load struct {
	targets  vegeta.Targeter
	requests int
	atOnce   int
	perSec   int // 0: as fast as the answers come
	stream   bool
}

// sample is what one run of a load showed.
type sample struct {
	requests, errors int
	why              string // the first error
	perSecond        float64
	p50, p99         time.Duration
	ttft50, ttft99   time.Duration
	cpu              float64 // seconds per 1,000 requests of the tested process, 0: not measured
	rss              int64   // highest resident bytes of it, 0: not measured
	attempts         int     // sum of X-Aimux-Attempts
	second           int     // requests that took more than one attempt
	latencies        []time.Duration
}

// run sends the load and measures p, which may be nil.
func (l load) run(ctx context.Context, p *process) (*sample, error) {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: l.atOnce, MaxConnsPerHost: 0}
	defer transport.CloseIdleConnections()
	watch := &watcher{next: transport, words: words}
	client := &http.Client{Transport: transport, Timeout: longest}
	if l.stream {
		client.Transport = watch
	}
	attacker := vegeta.NewAttacker(vegeta.Client(client), vegeta.Workers(uint64(l.atOnce)), vegeta.MaxWorkers(uint64(l.atOnce)))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()

	memory := watchMemory(p)
	before, timed := cpuOf(p)
	began := time.Now()
	s := &sample{}
	s.collect(attacker.Attack(l.targets, l.pace(), longest, ""), l.stream)
	s.perSecond = float64(s.requests) / time.Since(began).Seconds()
	after, _ := cpuOf(p)
	s.rss = memory()
	if timed && s.requests > 0 {
		s.cpu = (after - before).Seconds() * 1000 / float64(s.requests)
	}
	s.count(watch)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if s.requests < l.requests {
		return nil, fmt.Errorf("only %d of %d requests in %s", s.requests, l.requests, longest)
	}
	return s, nil
}

// counted is an even pace that ends after a number of requests.
type counted struct {
	even     vegeta.Rate
	requests uint64
}

// Rate implements vegeta.Pacer.
func (c counted) Rate(elapsed time.Duration) float64 { return c.even.Rate(elapsed) }

// Pace implements vegeta.Pacer.
func (c counted) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits >= c.requests {
		return 0, true
	}
	return c.even.Pace(elapsed, hits)
}

// pace ends the load after its requests.
func (l load) pace() vegeta.Pacer {
	return counted{vegeta.Rate{Freq: l.perSec, Per: time.Second}, uint64(l.requests)}
}

// collect reads the results to their end. What is in a stream is the watcher's to judge.
func (s *sample) collect(results <-chan *vegeta.Result, stream bool) {
	var m vegeta.Metrics
	for r := range results {
		m.Add(r)
		s.latencies = append(s.latencies, r.Latency)
		if err := fault(r, stream); err != "" {
			s.errors++
			if s.why == "" {
				s.why = err
			}
		}
		if n, err := strconv.Atoi(r.Headers.Get("X-Aimux-Attempts")); err == nil {
			s.attempts += n
			if n > 1 {
				s.second++
			}
		}
	}
	m.Close()
	s.requests, s.p50, s.p99 = int(m.Requests), m.Latencies.P50, m.Latencies.P99
}

// fault returns what is wrong with an answer: every good one carries the simulator's last word.
func fault(r *vegeta.Result, stream bool) string {
	switch {
	case r.Error != "":
		return r.Error
	case !stream && !bytes.Contains(r.Body, []byte("sim:")):
		return fmt.Sprintf("an answer with status %d without the provider's words", r.Code)
	}
	return ""
}

// count adds what the watcher of streams saw.
func (s *sample) count(w *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.errors += w.broken
	if w.why != nil && s.why == "" {
		s.why = w.why.Error()
	}
	if w.ttft.Total > 0 {
		s.ttft50, s.ttft99 = w.ttft.Quantile(0.5), w.ttft.Quantile(0.99)
	}
}

func cpuOf(p *process) (time.Duration, bool) {
	if p == nil {
		return 0, false
	}
	t, err := cpuTime(p.pid())
	return t, err == nil
}

// watchMemory looks at p's resident memory every 20 ms until the function it returns is called, which returns the most
// it saw.
func watchMemory(p *process) func() int64 {
	if p == nil {
		return func() int64 { return 0 }
	}
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		highest := memoryOf(p.pid(), resident)
		for {
			select {
			case <-tick.C:
				highest = max(highest, memoryOf(p.pid(), resident))
			case <-stop:
				most <- highest
				return
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-most
	}
}

// same returns a targeter that repeats one request.
func same(t vegeta.Target) vegeta.Targeter { return vegeta.NewStaticTargeter(t) }

// quantile returns the value that the share q of a sorted copy of d does not exceed, 0 for none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
