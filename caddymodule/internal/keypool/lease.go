package keypool

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Lease is the right to use a key for one attempt. It must be released.
type Lease struct {
	pool     *Pool
	key      *Key
	model    string
	begun    int64 // Unix nanoseconds
	inFlight int64 // of the key or its account, this one included
	// What this lease holds of the states, and the deadline that marks probes
	// as its own.
	account, own claims
	deadline     int64
	good, done   atomic.Bool
}

// claims is what a lease holds of a state: probes, and places on ramps, each
// told from those of other ramps by when it ends. 0: none.
type claims struct {
	whole, model         bool
	wholeRamp, modelRamp int64
}

func (c claims) probe() bool { return c.whole || c.model }

// Outcome is how an attempt ended.
type Outcome struct {
	// Class is why it failed; llm.ClassNone: it did not.
	Class llm.Class
	// Wait is how long the answer asked to wait, if WaitKnown.
	Wait      time.Duration
	WaitKnown bool
	// KeyWide says that the failure is about the whole key or account, not
	// about this model only.
	KeyWide bool
	// Pacing is what the answer's headers said is left.
	Pacing []Bucket
	// TTFT is the time to the first token, Duration that of the whole
	// attempt; 0: unknown.
	TTFT, Duration time.Duration
	// OutputTokens is how many tokens the answer had; 0: unknown.
	OutputTokens int
}

// Key returns the key that was leased.
func (l *Lease) Key() *Key { return l.key }

// Probe reports whether the lease goes ahead of others that wait to hear how
// it fares.
func (l *Lease) Probe() bool { return l.account.probe() || l.own.probe() }

// Secret fetches the key's secret. It is empty where a provider wants none.
func (l *Lease) Secret(ctx context.Context) (string, error) {
	if l.key.Secret == nil {
		return "", nil
	}
	return l.key.Secret(ctx)
}

// Accepted says that the provider has begun a good answer. Those who wait for
// this lease's probe need not wait for the answer's end. It may be called any
// number of times, and need not be.
func (l *Lease) Accepted() {
	if l.done.Load() {
		return
	}
	l.succeeded(l.pool.now())
}

// succeeded ends what stood in the way of the key, once.
func (l *Lease) succeeded(now time.Time) {
	if l.good.Swap(true) {
		return
	}
	l.key.states(func(s *State) bool { s.recover(l.model, l.begun, now.UnixNano()); return true })
}

// Release returns the key to its pool and records o. Later calls do nothing.
func (l *Lease) Release(o Outcome) {
	if l.done.Swap(true) {
		return
	}
	now := l.pool.now()
	shared := l.key.shared()
	switch o.Class {
	case llm.ClassNone:
		shared.accepted(l.begun, shared.inFlight.Load())
		l.succeeded(now)
	case llm.ClassConcurrency:
		shared.refused(l.begun, l.inFlight, now.UnixNano())
		if l.unmendable() {
			l.rest(o, now)
		}
	default:
		l.rest(o, now)
	}
	l.key.leave()
	shared.pace(l.model, o.Pacing, now)
	l.handBack()
	l.key.State.note(o, now)
}

// unmendable reports whether a refusal for too many requests at once would
// repeat itself whatever is learned from it: nothing else was under way, so
// others must use the key, or its limit was configured.
func (l *Lease) unmendable() bool {
	return l.inFlight <= 1 || l.key.limited()
}

// rest rests what o says has failed, if anything.
func (l *Lease) rest(o Outcome, now time.Time) {
	if _, ok := ladderOf(o.Class); !ok {
		return
	}
	sc := scopeOf(o)
	state, model := l.key.State, l.model
	if sc.shared {
		state = l.key.shared()
	}
	if sc.whole {
		model = ""
	}
	lone := l.pool.lone(l.key, l.model, state, now.UnixNano())
	due := state.enter(model, o, l.begun, now.UnixNano(), l.pool.rand(), lone)
	if due == 0 || l.pool.onRest == nil {
		return
	}
	l.pool.onRest(Rested{
		Key: l.key, Model: model, Account: state == l.key.Account,
		Class: o.Class, Until: time.Unix(0, due),
	})
}

// lone reports whether no other key of the pool could be used for model once
// state rests.
func (p *Pool) lone(k *Key, model string, state *State, now int64) bool {
	s := search{pool: p, model: model, now: now}
	for i := range p.slots {
		other := p.slots[i].Key
		if other == k || other.State == state || other.Account == state {
			continue
		}
		if st := s.look(i); st == free || st == low {
			return false
		}
	}
	return true
}

// handBack gives up the probes the lease still holds, and unless it succeeded
// its places on ramps.
func (l *Lease) handBack() {
	if l.good.Load() {
		for _, c := range [...]*claims{&l.account, &l.own} {
			c.wholeRamp, c.modelRamp = 0, 0
		}
	}
	if l.key.Account != nil {
		l.key.Account.unclaim(l.model, l.account, l.deadline)
	}
	l.key.State.unclaim(l.model, l.own, l.deadline)
}
