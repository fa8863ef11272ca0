package keypool

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// State is what was learned about a key or an account. It belongs to the key,
// not to a configuration: a caller keeps it for as long as the key exists and
// hands it to every Pool the key is in. The zero value is not ready; use
// NewState.
type State struct {
	inFlight atomic.Int64
	// limit is the learned number of requests at once; 0: none learned.
	limit atomic.Int64
	// busy counts the cells. While it is 0 nothing rests, no ladder has been
	// climbed, and the lock need not be taken.
	busy atomic.Int64

	used, succeeded, failed atomic.Int64

	mu    sync.Mutex
	cells map[string]*cell // by model; "" is the whole key
	aimd  aimd
	perf  perf
}

// NewState returns the state of a key nothing is known about.
func NewState() *State { return &State{cells: make(map[string]*cell)} }

// maxCells bounds the models a state remembers something about; the names may
// come from clients.
const maxCells = 128

// A cell is what is known about one model of a key, or about the whole key.
// Times are Unix nanoseconds. The State's lock guards it.
type cell struct {
	// class is why it rests, or why it did before its ramp.
	class llm.Class
	// due is when the rest lets a probe through. 0: no rest.
	due int64
	// until is when the rest is believed to end; at least due.
	until int64
	// step is how many rungs of the ladder were climbed, stepAt when last. A
	// lease begun before stepAt failed for a reason already counted.
	step   int
	stepAt int64
	// spared remembers that the only usable key was forgiven once.
	spared bool
	// probe is the deadline of the probe under way. 0: none.
	probe int64
	// low is until when the provider said hardly anything is left.
	low int64
	// rampEnds is until when a recovered model takes only as many requests as
	// ramp allows; 0: it takes any number.
	rampEnds int64
	ramp     int
}

// forgetAfter is how long after a rest its ladder is remembered if nobody
// asked for the key: long enough for the ladder to matter, but never days.
func forgetAfter(c llm.Class) int64 {
	l, _ := ladderOf(c)
	return int64(max(10*time.Minute, l.max))
}

// stale reports whether the cell says nothing any more.
func (c *cell) stale(now int64) bool {
	if c.low > now || c.probe > now || c.rampEnds > now {
		return false
	}
	if c.due == 0 && c.step == 0 && !c.spared {
		return true
	}
	return now > max(c.due, c.stepAt)+forgetAfter(c.class) && c.until != never
}

// A standing is how a key stands for a model.
type standing uint8

const (
	free  standing = iota // may be used
	low                   // may be used, but is about to run out
	gated                 // rests, waits for its probe, or is full
)

// standing says how the cell stands. due is when to ask again if it is gated.
func (c *cell) standing(now int64) (st standing, due int64) {
	switch {
	case c.due > now:
		return gated, c.due
	case c.due > 0 && c.probe > now:
		return gated, min(c.probe, now+int64(time.Second))
	case c.rampEnds > now && c.ramp <= 0:
		return gated, min(c.rampEnds, now+int64(time.Second))
	case c.low > now:
		return low, 0
	}
	return free, 0
}

// look says how the state stands for model.
func (s *State) look(model string, now int64) (st standing, due int64, class llm.Class) {
	if s.busy.Load() == 0 {
		return free, 0, llm.ClassNone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, due, class = s.lookCell("", now)
	if model == "" || st == gated && due == never {
		return st, due, class
	}
	mst, mdue, mclass := s.lookCell(model, now)
	if mst > st || mst == st && mdue > due {
		return mst, mdue, mclass
	}
	return st, due, class
}

func (s *State) lookCell(model string, now int64) (standing, int64, llm.Class) {
	c := s.cells[model]
	if c == nil {
		return free, 0, llm.ClassNone
	}
	if c.stale(now) {
		s.drop(model)
		return free, 0, llm.ClassNone
	}
	st, due := c.standing(now)
	return st, due, c.class
}

// claim takes the probes that model waits for, if any, and a place on its
// ramp. It reports false, and takes nothing, if the state does not let a
// request through.
func (s *State) claim(model string, now, deadline int64) (held claims, ok bool) {
	if s.busy.Load() == 0 {
		return claims{}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, m := s.cells[""], s.cells[model]
	for _, c := range [...]*cell{w, m} {
		if c == nil {
			continue
		}
		if st, _ := c.standing(now); st == gated {
			return claims{}, false
		}
	}
	if w != nil {
		held.whole, held.wholeRamp = w.claim(now, deadline)
	}
	if m != nil && m != w {
		held.model, held.modelRamp = m.claim(now, deadline)
	}
	return held, true
}

// claim takes the cell's probe and a place on its ramp. It reports whether
// there was a probe to take, and the end of the ramp, or 0 if there is none.
func (c *cell) claim(now, deadline int64) (probe bool, ramp int64) {
	if c.rampEnds > now {
		c.ramp--
		ramp = c.rampEnds
	}
	if c.due == 0 {
		return false, ramp
	}
	c.probe = deadline
	return true, ramp
}

// unclaim gives back, without a result, what a lease held.
func (s *State) unclaim(model string, held claims, deadline int64) {
	if held == (claims{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cells[""]; c != nil {
		c.unclaim(held.whole, held.wholeRamp, deadline)
	}
	if c := s.cells[model]; c != nil {
		c.unclaim(held.model, held.modelRamp, deadline)
	}
}

// unclaim gives back a probe and a place on a ramp. The deadline tells a
// lease's own probe from one that has since taken its place, the ramp's end its
// ramp from a later one.
func (c *cell) unclaim(probe bool, ramp, deadline int64) {
	if probe && c.probe == deadline {
		c.probe = 0
	}
	if ramp != 0 && c.rampEnds == ramp {
		c.ramp++
	}
}

// cell returns the cell of model, which it makes if need be.
func (s *State) cell(model string, now int64) *cell {
	if c := s.cells[model]; c != nil {
		return c
	}
	if len(s.cells) >= maxCells {
		s.evict(now)
	}
	c := &cell{}
	s.cells[model] = c
	s.busy.Store(int64(len(s.cells)))
	return c
}

// evict drops what is stale, or else the model whose rest ends first. The
// whole key's cell stays.
func (s *State) evict(now int64) {
	victim, first := "", int64(never)
	for m, c := range s.cells {
		if m == "" {
			continue
		}
		if c.stale(now) {
			s.drop(m)
		} else if c.due < first {
			victim, first = m, c.due
		}
	}
	if len(s.cells) >= maxCells && victim != "" {
		s.drop(victim)
	}
}

func (s *State) drop(model string) {
	delete(s.cells, model)
	s.busy.Store(int64(len(s.cells)))
}

// wake ends every rest and forgets the learned limit.
func (s *State) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cells)
	s.busy.Store(0)
	s.aimd = aimd{}
	s.limit.Store(0)
}
