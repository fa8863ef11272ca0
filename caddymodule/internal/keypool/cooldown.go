package keypool

import (
	"math"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// The bounds of what an answer may ask for.
const (
	// maxHint caps the wait a rate limit may ask for: no minute window is
	// longer, and a provider's slip must not silence a key for a day.
	maxHint = 15 * time.Minute
	// maxBusy caps the wait a key with too many requests at once may ask for:
	// they end within seconds.
	maxBusy = time.Minute
	// maxQuota caps the wait a plan window may ask for; the longest are months.
	maxQuota = 35 * 24 * time.Hour
	// trust is how long a stated plan reset is believed without asking again:
	// windows were seen to reopen days before the stated time.
	trust = 6 * time.Hour
	// never is the end of a rest that only a probe or a person ends.
	never = math.MaxInt64
)

// A ladder is how long the rests of a class last when the provider does not
// say: first, then twice as long each time, up to max.
type ladder struct{ first, max time.Duration }

// rung returns the length of the rest after step earlier ones.
func (l ladder) rung(step int) time.Duration {
	d := l.first
	for range step {
		if d >= l.max/2 {
			return l.max
		}
		d *= 2
	}
	return d
}

// ladderOf returns the ladder of a class that rests keys.
func ladderOf(c llm.Class) (ladder, bool) {
	switch c {
	case llm.ClassRate:
		return ladder{time.Second, time.Minute}, true
	case llm.ClassConcurrency:
		return ladder{time.Second, 8 * time.Second}, true
	case llm.ClassAuth:
		return ladder{15 * time.Minute, 24 * time.Hour}, true
	case llm.ClassBalance, llm.ClassQuota:
		return ladder{time.Hour, 24 * time.Hour}, true
	case llm.ClassPlanDead:
		return ladder{24 * time.Hour, 24 * time.Hour}, true
	case llm.ClassFairUse:
		return ladder{10 * time.Minute, time.Hour}, true
	case llm.ClassModelDenied:
		return ladder{10 * time.Minute, 6 * time.Hour}, true
	}
	return ladder{}, false
}

// rest is a rest still to be entered: how long it is believed to last, and
// after how long a probe may ask.
type rest struct {
	class   llm.Class
	length  time.Duration // never: until somebody wakes the key
	probeIn time.Duration
	hinted  bool // the answer said so itself
}

// restFor works out the rest an outcome calls for, after step earlier ones of
// the same ladder. r is a random number in [0, 1): rests are only ever made
// longer than asked by it, so that the keys of a pool do not all wake at once.
// ok is false for a class that rests no key.
func restFor(o Outcome, step int, r float64) (out rest, ok bool) {
	l, ok := ladderOf(o.Class)
	if !ok {
		return rest{}, false
	}
	out.class = o.Class
	wait := o.Wait
	out.hinted = o.WaitKnown && wait > 0
	switch {
	case o.Class == llm.ClassPlanDead:
		out.length, out.probeIn, out.hinted = never, stretch(l.first, r), false
		return out, true
	case !out.hinted || o.Class == llm.ClassAuth || o.Class == llm.ClassModelDenied:
		out.hinted = false
		out.length = ladderRest(o.Class, l.rung(step), r)
	case o.Class == llm.ClassQuota || o.Class == llm.ClassBalance:
		out.length = min(wait, maxQuota) + time.Second + time.Duration(r*float64(4*time.Second))
	case o.Class == llm.ClassConcurrency:
		out.length = stretch(min(wait, maxBusy), r)
	case o.Class == llm.ClassFairUse:
		out.length = stretch(min(max(wait, l.first), l.max), r)
	default:
		out.length = stretch(min(wait, maxHint), r)
	}
	out.probeIn = out.length
	if out.hinted && out.length > trust {
		out.probeIn = stretch(trust, r)
	}
	return out, true
}

// ladderRest spreads a rest nobody asked for. A rate limit's is a guess, so it
// is spread to both sides; a busy key's is made up to twice as long, and the
// long ones are only stretched.
func ladderRest(c llm.Class, d time.Duration, r float64) time.Duration {
	switch c {
	case llm.ClassRate:
		return d/2 + time.Duration(r*float64(d))
	case llm.ClassConcurrency:
		return d + time.Duration(r*float64(d))
	}
	return stretch(d, r)
}

// stretch makes d up to a tenth longer, but by at most 5 s.
func stretch(d time.Duration, r float64) time.Duration {
	return d + time.Duration(r*float64(min(d/10, 5*time.Second)))
}

// scope is what a rest covers.
type scope struct {
	shared bool // the account's, if the key has one
	whole  bool // all models
}

// scopeOf returns the smallest thing an outcome's failure is about.
func scopeOf(o Outcome) scope {
	switch o.Class {
	case llm.ClassAuth, llm.ClassPlanDead:
		return scope{whole: true}
	case llm.ClassBalance, llm.ClassFairUse:
		return scope{shared: true, whole: true}
	case llm.ClassModelDenied:
		return scope{}
	}
	return scope{shared: true, whole: o.KeyWide}
}
