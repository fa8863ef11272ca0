package keypool

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// askable reports the classes whose rests are long, and about which a provider
// may be asked for free: whether the plan, the money or the key is there again.
func askable(c llm.Class) bool {
	return c == llm.ClassQuota || c == llm.ClassBalance || c == llm.ClassPlanDead || c == llm.ClassAuth
}

// Spent is a key that rests for want of a plan, of money or of validity.
type Spent struct {
	Key *Key
	// Left is how long the rest lasts before a request may try the key.
	Left time.Duration
}

// Spent returns the keys that rest for a reason their provider can be asked
// about. Of the keys of one account only the first is named, if it is the
// account that rests.
func (p *Pool) Spent() []Spent {
	now := p.now().UnixNano()
	var out []Spent
	asked := map[*State]bool{}
	for _, s := range p.slots {
		var due int64
		var resting *State
		s.states(func(st *State) bool {
			if d := st.askableDue(now); d > due {
				due, resting = d, st
			}
			return true
		})
		if resting == nil || asked[resting] {
			continue
		}
		asked[resting] = true
		out = append(out, Spent{Key: s.Key, Left: time.Duration(due - now)})
	}
	return out
}

// askableDue returns the latest moment at which a rest that may be asked about
// lets a probe through, or 0.
func (s *State) askableDue(now int64) (due int64) {
	if s.busy.Load() == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cells {
		if c.due > now && askable(c.class) {
			due = max(due, c.due)
		}
	}
	return due
}

// Revise takes up what the provider said of a key that rests. ClassNone: it may
// be used again, so the next request goes ahead as the probe. The class for
// which it rests, with a time: it rests until then, be that sooner or later
// than thought; a time further off than an answer is trusted is probed before.
// Anything else changes nothing. It reports whether a rest was changed.
func (p *Pool) Revise(k *Key, class llm.Class, until time.Time) bool {
	now := p.now()
	changed := false
	k.states(func(s *State) bool {
		changed = s.revise(class, until, now) || changed
		return true
	})
	return changed
}

func (s *State) revise(class llm.Class, until, at time.Time) (changed bool) {
	now := at.UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cells {
		switch {
		case c.due <= now || !askable(c.class):
		case class == llm.ClassNone:
			c.due, c.until, c.probe = now, now, 0
			changed = true
		case class == c.class && until.After(at):
			end := min(until.UnixNano(), now+int64(maxQuota))
			due := min(end, now+int64(trust))
			changed = changed || due != c.due
			c.due, c.until = due, end
		}
	}
	return changed
}
