package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/e2e/harness"
)

// sample is how the gateway stood at one moment, after a garbage collection.
type sample struct {
	at          time.Duration // since the soak began
	heap, inUse float64       // bytes that live, bytes of the spans they live in
	rss         float64       // bytes
	goroutines  float64
	files       float64
	queue       float64 // of the ledger, entries
	lasting     float64 // streams of the long kind
}

// near reports whether goroutines and descriptors are down to where they were,
// but for what a kept connection or two make.
func (s sample) near(before sample) bool {
	return s.goroutines <= before.goroutines+slack && s.files <= before.files+slack
}

// slack is how many more goroutines and descriptors there may be: what target
// T18 allows.
const slack = 5

// sampler looks at a gateway.
type sampler struct {
	gw    *harness.Gateway
	begun time.Time
}

func newSampler(gw *harness.Gateway) *sampler { return &sampler{gw: gw} }

// take looks once. Asking for the heap profile with gc=1 makes the gateway
// collect garbage first.
func (s *sampler) take() (sample, error) {
	out := sample{at: time.Since(s.begun)}
	err := s.read("/debug/pprof/heap?gc=1&debug=1", func(line string) {
		value(line, "# HeapAlloc = ", &out.heap)
		value(line, "# HeapInuse = ", &out.inUse)
	})
	if err != nil {
		return out, err
	}
	err = s.read("/metrics", func(line string) {
		value(line, "go_goroutines ", &out.goroutines)
		value(line, `caddy_aimux_store_queue_length{store="ledger"} `, &out.queue)
	})
	if err != nil {
		return out, err
	}
	use, err := s.gw.Usage()
	if err != nil {
		return out, err
	}
	out.rss = float64(use.RSS)
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.gw.Pid()))
	out.files = float64(len(files))
	return out, err
}

func value(line, prefix string, to *float64) {
	if text, ok := strings.CutPrefix(line, prefix); ok {
		*to, _ = strconv.ParseFloat(text, 64)
	}
}

func (s *sampler) read(path string, line func(string)) error {
	r, err := admin.Get(s.gw.Admin + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line(lines.Text())
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return lines.Err()
}

// every takes samples until ctx ends.
func (s *sampler) every(ctx context.Context, interval time.Duration, lasting func() int) ([]sample, error) {
	s.begun = time.Now()
	var out []sample
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return out, nil
		case <-tick.C:
		}
		now, err := s.take()
		if err != nil {
			return out, fmt.Errorf("looking at the gateway after %s: %w\n%.4000s", time.Since(s.begun), err, s.gw.Log())
		}
		now.lasting = float64(lasting())
		out = append(out, now)
	}
}

// settled looks until the gateway is as enough wants it, or the time is over, and
// returns the last look.
func (s *sampler) settled(ctx context.Context, limit time.Duration, enough func(sample) bool) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		now, err := s.take()
		if err != nil || enough(now) {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, nil
		case <-time.After(time.Second):
		}
	}
}
