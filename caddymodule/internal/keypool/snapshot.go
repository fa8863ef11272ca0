package keypool

import (
	"cmp"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// KeyStatus is how a key is doing, for people and metrics. It never holds the
// secret.
type KeyStatus struct {
	Name     string
	Account  string
	InFlight int
	// Limit is how many requests it may have under way; 0: not known.
	Limit int
	Rests []Rest
	// LastClass is why the last failed attempt failed, LastError when.
	LastClass llm.Class
	LastError time.Time
	LastUsed  time.Time
	// Used counts ended attempts; those the client called off are in neither
	// Succeeded nor Failed.
	Used, Succeeded, Failed int64
	// TTFT and TokensPerSecond are moving means; 0: not known.
	TTFT            time.Duration
	TokensPerSecond float64
}

// Rest is one rest of a key.
type Rest struct {
	Model   string // empty: the whole key
	Account bool   // shared by the keys of the account
	Class   llm.Class
	// Until is when the rest is believed to end; zero: only when a probe
	// succeeds or the key is woken. Probe is when the next request may try.
	Until, Probe time.Time
	// Step is how many rungs of its ladder the rest has climbed.
	Step int
	// Probing says that a probe is under way.
	Probing bool
}

// Snapshot returns how every key is doing, in the order of the pool.
func (p *Pool) Snapshot(now time.Time) []KeyStatus {
	all := make([]KeyStatus, len(p.slots))
	for i, s := range p.slots {
		all[i] = s.Key.status(now)
	}
	return all
}

func (k *Key) status(now time.Time) KeyStatus {
	st := k.State.status(now)
	st.Name, st.Account = k.Name, k.AccountName
	if k.Account != nil {
		for _, r := range k.Account.status(now).Rests {
			r.Account = true
			st.Rests = append(st.Rests, r)
		}
		st.Limit = int(k.Account.limit.Load())
	}
	if k.MaxInFlight > 0 {
		st.Limit = k.MaxInFlight
	}
	return st
}

func (s *State) status(now time.Time) KeyStatus {
	st := KeyStatus{
		InFlight: int(s.inFlight.Load()), Limit: int(s.limit.Load()),
		Used: s.used.Load(), Succeeded: s.succeeded.Load(), Failed: s.failed.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.LastClass, st.LastError, st.LastUsed = s.perf.lastClass, s.perf.lastError, s.perf.lastUsed
	st.TTFT, st.TokensPerSecond = s.perf.ttft, s.perf.rate
	for m, c := range s.cells {
		if c.due == 0 || c.stale(now.UnixNano()) {
			continue
		}
		st.Rests = append(st.Rests, c.rest(m, now))
	}
	slices.SortFunc(st.Rests, func(a, b Rest) int { return cmp.Compare(a.Model, b.Model) })
	return st
}

func (c *cell) rest(model string, now time.Time) Rest {
	r := Rest{
		Model: model, Class: c.class, Step: c.step,
		Probe: time.Unix(0, c.due), Probing: c.probe > now.UnixNano(),
	}
	if c.until != never {
		r.Until = time.Unix(0, c.until)
	}
	return r
}
