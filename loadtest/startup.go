package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// starts is how often each program is started for the medians.
const starts = 9

// startup measures the time from the start of the process to the first good answer of the provider through it, aimux and
// the plain proxy in turn: the same binary, each with a Caddyfile.
func startup(ctx context.Context, r *rig) (*Result, error) {
	document, env := usualDocument(r.origins)
	begin := [len(pathNames)]func() (*process, time.Duration, error){
		plain: func() (*process, time.Duration, error) { return r.startProxy(ctx) },
		ours:  func() (*process, time.Duration, error) { return r.startGateway(ctx, document, env) },
	}
	var took [len(pathNames)][]float64
	n := r.scaled(starts, 3)
	for round := range n + 1 {
		for turn := range 2 {
			path := []int{plain, ours}[(turn+round)%2]
			warmPages()
			p, d, err := begin[path]()
			if err != nil {
				return nil, err
			}
			p.stop()
			if round > 0 { // the first start reads the program from the disk
				took[path] = append(took[path], millis(d))
			}
		}
		if round > 0 {
			r.say("  start %d of %d: %s %.0f ms, %s %.0f ms", round, n, pathNames[plain], took[plain][round-1], pathNames[ours], took[ours][round-1])
		}
	}
	return startupResult(took), nil
}

func startupResult(took [len(pathNames)][]float64) *Result {
	result := &Result{}
	for _, path := range []int{plain, ours} {
		sample := make([]time.Duration, len(took[path]))
		for i, ms := range took[path] {
			sample[i] = time.Duration(ms * float64(time.Millisecond))
		}
		result.Rows = append(result.Rows, Row{
			Load: "start to first answer", Path: pathNames[path], Requests: len(sample), P50: median(took[path]),
			Least: millis(quantile(sample, 0)), Most: millis(quantile(sample, 1)),
		})
	}
	var pairs []float64
	for i := range took[ours] {
		pairs = append(pairs, took[ours][i]/took[plain][i])
	}
	result.Checks = []Check{ratioCheck("start aimux / reverse_proxy", median(pairs), 2, 1)}
	return result
}

// warmPages makes the host provide memory before the next start, whose first touch of a page would otherwise cost ten
// times as much on a virtual machine that was idle.
func warmPages() {
	b := make([]byte, 150<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	runtime.KeepAlive(b)
	debug.FreeOSMemory()
}
