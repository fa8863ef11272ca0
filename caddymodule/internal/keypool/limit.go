package keypool

// aimd learns how many requests a key bears at once: additive increase while
// the limit is what holds requests back, multiplicative decrease when the
// provider refuses one for being too many. The State's lock guards it.
type aimd struct {
	// limit is exact; State.limit is its floor, for reading without the lock.
	limit float64
	// cutAt is when the limit was last cut, in Unix nanoseconds. Requests that
	// set out before it were refused under the old limit.
	cutAt int64
}

// decrease is what remains of the limit after a refusal.
const decrease = 0.75

// refused cuts the limit after a request was refused that had set out at begun
// as one of inFlight.
func (s *State) refused(begun, inFlight, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.aimd
	if begun < a.cutAt {
		return
	}
	seen := float64(inFlight)
	if a.limit > 0 {
		seen = min(seen, a.limit)
	}
	a.limit, a.cutAt = max(1, seen*decrease), now
	s.limit.Store(int64(a.limit))
}

// accepted raises the limit by one for every limit requests that ended well
// while it was reached, and set out since it was last cut.
func (s *State) accepted(begun, inFlight int64) {
	limit := s.limit.Load()
	if limit == 0 || inFlight < limit {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aimd.limit == 0 || begun < s.aimd.cutAt {
		return
	}
	s.aimd.limit += 1 / s.aimd.limit
	s.limit.Store(int64(s.aimd.limit))
}

// full reports whether no further request fits on k. Of what was learned only
// the limit counts that is still being learned.
func (k *Key) full() bool {
	n := k.State.inFlight.Load()
	if k.MaxInFlight > 0 && n >= int64(k.MaxInFlight) {
		return true
	}
	shared := k.shared()
	limit := shared.limit.Load()
	return limit > 0 && !k.limited() && shared.inFlight.Load() >= limit
}

// limited reports whether the configuration says how many requests k bears, so
// that nothing learned does. Of an account it never says so.
func (k *Key) limited() bool { return k.MaxInFlight > 0 && k.Account == nil }

// enter counts one more request on k, and returns how many the key or account
// has under way with it, or 0 if it did not fit.
func (k *Key) enter() int64 {
	if k.full() {
		return 0
	}
	n := k.State.inFlight.Add(1)
	if k.MaxInFlight > 0 && n > int64(k.MaxInFlight) {
		k.State.inFlight.Add(-1)
		return 0
	}
	if k.Account != nil {
		n = k.Account.inFlight.Add(1)
	}
	limit := k.shared().limit.Load()
	if limit > 0 && n > limit && !k.limited() {
		k.leave()
		return 0
	}
	return n
}

// leave takes back what enter counted.
func (k *Key) leave() {
	k.State.inFlight.Add(-1)
	if k.Account != nil {
		k.Account.inFlight.Add(-1)
	}
}
