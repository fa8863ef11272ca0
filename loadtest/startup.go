package main

import (
	"context"
	"runtime"
	"runtime/debug"
)

// starts is how often each program is started for the medians, and startAim the target in milliseconds until a connection
// is accepted.
const (
	starts   = 15
	startAim = 50
)

// startup measures the time from the start of the process to the first connection it accepts and to the first good answer
// of the provider through it, aimux and the plain proxy in turn: the same binary, each with a Caddyfile.
func startup(ctx context.Context, r *rig) (*Result, error) {
	begin := [len(pathNames)]func() (*process, error){
		plain: func() (*process, error) { return r.startProxy(ctx) },
		ours:  func() (*process, error) { return r.startGateway(ctx, usualDocument(r.origins), firstAlias) },
	}
	var took [len(pathNames)][]marks
	n := r.scaled(starts, 3)
	for round := range n + 1 {
		for turn := range 2 {
			path := []int{plain, ours}[(turn+round)%2]
			warmPages()
			p, err := begin[path]()
			if err != nil {
				return nil, err
			}
			p.stop()
			if round > 0 { // the first start reads the program from the disk
				took[path] = append(took[path], p.took)
			}
		}
		if round > 0 {
			r.say("  start %d of %d: %s %.0f ms, %s %.0f ms", round, n, pathNames[plain], millis(took[plain][round-1].answer), pathNames[ours], millis(took[ours][round-1].answer))
		}
	}
	return startupResult(took), nil
}

func startupResult(took [len(pathNames)][]marks) *Result {
	result := &Result{}
	var accepts [len(pathNames)]float64
	for _, path := range []int{plain, ours} {
		accept, answer := histogram{}, histogram{}
		for _, m := range took[path] {
			accept.add(m.accept)
			answer.add(m.answer)
		}
		accepts[path] = millis(accept.quantile(0.5))
		result.Rows = append(result.Rows, Row{
			Load: "start to first answer", Path: pathNames[path], Requests: answer.total, P50: millis(answer.quantile(0.5)),
			Accept: accepts[path], Least: millis(answer.least), Most: millis(answer.most),
		})
	}
	var pairs, answers []float64
	for i := range took[ours] {
		pairs = append(pairs, over(millis(took[ours][i].accept), millis(took[plain][i].accept)))
		answers = append(answers, over(millis(took[ours][i].answer), millis(took[plain][i].answer)))
	}
	result.Checks = []Check{
		ratioCheck("start to first answer, aimux / reverse_proxy", median(answers), 2, 1),
		ratioCheck("start to first accept, aimux / reverse_proxy", median(pairs), 2, 1),
		aimCheck("start to first accept", accepts[ours], startAim, " ms"),
	}
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
