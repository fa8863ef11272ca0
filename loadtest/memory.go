package main

import (
	"context"
	"time"
)

const (
	openStreams  = 200
	memoryRounds = 3
	// settleTime lets a process that has started come to rest.
	settleTime = 500 * time.Millisecond
	// streamAim is what one open stream may take, in KB, and idleAim what an idle gateway may, in MB.
	streamAim, idleAim = 80, 50
)

// memory measures the resident memory of fresh processes: after one request, and the most while 200 paced streams are
// open.
func memory(ctx context.Context, r *rig) (*Result, error) {
	var samples [len(pathNames)][]memorySample
	rounds := min(memoryRounds, r.rounds)
	for round := range rounds {
		procs, err := r.startPaths(ctx)
		if err != nil {
			return nil, err
		}
		for turn := range 2 {
			path := []int{plain, ours}[(turn+round)%2]
			var m memorySample
			if m, err = measureMemory(ctx, r, procs, path); err != nil {
				break
			}
			samples[path] = append(samples[path], m)
			r.say("  round %d of %d: %s %.1f MB idle, %.1f MB with %d streams", round+1, rounds, pathNames[path], m.idle, m.peak, openStreams)
		}
		procs.stop()
		if err != nil {
			return nil, err
		}
	}
	return memoryResult(samples), nil
}

type memorySample struct {
	idle, anon, peak float64 // MB; anon is the part of idle that is not the program's file
	requests, errors int
}

func measureMemory(ctx context.Context, r *rig, procs paths, path int) (memorySample, error) {
	select {
	case <-time.After(settleTime):
	case <-ctx.Done():
		return memorySample{}, context.Cause(ctx)
	}
	pid := procs[path].pid()
	m := memorySample{idle: megabytes(memoryOf(pid, resident)), anon: megabytes(memoryOf(pid, anonymous))}
	p := phase{traffic: traffic{size: 1 << 10, stream: true, paced: true}, atOnce: openStreams}
	s, err := p.load(r, procs, path, openStreams).run(ctx, procs[path])
	if err != nil {
		return m, err
	}
	m.peak, m.requests, m.errors = megabytes(s.rss), s.requests, s.errors
	return m, nil
}

func memoryResult(samples [len(pathNames)][]memorySample) *Result {
	result := &Result{Checks: []Check{{What: "errors"}}}
	var rows [len(pathNames)]Row
	for _, path := range []int{plain, ours} {
		var idle, anon, peak []float64
		row := &rows[path]
		for _, m := range samples[path] {
			idle, anon, peak = append(idle, m.idle), append(anon, m.anon), append(peak, m.peak)
			row.Requests += m.requests
			row.Errors += m.errors
		}
		row.Load, row.Path, row.Idle, row.Anonymous, row.RSS = "200 streams", pathNames[path], median(idle), median(anon), median(peak)
		row.PerStream = (row.RSS - row.Idle) * 1000 / openStreams
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, *row)
	}
	result.Checks = append(result.Checks,
		ratioCheck("idle RSS aimux / reverse_proxy", over(rows[ours].Idle, rows[plain].Idle), 1.5, 0),
		ratioCheck("memory a stream aimux / reverse_proxy", over(rows[ours].PerStream, rows[plain].PerStream), 2.5, 0))
	result.Notes = targetsOfMemory(rows[ours])
	return result
}

// over returns a / b, 0 when there is no such ratio.
func over(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// targetsOfMemory says which targets in absolute figures are missed; they are not enforced.
func targetsOfMemory(row Row) []string {
	var notes []string
	if row.Idle > idleAim {
		notes = append(notes, "idle memory is above the target of 50 MB")
	}
	if row.PerStream > streamAim {
		notes = append(notes, "memory for each open stream is above the target of 80 KB")
	}
	return notes
}
