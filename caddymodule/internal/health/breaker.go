package health

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Phase is the state of a circuit breaker.
type Phase uint8

// The phases of a breaker.
const (
	Closed   Phase = iota // attempts go through
	Open                  // none do
	HalfOpen              // one probe is under way
)

// String returns the name used in logs and metrics.
func (p Phase) String() string {
	switch p {
	case Open:
		return "open"
	case HalfOpen:
		return "half_open"
	}
	return "closed"
}

// The breaker's rules.
const (
	maxConsecutive = 5                // failures in a row that open it
	ratioWindow    = 30 * time.Second // within which …
	ratioMin       = 10               // … of at least so many attempts, half failing opens it
	openStep       = 5 * time.Second  // the nth opening in a row lasts n steps
	openMax        = 300 * time.Second
	openJitter     = 0.2
	rampTime       = 10 * time.Second
	rampFrom       = 0.1
	// calm is how long it must stay closed for the openings to be forgotten.
	calm = time.Minute
	// volley is how long the failures of one broken connection, or of one
	// machine that took all its connections along, take to arrive.
	volley = 100 * time.Millisecond
)

// verdict is what an attempt's end says about the target.
type verdict uint8

const (
	neutral verdict = iota
	good
	bad
)

// judge returns what a class says about the target.
func judge(c llm.Class) verdict {
	switch c {
	case llm.ClassNone:
		return good
	case llm.ClassOverload, llm.ClassTransient:
		return bad
	}
	return neutral
}

// breaker is a circuit breaker. The State's lock guards it; times are Unix
// nanoseconds.
type breaker struct {
	rand     func() float64
	patience int64

	phase       Phase
	openings    int   // in a row
	openedAt    int64 // attempts begun before it say nothing about now
	openUntil   int64
	probeUntil  int64 // deadline of the probe, if HalfOpen
	closedAt    int64
	brokeAt     int64 // the first break of the last volley
	consecutive int
	window      window
}

// ending is how an attempt ended, as far as the breaker goes.
type ending struct {
	verdict    verdict
	probe      bool
	broke      bool // its connection was lost
	begun, now int64
}

// look says in which phase the breaker is and when it next lets a probe go.
func (b *breaker) look(now int64) (Phase, int64) {
	switch {
	case b.phase == Open:
		return Open, b.openUntil
	case b.phase == HalfOpen && b.probeUntil > now:
		return HalfOpen, b.probeUntil
	case b.phase == HalfOpen:
		return Open, b.probeUntil + int64(openStep)
	}
	return Closed, 0
}

// allow decides about one attempt.
func (b *breaker) allow(now int64) (ok, probe bool) {
	if b.phase == HalfOpen && b.probeUntil <= now {
		b.open(b.probeUntil) // the probe hangs
	}
	switch {
	case b.phase == Closed:
		return true, false
	case b.phase == Open && b.openUntil <= now:
		b.phase, b.probeUntil = HalfOpen, now+b.patience
		return true, true
	}
	return false, false
}

// answered closes the breaker if the attempt that got an answer was its probe.
func (b *breaker) answered(probe bool, now int64) {
	if !probe || b.phase != HalfOpen {
		return
	}
	b.phase, b.closedAt, b.consecutive = Closed, now, 0
	b.window = window{}
}

// ended records how an attempt ended.
func (b *breaker) ended(e ending) {
	if b.phase == HalfOpen && e.probe {
		b.probed(e.verdict, e.now)
		return
	}
	if e.verdict == neutral || b.phase != Closed || e.begun < b.openedAt {
		return
	}
	if b.openings > 0 && e.now-b.closedAt > int64(calm) {
		b.openings = 0
	}
	echo := b.echoes(&e)
	b.window.add(e.now, e.verdict == bad, echo)
	switch {
	case echo:
		return
	case e.verdict == good:
		b.consecutive = 0
		return
	}
	b.consecutive++
	if s := b.window.sum(e.now); b.consecutive >= maxConsecutive ||
		s.total-s.echoes >= ratioMin && 2*(s.failed-s.echoes) >= s.total-s.echoes {
		b.open(e.now)
	}
}

// echoes reports whether an attempt was lost together with one that was
// counted: of a server that goes and takes a hundred streams along the breaker
// hears once. Only an attempt that sets out later shows that it is still away. A
// target that goes on losing them is let off once in ratioWindow, not each time.
func (b *breaker) echoes(e *ending) bool {
	if !e.broke || e.verdict != bad {
		return false
	}
	switch since := e.now - b.brokeAt; {
	case since <= int64(volley):
		return e.begun < b.brokeAt
	case since > int64(ratioWindow):
		b.brokeAt = e.now
	}
	return false
}

// probed ends the half-open phase. A probe that says nothing about the target
// makes room for another at once.
func (b *breaker) probed(v verdict, now int64) {
	switch v {
	case good:
		b.answered(true, now)
		b.window.add(now, false, false)
	case bad:
		b.open(now)
	default:
		b.phase, b.openUntil = Open, now
	}
}

// open opens the breaker at the moment at.
func (b *breaker) open(at int64) {
	b.openings++
	d := min(openStep*time.Duration(min(b.openings, 1000)), openMax)
	d += time.Duration((2*b.rand() - 1) * openJitter * float64(d))
	b.phase, b.openedAt, b.openUntil = Open, at, at+int64(d)
	b.consecutive = 0
}

// ramp returns the share of traffic to take at now.
func (b *breaker) ramp(now int64) float64 {
	since := now - b.closedAt
	if b.closedAt == 0 || since >= int64(rampTime) {
		return 1
	}
	return rampFrom + (1-rampFrom)*float64(max(since, 0))/float64(rampTime)
}

// success estimates the chance that an attempt ends well from the last 30 s.
// A failure weighs less than a success seen before it, so that one blip among
// few attempts does not banish a target.
func (b *breaker) success(now int64) float64 {
	s := b.window.sum(now)
	return (float64(s.total-s.failed) + 3) / (float64(s.total) + 3)
}

// window counts attempts over ratioWindow in slots of a sixth of it.
type window struct {
	slots [6]struct {
		at int64 // number of the slot since 1970
		counts
	}
}

// counts are attempts that ended, the failed among them, and of these the ones
// lost together with another.
type counts struct{ total, failed, echoes int }

const slotLength = int64(ratioWindow) / 6

func (w *window) add(now int64, failed, echo bool) {
	at := now / slotLength
	s := &w.slots[at%6]
	if s.at != at {
		s.at, s.counts = at, counts{}
	}
	s.total++
	if failed {
		s.failed++
	}
	if echo {
		s.echoes++
	}
}

func (w *window) sum(now int64) (sum counts) {
	oldest := now/slotLength - 5
	for i := range w.slots {
		if s := &w.slots[i]; s.at >= oldest {
			sum.total += s.total
			sum.failed += s.failed
			sum.echoes += s.echoes
		}
	}
	return sum
}
