package keypool

import (
	"math"
	"math/bits"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// A search looks for a key for one attempt. It offers the pool's keys in the
// order the policy wants, takes the first that may be used, and falls back on
// one that is about to run out.
type search struct {
	pool  *Pool
	model string
	now   int64
	tried func(*Key) bool

	// What the search met on its way.
	served    bool // a key that may be used for model at all
	sawTried  bool // one that was tried already and does not rest
	sawRest   bool
	until     int64 // when the first of the resting ones may be tried
	class     llm.Class
	lowBest   int // a slot about to run out
	lowFound  bool
	lowActive int64
}

// look says how slot i stands, and remembers it.
func (s *search) look(i int) standing {
	sl := &s.pool.slots[i]
	if sl.models != nil {
		if _, ok := sl.models[s.model]; !ok {
			return gated
		}
	}
	s.served = true
	st, due, class := free, int64(0), llm.ClassNone
	sl.states(func(state *State) bool {
		if t, d, c := state.look(s.model, s.now); t > st || t == st && d > due {
			st, due, class = t, d, c
		}
		return true
	})
	if st != gated && sl.full() {
		st, due, class = gated, s.now+int64(time.Second), llm.ClassConcurrency
	}
	if st == gated && (!s.sawRest || due < s.until) {
		s.sawRest, s.until, s.class = true, due, class
	}
	return st
}

// usable reports whether slot i may be used at once and was not tried. A slot
// about to run out is kept for the end.
func (s *search) usable(i int) bool {
	st := s.look(i)
	if st == gated {
		return false
	}
	if s.tried != nil && s.tried(s.pool.slots[i].Key) {
		s.sawTried = true
		return false
	}
	if st == free {
		return true
	}
	active := s.pool.slots[i].State.inFlight.Load()
	if !s.lowFound || active < s.lowActive {
		s.lowFound, s.lowBest, s.lowActive = true, i, active
	}
	return false
}

// run returns a lease, or nil.
func (s *search) run() *Lease {
	var l *Lease
	switch n := len(s.pool.slots); {
	case n == 0:
	case s.pool.policy == FillFirst:
		l = s.scan(0)
	case s.pool.policy == Weighted:
		l = s.weighted()
	case s.pool.policy == LeastInFlight:
		l = s.least()
	default:
		l = s.roundRobin()
	}
	if l == nil && s.lowFound {
		l = s.take(s.lowBest)
	}
	return l
}

// scan takes the first usable slot from start on, going round once.
func (s *search) scan(start int) *Lease {
	n := len(s.pool.slots)
	for i := range n {
		if at := wrap(start+i, n); s.usable(at) {
			if l := s.take(at); l != nil {
				return l
			}
		}
	}
	return nil
}

// roundRobin takes the first usable slot after the one taken last, so that a
// resting key's turn is not handed to its neighbour every time.
func (s *search) roundRobin() *Lease {
	n := len(s.pool.slots)
	for range 4 {
		cur := s.pool.cursor.Load()
		start := int(cur % uint64(n))
		for i := range n {
			at := wrap(start+i, n)
			if !s.usable(at) {
				continue
			}
			if !s.pool.cursor.CompareAndSwap(cur, uint64(at)+1) {
				break
			}
			if l := s.take(at); l != nil {
				return l
			}
			cur = uint64(at) + 1
		}
	}
	return s.scan(int(s.pool.cursor.Add(1) % uint64(n)))
}

// sample is how many keys least compares; in a smaller pool it compares all.
// The fewest of 16 random keys is within the lightest few percent of the pool.
const sample = 16

// least takes the usable slot with the fewest requests under way; among equals
// the turn goes round.
func (s *search) least() *Lease {
	n := len(s.pool.slots)
	turn := s.pool.cursor.Add(1)
	for range 4 {
		best, fewest := -1, int64(math.MaxInt64)
		for j := range min(n, sample) {
			at := wrap(int(turn%uint64(n))+j, n)
			if n > sample {
				at = s.spread(turn*sample+uint64(j), uint64(n))
			}
			if active := s.pool.slots[at].State.inFlight.Load(); active < fewest && s.usable(at) {
				best, fewest = at, active
			}
		}
		if best < 0 {
			break
		}
		if l := s.take(best); l != nil {
			return l
		}
	}
	return s.scan(int(turn % uint64(n)))
}

// weighted draws slots in proportion to their weights. The draws follow the
// golden-ratio sequence instead of chance, which keeps every stretch of them
// close to the exact shares; a slot that cannot be used is drawn again, so its
// share goes to the others in proportion.
func (s *search) weighted() *Lease {
	cum := s.pool.cum
	total := cum[len(cum)-1]
	for range 4 * sample {
		x := uint64(s.spread(s.pool.cursor.Add(1), total))
		if at := firstAbove(cum, x); s.usable(at) {
			if l := s.take(at); l != nil {
				return l
			}
		}
	}
	return s.weightedUsable()
}

// weightedUsable is weighted for a pool of which nearly all the weight rests, so
// that drawing again comes to nothing: it draws among the usable slots alone.
func (s *search) weightedUsable() *Lease {
	cum := s.pool.cum
	weight := func(i int) uint64 {
		if i == 0 {
			return cum[0]
		}
		return cum[i] - cum[i-1]
	}
	total := uint64(0)
	for i := range cum {
		if s.usable(i) {
			total += weight(i)
		}
	}
	left := uint64(s.spread(s.pool.rare.Add(1), total))
	for i := range cum {
		switch {
		case !s.usable(i):
		case left >= weight(i):
			left -= weight(i)
		default:
			if l := s.take(i); l != nil {
				return l
			}
		}
	}
	return s.scan(0)
}

// spread maps k = 0, 1, 2 … evenly onto [0, n).
func (s *search) spread(k, n uint64) int {
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	hi, _ := bits.Mul64(k*golden, n)
	return int(hi)
}

// firstAbove returns the first index whose running sum is above x.
func firstAbove(cum []uint64, x uint64) int {
	lo, hi := 0, len(cum)-1
	for lo < hi {
		if mid := (lo + hi) / 2; cum[mid] > x {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// take reserves slot i: the probes it waits for and a place among its requests
// under way. It returns nil if somebody else was quicker.
func (s *search) take(i int) *Lease {
	k := s.pool.slots[i].Key
	n := k.enter()
	if n == 0 {
		return nil
	}
	l := &Lease{
		pool: s.pool, key: k, model: s.model, begun: s.now, inFlight: n,
		deadline: s.now + int64(s.pool.probeTimeout),
	}
	ok := true
	if k.Account != nil {
		l.account, ok = k.Account.claim(s.model, s.now, l.deadline)
	}
	if ok {
		l.own, ok = k.State.claim(s.model, s.now, l.deadline)
	}
	if !ok {
		k.leave()
		l.handBack()
		return nil
	}
	s.pool.good.Store(int64(i))
	return l
}

// err says why there is no lease.
func (s *search) err() error {
	switch {
	case !s.served:
		return ErrNoKey
	case s.sawRest:
		return &RestingError{Until: time.Unix(0, s.until), Class: s.class}
	case s.sawTried:
		return ErrAllTried
	}
	// Others took every place between the look and the taking.
	return &RestingError{Until: time.Unix(0, s.now), Class: llm.ClassConcurrency}
}
