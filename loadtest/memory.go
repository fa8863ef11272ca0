package main

import (
	"context"
	"fmt"
	"time"
)

const (
	memoryStreams = 1000
	memoryRounds  = 2
	// idleSeconds lets a process that has started come to rest, restSeconds one that had a thousand streams.
	idleSeconds = 20
	restSeconds = 60
	// streamAim is what one open stream may take, in KB, and idleAim what an idle gateway may, in MB.
	streamAim, idleAim = 80, 50
)

// measured are the paths whose memory is looked at.
var measured = []int{minimal, plain, ours}

// memory measures the resident memory of fresh processes: after one request, after some seconds without any, the most
// while paced streams are open, and a minute after they are gone. What a stream takes is counted from the first of them:
// a process that has been idle may have let go of parts of its own program.
func memory(ctx context.Context, r *rig) (*Result, error) {
	var samples [len(pathNames)][]memorySample
	rounds := min(memoryRounds, r.rounds)
	streams := r.scaled(memoryStreams, 20)
	for round := range rounds {
		if err := memoryRound(ctx, r, round, streams, &samples); err != nil {
			return nil, err
		}
		for _, path := range measured {
			m := samples[path][round]
			r.say("  round %d of %d: %s %.1f MB, idle %.1f MB, %.1f MB with %d streams, %.1f MB after", round+1, rounds, pathNames[path], m.started, m.idle, m.peak, m.open, m.after)
		}
	}
	return memoryResult(samples, streams, r.scaled(restSeconds, 2)), nil
}

type memorySample struct {
	started, idle, anon, peak, after float64 // MB; anon is the part of idle that is not the program's file
	requests, errors, open           int
}

func memoryRound(ctx context.Context, r *rig, round, streams int, samples *[len(pathNames)][]memorySample) error {
	procs, err := r.startPaths(ctx, false)
	if err != nil {
		return err
	}
	defer procs.stop()
	if _, err := try(ctx, r.client, procs[minimal].url, firstRequest(firstModel)); err != nil { // the others have been asked
		return err
	}
	idle, err := idleMemory(ctx, r, procs)
	if err != nil {
		return err
	}
	for turn := range measured {
		path := measured[(turn+round)%len(measured)]
		m := idle[path]
		if err := m.load(ctx, r, procs, path, streams); err != nil {
			return err
		}
		samples[path] = append(samples[path], m)
	}
	rest := time.Duration(r.scaled(restSeconds, 2)) * time.Second
	r.say("  and what is left after %s", rest)
	if err := pause(ctx, rest); err != nil {
		return err
	}
	for _, path := range measured {
		samples[path][round].after = megabytes(memoryOf(procs[path].pid(), resident))
	}
	return nil
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// idleMemory looks at each process at once and again when it has had nothing to do for a while.
func idleMemory(ctx context.Context, r *rig, procs paths) (samples [len(pathNames)]memorySample, err error) {
	if err := pause(ctx, time.Second/2); err != nil {
		return samples, err
	}
	for _, path := range measured {
		samples[path].started = megabytes(memoryOf(procs[path].pid(), resident))
	}
	if err := pause(ctx, time.Duration(r.scaled(idleSeconds, 1))*time.Second); err != nil {
		return samples, err
	}
	for _, path := range measured {
		pid := procs[path].pid()
		samples[path].idle, samples[path].anon = megabytes(memoryOf(pid, resident)), megabytes(memoryOf(pid, anonymous))
	}
	return samples, nil
}

// load opens the streams within two seconds; each lasts five.
func (m *memorySample) load(ctx context.Context, r *rig, procs paths, path, streams int) error {
	p := phase{traffic: traffic{size: 1 << 10, stream: true, answer: answer{pace: 10}}, atOnce: streams, perSec: (streams + 1) / 2}
	s, err := p.load(r, procs, path, streams).run(ctx, procs[path])
	if err != nil {
		return err
	}
	m.peak, m.requests, m.errors, m.open = megabytes(s.rss), s.requests, s.errors, s.open
	return nil
}

func memoryResult(samples [len(pathNames)][]memorySample, streams, rest int) *Result {
	result := &Result{Checks: []Check{{What: "errors"}}}
	var rows [len(pathNames)]Row
	for _, path := range measured {
		row := memoryRow(samples[path])
		row.Load, row.Path = fmt.Sprintf("%d streams", streams), pathNames[path]
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, row)
		rows[path] = row
	}
	mine, proxy := rows[ours], rows[plain]
	result.Checks = append(result.Checks,
		ratioCheck("RSS after the start, aimux / reverse_proxy", over(mine.Started, proxy.Started), 2, 0),
		ratioCheck("memory a stream aimux / reverse_proxy", over(mine.PerStream, proxy.PerStream), 2.5, 0),
		aimCheck("idle RSS", mine.Idle, idleAim, " MB"),
		aimCheck("memory of each open stream", mine.PerStream, streamAim, " KB"),
		aimCheck(fmt.Sprintf("RSS %d s after / after the start", rest), over(mine.After, mine.Started), 1.3, ""))
	return result
}

func memoryRow(samples []memorySample) Row {
	var started, idle, anon, peak, after, each []float64
	var row Row
	for _, m := range samples {
		started, idle, anon, peak, after = append(started, m.started), append(idle, m.idle), append(anon, m.anon), append(peak, m.peak), append(after, m.after)
		each = append(each, over((m.peak-m.started)*1000, float64(m.open)))
		row.Requests += m.requests
		row.Errors += m.errors
		row.Open = max(row.Open, m.open)
	}
	row.Started, row.Idle, row.Anonymous, row.RSS, row.After, row.PerStream = median(started), median(idle), median(anon), median(peak), median(after), median(each)
	return row
}

// over returns a / b, 0 when there is no such ratio.
func over(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
