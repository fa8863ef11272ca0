package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// phase is one load of a comparison. Where bound is set, aimux's CPU time over the proxy's must not exceed it; aim is
// what the project aims at.
type phase struct {
	traffic
	requests int
	atOnce   int
	perSec   int           // 0: as fast as the answers come
	ramp     time.Duration // what begins earlier does not count for the time to the first content
	paths    []int         // Default: beside
	rounds   int           // at most so many. Default: as often as was asked for
	sized    bool          // the name says how large requests are; those of translations do anyway
	bound    float64
	aim      float64
	addedAim float64 // milliseconds that aimux may add at the median beyond what the net/http handler adds, 0: none
	ttftAim  float64 // milliseconds that the 99th percentile of the first content may come later than through it, 0: none
}

// comparison sends the same loads down the paths in turn.
type comparison []phase

// perPath are the samples of a load, by path.
type perPath [len(pathNames)][]*sample

func (c comparison) run(ctx context.Context, r *rig) (*Result, error) {
	if r.profiles != "" {
		return c.profile(ctx, r)
	}
	procs, err := r.startPaths(ctx, c.wantsNode())
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
	return result, nil
}

func (c comparison) wantsNode() bool {
	for _, p := range c {
		for _, path := range p.paths {
			if path == router {
				return true
			}
		}
	}
	return false
}

// load returns the phase's load for a path.
func (p phase) load(r *rig, procs paths, path, requests int) load {
	target := p.traffic.target(r.base(procs, path), p.model(isGateway(path)))
	return load{
		trust: r.trust, targets: same(target), requests: requests, atOnce: p.atOnce, perSec: p.perSec, ramp: p.ramp,
		stream: p.stream, messages: p.messages, words: p.answer.words,
	}
}

func (p phase) wanted() []int {
	if p.paths == nil {
		return beside
	}
	return p.paths
}

// measure runs the rounds, each path first as often as the others, after a tenth of the load, without
// pauses, to warm up.
func (p phase) measure(ctx context.Context, r *rig, procs paths) (perPath, error) {
	var samples perPath
	wanted := procs.present(append(slices.Clone(p.wanted()), another))
	requests := r.scaled(p.requests, min(p.requests, p.atOnce))
	rounds := r.rounds
	if p.rounds > 0 {
		rounds = min(rounds, p.rounds)
	}
	for round := range rounds + 1 {
		now, n := p, requests
		if round == 0 {
			now.answer.pace, n = 0, max(min(p.atOnce, 32), requests/10)
		}
		for turn := range wanted {
			path := wanted[(turn+round)%len(wanted)]
			s, err := now.load(r, procs, path, n).run(ctx, procs[path])
			if err != nil {
				return samples, fmt.Errorf("%s: %w", pathNames[path], err)
			}
			if round > 0 {
				samples[path] = append(samples[path], s)
			}
		}
		p.tell(r, round, rounds, &samples)
	}
	return samples, nil
}

// tell reports on a round.
func (p phase) tell(r *rig, round, rounds int, samples *perPath) {
	if round == 0 {
		return
	}
	line := ""
	for path, name := range pathNames {
		if len(samples[path]) < round {
			continue
		}
		s := samples[path][round-1]
		line += fmt.Sprintf("  %s %.0f/s", name, s.perSecond)
		if s.errors > 0 {
			line += fmt.Sprintf(" (%d errors, such as: %s)", s.errors, s.why)
		}
	}
	r.say("  %s, round %d of %d:%s", p.name(), round, rounds, line)
}

// name describes the phase's load.
func (p phase) name() string {
	name := "one at a time"
	if p.atOnce > 1 {
		name = fmt.Sprintf("%d at once", p.atOnce)
	}
	if p.stream {
		name = "streams, " + name
	}
	if p.size > 10<<10 && (p.sized || p.translated()) {
		name = fmt.Sprintf("%d KB, %s", p.size>>10, name)
	}
	if p.renamed {
		name = "a field renamed, " + name
	}
	return name
}

// report adds the phase's rows and checks and returns the number of errors through aimux; those of others are noted.
func (p phase) report(result *Result, samples *perPath) int {
	errors := 0
	var rows [len(pathNames)]Row
	for path, name := range pathNames {
		if len(samples[path]) == 0 {
			continue
		}
		row := summary(samples[path])
		row.Load, row.Path = p.name(), name
		if path != direct {
			row.Added50, row.Added99 = row.P50-rows[direct].P50, row.P99-rows[direct].P99
			if p.stream {
				row.Added50, row.Added99 = row.TTFT50-rows[direct].TTFT50, row.TTFT99-rows[direct].TTFT99
			}
		}
		if path == ours {
			errors += row.Errors
		}
		rows[path] = row
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples[path])
	}
	result.Checks = append(result.Checks, p.checks(samples, rows)...)
	return errors
}

// checks holds the figures against thresholds and targets.
func (p phase) checks(samples *perPath, rows [len(pathNames)]Row) []Check {
	var checks []Check
	if p.bound > 0 {
		what := fmt.Sprintf("CPU aimux / reverse_proxy, %s", p.name())
		checks = append(checks, ratioCheck(what, ratio(samples[ours], samples[plain], cpu), p.bound, p.aim))
	}
	if len(samples[router]) > 0 {
		what := fmt.Sprintf("CPU aimux / node, %s", p.name())
		checks = append(checks, ratioCheck(what, ratio(samples[ours], samples[router], cpu), nodeBound, nodeAim))
	}
	if len(samples[another]) > 0 {
		what := fmt.Sprintf("CPU aimux / another aimux, %s", p.name())
		checks = append(checks, ratioCheck(what, ratio(samples[ours], samples[another], cpu), againstBound, 1))
	}
	if p.addedAim > 0 {
		what := fmt.Sprintf("p50 beyond the net/http handler's, %s", p.name())
		checks = append(checks, aimCheck(what, rows[ours].Added50-rows[minimal].Added50, p.addedAim, " ms"))
	}
	if p.ttftAim > 0 {
		what := fmt.Sprintf("TTFT p99 beyond the net/http handler's, %s", p.name())
		checks = append(checks, aimCheck(what, rows[ours].TTFT99-rows[minimal].TTFT99, p.ttftAim, " ms"))
	}
	return checks
}

// nodeAim is the share of the Node router's CPU time that aimux aims at: ten times the requests for each CPU second.
const nodeBound, nodeAim = 2, 0.1

// againstBound is how much more CPU time than another aimux the tested one may take.
const againstBound = 1.5

// noteErrors adds a note with the first error there was.
func (result *Result) noteErrors(row Row, samples []*sample) {
	for _, s := range samples {
		if s.why != "" {
			result.Notes = append(result.Notes, fmt.Sprintf("%s, %s: %d errors, such as: %s", row.Load, row.Path, row.Errors, s.why))
			return
		}
	}
}
