package main

import (
	"context"
	"fmt"
)

// The three paths a request can take, in the order of the tables.
const (
	direct = iota
	plain
	ours
)

var pathNames = [...]string{direct: "direct", plain: "reverse_proxy", ours: "aimux"}

// phase is one load of a comparison. Where bound is set, aimux's CPU time over the proxy's must not exceed it; aim is
// what the project aims at.
type phase struct {
	traffic
	requests int
	atOnce   int
	bound    float64
	aim      float64
}

// comparison sends the same loads down the three paths in turn.
type comparison []phase

// paths are the processes of a comparison; the direct one is nil.
type paths [len(pathNames)]*process

func (c comparison) run(ctx context.Context, r *rig) (*Result, error) {
	procs, err := r.startPaths(ctx)
	if err != nil {
		return nil, err
	}
	defer procs.stop()
	result := &Result{}
	errors := 0
	for _, p := range c {
		samples, err := p.measure(ctx, r, procs)
		if err != nil {
			return nil, err
		}
		errors += p.report(result, &samples)
	}
	result.Checks = append([]Check{{What: "errors"}}, result.Checks...)
	result.Checks[0].Value = float64(errors)
	if r.profiles != "" {
		return result, c[len(c)-1].profile(ctx, r, procs)
	}
	return result, nil
}

func (r *rig) startPaths(ctx context.Context) (paths, error) {
	var p paths
	var err error
	if p[plain], _, err = r.startProxy(ctx); err != nil {
		return p, err
	}
	document, env := usualDocument(r.origins)
	if p[ours], _, err = r.startGateway(ctx, document, env); err != nil {
		p.stop()
	}
	return p, err
}

func (p paths) stop() {
	for _, process := range p {
		process.stop()
	}
}

// load returns the phase's load for a path.
func (p phase) load(r *rig, procs paths, path, requests int) load {
	base := r.upstream.url
	if procs[path] != nil {
		base = procs[path].url
	}
	target := p.traffic.target(base, p.model(path == ours))
	return load{targets: same(target), requests: requests, atOnce: p.atOnce, stream: p.stream}
}

// measure runs the rounds, each path first as often as the others, after a tenth of the load to warm up.
func (p phase) measure(ctx context.Context, r *rig, procs paths) ([len(pathNames)][]*sample, error) {
	var samples [len(pathNames)][]*sample
	requests := r.scaled(p.requests, p.atOnce)
	for round := range r.rounds + 1 {
		n := requests
		if round == 0 {
			n = max(p.atOnce, requests/10)
		}
		for turn := range procs {
			path := (turn + round) % len(procs)
			s, err := p.load(r, procs, path, n).run(ctx, procs[path])
			if err != nil {
				return samples, fmt.Errorf("%s: %w", pathNames[path], err)
			}
			if round > 0 {
				samples[path] = append(samples[path], s)
			}
		}
		p.tell(r, round, samples)
	}
	return samples, nil
}

// tell reports on a round.
func (p phase) tell(r *rig, round int, samples [len(pathNames)][]*sample) {
	if round == 0 {
		return
	}
	line := ""
	for path, name := range pathNames {
		s := samples[path][round-1]
		line += fmt.Sprintf("  %s %.0f/s", name, s.perSecond)
		if s.errors > 0 {
			line += fmt.Sprintf(" (%d errors, such as: %s)", s.errors, s.why)
		}
	}
	r.say("  %s, round %d of %d:%s", p.name(), round, r.rounds, line)
}

// name describes the phase's load.
func (p phase) name() string {
	name := "one at a time"
	if p.atOnce > 1 {
		name = fmt.Sprintf("%d at once", p.atOnce)
	}
	switch {
	case p.stream:
		return "streams, " + name
	case p.renamed:
		return "a field renamed, " + name
	}
	return name
}

// report adds the phase's rows and checks and returns the number of errors.
func (p phase) report(result *Result, samples *[len(pathNames)][]*sample) int {
	errors := 0
	for path, name := range pathNames {
		row := summary(samples[path])
		row.Load, row.Path = p.name(), name
		if path != direct {
			base := result.Rows[len(result.Rows)-path]
			row.Added50, row.Added99 = row.P50-base.P50, row.P99-base.P99
			if p.stream {
				row.Added50, row.Added99 = row.TTFT50-base.TTFT50, row.TTFT99-base.TTFT99
			}
		}
		errors += row.Errors
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[path])
	}
	if p.bound > 0 {
		what := fmt.Sprintf("CPU aimux / reverse_proxy, %s", p.name())
		result.Checks = append(result.Checks, ratioCheck(what, ratio(samples[ours], samples[plain], cpu), p.bound, p.aim))
	}
	return errors
}

// noteErrors adds a note with the first error there was.
func (result *Result) noteErrors(row Row, samples []*sample) {
	for _, s := range samples {
		if s.why != "" {
			result.Notes = append(result.Notes, fmt.Sprintf("%s, %s: %d errors, such as: %s", row.Load, row.Path, row.Errors, s.why))
			return
		}
	}
}

// summary returns the medians of samples of the same load.
func summary(samples []*sample) Row {
	var row Row
	for _, s := range samples {
		row.Requests += s.requests
		row.Errors += s.errors
	}
	row.PerSecond = medianOf(samples, func(s *sample) float64 { return s.perSecond })
	row.P50 = medianOf(samples, func(s *sample) float64 { return millis(s.p50) })
	row.P99 = medianOf(samples, func(s *sample) float64 { return millis(s.p99) })
	row.TTFT50 = medianOf(samples, func(s *sample) float64 { return millis(s.ttft50) })
	row.TTFT99 = medianOf(samples, func(s *sample) float64 { return millis(s.ttft99) })
	row.CPU = medianOf(samples, cpu)
	row.RSS = medianOf(samples, func(s *sample) float64 { return megabytes(s.rss) })
	return row
}
