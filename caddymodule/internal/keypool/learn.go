package keypool

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// enter begins or lengthens the rest of a model ("" for the whole key) that an
// outcome calls for. begun is when the failed request set out. lone says that
// no other key could be used. It returns when the rest lets a probe through,
// or 0 if nothing changed.
func (s *State) enter(model string, o Outcome, begun, now int64, r float64, lone bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cell(model, now)
	if c.stale(now) {
		*c = cell{low: c.low}
	}
	straggler, same := begun < c.stepAt, c.class == o.Class
	step := c.step
	if !same {
		step = 0
	}
	next, ok := restFor(o, step, r)
	if !ok {
		return 0
	}
	if straggler && (same && !next.hinted || now+int64(next.probeIn) <= c.due) {
		return 0
	}
	if !same {
		c.class, c.step, c.spared = o.Class, 0, false
	}
	c.stepAt = now
	if lone && c.forgives(next) {
		c.spared = true
		return 0
	}
	if !next.hinted {
		c.step++
	}
	return c.lengthen(next, now)
}

// forgives reports whether the only usable key keeps working in spite of r:
// once, if the provider named no time and the failure may be a passing one.
// What was sent before the forgiven failure is a straggler and counts for
// nothing; the next failure rests the key.
func (c *cell) forgives(r rest) bool {
	passing := r.class == llm.ClassRate || r.class == llm.ClassAuth || r.class == llm.ClassConcurrency
	return passing && !r.hinted && !c.spared && c.step == 0
}

// lengthen sets the rest, never shortening one that still lasts.
func (c *cell) lengthen(r rest, now int64) int64 {
	due, until := now+int64(r.probeIn), int64(never)
	if r.length != never {
		until = now + int64(r.length)
	}
	if due <= c.due {
		return 0
	}
	if c.due > now {
		until = max(until, c.until)
	}
	c.due, c.until, c.probe, c.rampEnds = due, until, 0, 0
	return due
}

// The ramp after a rest. Agents that work side by side all fit on its first
// step; a herd of hundreds is let in over some round trips.
const (
	rampTime = 10 * time.Second
	rampFrom = 8 // requests let in once the probe has succeeded
	rampGain = 2 // and for each that succeeds after it
)

// recover ends the rests and ladders that stood in the way of model, if the
// request that succeeded set out after they were noted and due.
func (s *State) recover(model string, begun, now int64) {
	if s.busy.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recoverCell("", begun, now)
	if model != "" {
		s.recoverCell(model, begun, now)
	}
}

func (s *State) recoverCell(model string, begun, now int64) {
	c := s.cells[model]
	switch {
	case c == nil || begun < c.stepAt || c.due > begun:
		return
	case c.rampEnds > now:
		c.ramp += rampGain
		return
	case c.due > 0:
		*c = cell{class: c.class, low: c.low, ramp: rampFrom, rampEnds: now + int64(rampTime)}
	default:
		*c = cell{low: c.low}
	}
	if c.stale(now) {
		s.drop(model)
	}
}

// A Bucket is one limit of a provider as an answer's headers state it.
type Bucket struct {
	Limit, Remaining int64
	// Reset is when the bucket is full again.
	Reset time.Time
}

// lowShare is the part of a bucket, in percent, below which a key is about to
// run out.
const lowShare = 5

// lowUntil returns the last reset among the buckets that are nearly empty, or
// 0 if none is. A bucket without a limit counts as empty at 0 remaining.
func lowUntil(buckets []Bucket, now time.Time) int64 {
	var until int64
	for _, b := range buckets {
		if b.Remaining*100 > b.Limit*lowShare || !b.Reset.After(now) {
			continue
		}
		until = max(until, min(b.Reset.UnixNano(), now.Add(maxHint).UnixNano()))
	}
	return until
}

// pace notes what the provider says is left for model.
func (s *State) pace(model string, buckets []Bucket, now time.Time) {
	if len(buckets) == 0 {
		return
	}
	until := lowUntil(buckets, now)
	if until == 0 && s.busy.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if until == 0 && s.cells[model] == nil {
		return
	}
	s.cell(model, now.UnixNano()).low = until
}
