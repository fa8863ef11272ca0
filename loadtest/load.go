package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// longest is the time after which a load is given up.
const longest = 2 * time.Minute

// fewest is the number of requests below which allocations for each say nothing: the process does other things as well.
const fewest = 100

// load is a number of requests, so many under way at once.
type load struct {
	targets   vegeta.Targeter
	requests  int
	atOnce    int
	perSec    int // 0: as fast as the answers come
	stream    bool
	messages  bool           // the dialect, to judge refusals
	words     int            // pieces of content that a whole stream has at least. Default: 50
	ramp      time.Duration  // streams that begin earlier do not count for the time to the first content
	mayRefuse bool           // a proper refusal is no error
	trust     *x509.CertPool // of a provider that is asked directly. Default: the system's
	again     bool           // what was lost with its connection is sent again, as SDKs do
}

// run sends the load and measures p, which may be nil.
func (l load) run(ctx context.Context, p *process) (*sample, error) {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: l.atOnce, MaxConnsPerHost: 0}
	if l.trust != nil {
		transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: l.trust}, true
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: longest}
	spent := watchHeap(p)
	memory := watchMemory(p)
	before, timed := cpuOf(p)
	began := time.Now()
	watch := &watcher{next: transport, words: answer{words: l.words}.count(), from: began.Add(l.ramp)}
	if l.stream {
		client.Transport = watch
	}
	retry := &retrier{next: client.Transport, fresh: transport.CloseIdleConnections}
	if l.again {
		client.Transport = retry
	}
	attacker := vegeta.NewAttacker(vegeta.Client(client), vegeta.Workers(uint64(l.workers())), vegeta.MaxWorkers(uint64(l.atOnce)))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	s := &sample{}
	s.collect(attacker.Attack(l.targets, l.pace(), longest, ""), l, began)
	s.perSecond = float64(s.requests) / time.Since(began).Seconds()
	after, _ := cpuOf(p)
	s.rss = memory()
	if timed && s.requests > 0 {
		s.cpu = (after - before).Seconds() * 1000 / float64(s.requests)
	}
	if heap, ok := spent(); ok && s.requests >= fewest {
		s.heap = heapCounts{heap.objects / float64(s.requests), heap.bytes / float64(s.requests)}
	}
	s.count(watch)
	s.again = int(retry.count.Load())
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if s.requests < l.requests {
		return nil, fmt.Errorf("only %d of %d requests in %s", s.requests, l.requests, longest)
	}
	return s, nil
}

// workers is how many requests the load generator is ready for at first; an even load takes more as it needs them.
func (l load) workers() int {
	if l.perSec > 0 {
		return min(l.atOnce, 64)
	}
	return l.atOnce
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
