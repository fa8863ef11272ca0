package keypool

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// savedState is the form of a State in the state file. Times are Unix
// milliseconds.
type savedState struct {
	Limit float64     `json:"limit,omitempty"`
	At    int64       `json:"at"`
	Rests []savedRest `json:"rests,omitempty"`
}

type savedRest struct {
	Model string `json:"model,omitempty"`
	Class string `json:"class"`
	Due   int64  `json:"due"`
	Until int64  `json:"until,omitempty"` // 0: never
	Step  int    `json:"step,omitempty"`
	Since int64  `json:"since"`
}

// limitAge is how long a learned limit is believed after a restart.
const limitAge = 24 * time.Hour

// Export returns what is worth remembering over a restart as a small JSON
// object, or nil if nothing is.
func (s *State) Export(now time.Time) json.RawMessage {
	s.mu.Lock()
	saved := savedState{Limit: s.aimd.limit, At: now.UnixMilli()}
	for m, c := range s.cells {
		if c.due != 0 && !c.stale(now.UnixNano()) {
			saved.Rests = append(saved.Rests, c.save(m))
		}
	}
	s.mu.Unlock()
	if saved.Limit == 0 && len(saved.Rests) == 0 {
		return nil
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return nil // cannot happen: only finite numbers and strings
	}
	return data
}

func (c *cell) save(model string) savedRest {
	r := savedRest{
		Model: model, Class: c.class.String(), Step: c.step,
		Due: c.due / int64(time.Millisecond), Since: c.stepAt / int64(time.Millisecond),
	}
	if c.until != never {
		r.Until = c.until / int64(time.Millisecond)
	}
	return r
}

// Import takes up what Export wrote, leaving out what has grown stale by now
// or cannot be right. What the state has learned itself since is kept. The
// error says that data is not of Export's form; the state is then unchanged.
func (s *State) Import(now time.Time, data json.RawMessage) error {
	var saved savedState
	if err := json.Unmarshal(data, &saved); err != nil {
		return fmt.Errorf("reading the saved state of a key: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range saved.Rests {
		if c, ok := r.cell(now); ok && s.cells[r.Model] == nil && len(s.cells) < maxCells {
			*s.cell(r.Model, now.UnixNano()) = c
		}
	}
	age := now.Sub(time.UnixMilli(saved.At))
	if saved.Limit >= 1 && saved.Limit < 1e6 && s.aimd.limit == 0 && age >= 0 && age < limitAge {
		s.aimd.limit = saved.Limit
		s.limit.Store(int64(saved.Limit))
	}
	return nil
}

// cell returns the cell r describes, unless it is stale or impossible.
func (r savedRest) cell(now time.Time) (c cell, ok bool) {
	class, ok := classNamed(r.Class)
	l, rests := ladderOf(class)
	if !ok || !rests || r.Since > now.UnixMilli() || r.Due < r.Since || r.Step < 0 || r.Step > 64 {
		return cell{}, false
	}
	latest := now.Add(max(maxHint, l.max, trust) + time.Minute).UnixMilli()
	if r.Due > latest || r.Until != 0 && r.Until < r.Due || r.Until > now.Add(maxQuota+time.Minute).UnixMilli() {
		return cell{}, false
	}
	c = cell{
		class: class, step: r.Step,
		due: r.Due * int64(time.Millisecond), stepAt: r.Since * int64(time.Millisecond),
		until: never,
	}
	if r.Until != 0 {
		c.until = r.Until * int64(time.Millisecond)
	}
	return c, !c.stale(now.UnixNano())
}

func classNamed(name string) (llm.Class, bool) {
	for c := llm.ClassNone; c <= llm.ClassCanceled; c++ {
		if c.String() == name {
			return c, true
		}
	}
	return 0, false
}
