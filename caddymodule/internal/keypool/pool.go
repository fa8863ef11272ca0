// Package keypool hands out API keys and remembers which of them are resting.
//
// A Pool holds the keys of one provider in the order the user wrote them. For
// every attempt the gateway calls Acquire, which picks a key by the pool's
// Policy and never waits, and gives the Lease back with an Outcome. What an
// outcome teaches (rests, ladders, the number of requests a key bears at once)
// is written into the key's State, which the caller keeps for as long as the
// key exists: pools come and go with configurations, states stay.
//
// The smallest thing that failed is rested: a rate limit rests one model of
// one key, or of the key's account; a refused credential rests the key; an
// overloaded provider rests nothing here. Every rest has an end, and when it
// ends one request goes ahead as a probe while the others still wait, so a key
// that recovers is never met by a herd.
//
// All methods are safe for concurrent use. Time comes from Options.Now; the
// package never sleeps and starts no goroutine.
package keypool

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Policy says whose turn it is among the keys that may be used.
type Policy string

// The policies. The zero value is RoundRobin.
const (
	RoundRobin    Policy = "round_robin"     // each in turn
	LeastInFlight Policy = "least_in_flight" // the one with the fewest requests under way
	Weighted      Policy = "weighted"        // in proportion to Key.Weight
	FillFirst     Policy = "fill_first"      // the first in the list, until it rests
)

// Options tune a Pool. The zero value works.
type Options struct {
	// Now is the clock. Default: clock.Now.
	Now func() time.Time
	// Rand returns numbers in [0, 1) for jitter; it must be safe for
	// concurrent use. Default: math/rand/v2's.
	Rand func() float64
	// ProbeTimeout is how long a probe may be under way before another request
	// may take its place. Default: 60s.
	ProbeTimeout time.Duration
	// OnRest is told of every rest that begins or grows, outside all locks.
	// Default: nobody.
	OnRest func(Rested)
}

// Rested is the news that a key rests.
type Rested struct {
	Key     *Key
	Model   string // empty: the whole key
	Account bool   // the rest is shared by the keys of the account
	Class   llm.Class
	Until   time.Time // when the next request may try it
}

// Pool is the keys of one provider. Its keys and policy never change.
type Pool struct {
	policy Policy
	slots  []slot
	// cum holds running sums of the weights, for Weighted.
	cum    []uint64
	cursor atomic.Uint64
	// rare is the cursor of weighted draws when nearly all the weight rests.
	rare atomic.Uint64
	// good is the slot that was last seen usable; asking it first makes
	// Resting cheap.
	good atomic.Int64

	now          func() time.Time
	rand         func() float64
	probeTimeout time.Duration
	onRest       func(Rested)
}

// slot is a key with its model list in a form that is quick to ask.
type slot struct {
	*Key
	models map[string]struct{} // nil: every model
}

// New returns a pool of keys, which must not be changed afterwards. A key
// without a State is given a fresh one. An unknown policy is RoundRobin.
func New(policy Policy, keys []*Key, o Options) *Pool {
	p := &Pool{
		policy: policy, now: o.Now, rand: o.Rand,
		probeTimeout: o.ProbeTimeout, onRest: o.OnRest,
	}
	if p.now == nil {
		p.now = clock.Now
	}
	if p.rand == nil {
		p.rand = rand.Float64
	}
	if p.probeTimeout <= 0 {
		p.probeTimeout = time.Minute
	}
	for _, k := range keys {
		p.add(k)
	}
	return p
}

func (p *Pool) add(k *Key) {
	if k.State == nil {
		k.State = NewState()
	}
	if k.Account == k.State {
		k.Account = nil
	}
	s := slot{Key: k}
	if k.Models != nil {
		s.models = make(map[string]struct{}, len(k.Models))
		for _, m := range k.Models {
			s.models[m] = struct{}{}
		}
	}
	p.slots = append(p.slots, s)
	sum := uint64(max(k.Weight, 1))
	if n := len(p.cum); n > 0 {
		sum += p.cum[n-1]
	}
	p.cum = append(p.cum, sum)
}

// Keys returns the keys in the order they were given.
func (p *Pool) Keys() []*Key {
	keys := make([]*Key, len(p.slots))
	for i, s := range p.slots {
		keys[i] = s.Key
	}
	return keys
}

// Acquire picks a key for model and reserves it. It never waits. tried may be
// nil; a key it reports true for is passed over. The error is ErrNoKey if no
// key of the pool may serve model, ErrAllTried if only tried keys could, and a
// *RestingError if the rest of them rest.
//
// The caller must end the lease with Release.
func (p *Pool) Acquire(model string, tried func(*Key) bool) (*Lease, error) {
	now := p.now()
	s := search{pool: p, model: model, now: now.UnixNano(), tried: tried}
	if l := s.run(); l != nil {
		return l, nil
	}
	return nil, s.err()
}

// AcquirePreferring is Acquire, but takes the key called name if it may be used
// at once, is not about to run out and was not tried: the key's account may
// still have the prompt cached.
func (p *Pool) AcquirePreferring(name, model string, tried func(*Key) bool) (*Lease, error) {
	s := search{pool: p, model: model, now: p.now().UnixNano(), tried: tried}
	i := slices.IndexFunc(p.slots, func(s slot) bool { return s.Name == name })
	if name != "" && i >= 0 && s.usable(i) {
		if l := s.take(i); l != nil {
			return l, nil
		}
	}
	return p.Acquire(model, tried)
}

// Resting reports whether no key could be leased for model now, and if so
// when the first one may be tried and what ails it. A pool without keys for
// model does not rest.
func (p *Pool) Resting(model string) (until time.Time, class llm.Class, resting bool) {
	return p.RestingAt(model, p.now())
}

// RestingAt is Resting for who knows the time, by the pool's clock, already: a
// router asks many pools for one request.
func (p *Pool) RestingAt(model string, now time.Time) (until time.Time, class llm.Class, resting bool) {
	s := search{pool: p, model: model, now: now.UnixNano()}
	n := len(p.slots)
	if n == 0 {
		return time.Time{}, llm.ClassNone, false
	}
	start := int(p.good.Load())
	for i := range n {
		if at := wrap(start+i, n); s.look(at) != gated {
			p.good.Store(int64(at))
			return time.Time{}, llm.ClassNone, false
		}
	}
	if !s.sawRest {
		return time.Time{}, llm.ClassNone, false
	}
	return time.Unix(0, s.until), s.class, true
}

// Reset wakes the key called name: every rest of it and of its account ends
// now, and its learned limit is forgotten. It reports whether there is such a
// key.
func (p *Pool) Reset(name string) bool {
	i := slices.IndexFunc(p.slots, func(s slot) bool { return s.Name == name })
	if i < 0 {
		return false
	}
	k := p.slots[i].Key
	k.State.wake()
	if k.Account != nil {
		k.Account.wake()
	}
	return true
}

// wrap returns i modulo n for i in [0, 2n).
func wrap(i, n int) int {
	if i >= n {
		return i - n
	}
	return i
}
