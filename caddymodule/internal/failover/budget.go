package failover

import (
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
)

// Budget bounds how often the process tries again, so that an outage of one
// provider does not become an avalanche on the next. Out of ten seconds'
// requests a fifth may be tried again, and always three a second. The first
// failover of a request to a healthy target is free and not counted: without
// that most requests would be lost in the seconds before a breaker opens.
//
// It is safe for concurrent use. Make one with NewBudget.
type Budget struct {
	now   func() time.Time
	limit Limits

	mu     sync.Mutex
	last   int64 // second of the newest slot
	slots  [budgetSeconds]budgetSlot
	totals budgetSlot
}

// budgetSeconds is the window of the budget.
const budgetSeconds = 10

type budgetSlot struct{ requests, spent int64 }

// Limits are a Budget's figures. Zero fields take the defaults.
type Limits struct {
	// Share is the part of the requests that may be tried again. Default: 0.2.
	Share float64
	// Floor is how many a second may always be. Default: 3.
	Floor int
	// Targets is how many targets one request may ask. Default: 3.
	Targets int
	// Keys is how many further keys one request may walk, over all targets.
	// Default: 16.
	Keys int
}

// NewBudget returns a budget that reads the time from now. Default: clock.Now.
func NewBudget(now func() time.Time, l Limits) *Budget {
	if now == nil {
		now = clock.Now
	}
	if l.Share <= 0 {
		l.Share = 0.2
	}
	if l.Floor <= 0 {
		l.Floor = 3
	}
	if l.Targets <= 0 {
		l.Targets = 3
	}
	if l.Keys <= 0 {
		l.Keys = 16
	}
	return &Budget{now: now, limit: l}
}

// Request counts a request and returns what it may spend. An Allowance belongs
// to one request and is not safe for concurrent use.
func (b *Budget) Request() Allowance {
	b.mu.Lock()
	b.advance()
	b.slots[b.last%budgetSeconds].requests++
	b.totals.requests++
	b.mu.Unlock()
	return Allowance{budget: b, targets: 1}
}

// Left returns how many further tries the process may make at this moment.
func (b *Budget) Left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	return int(max(b.allowed()-b.totals.spent, 0))
}

// spend takes one try out of the budget, if there is one.
func (b *Budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	if b.totals.spent >= b.allowed() {
		return false
	}
	b.slots[b.last%budgetSeconds].spent++
	b.totals.spent++
	return true
}

func (b *Budget) allowed() int64 {
	return int64(float64(b.totals.requests)*b.limit.Share) + int64(b.limit.Floor)*budgetSeconds
}

// advance drops the slots that have left the window. A clock that goes back
// changes nothing.
func (b *Budget) advance() {
	second := b.now().Unix()
	if second <= b.last {
		return
	}
	for i := b.last + 1; i <= second && i <= b.last+budgetSeconds; i++ {
		slot := &b.slots[i%budgetSeconds]
		b.totals.requests -= slot.requests
		b.totals.spent -= slot.spent
		*slot = budgetSlot{}
	}
	b.last = second
}

// Allowance is what one request may still spend.
type Allowance struct {
	budget  *Budget
	targets int // asked so far
	keys    int // walked so far
	freed   bool
	same    bool
}

// NextTarget reports whether another target may be asked, and takes it out of
// the allowance. healthy says that the target is in order as far as is known;
// the first failover to such a one is free.
func (a *Allowance) NextTarget(healthy bool) bool {
	if a.targets >= a.budget.limit.Targets {
		return false
	}
	switch {
	case healthy && !a.freed:
		a.freed = true
	case !a.budget.spend():
		return false
	}
	a.targets++
	return true
}

// SameTarget reports whether the same target may be asked again with the same
// key, which one request may do once.
func (a *Allowance) SameTarget() bool {
	if a.same || !a.budget.spend() {
		return false
	}
	a.same = true
	return true
}

// NextKey reports whether another key of the same target may be tried. Walking
// keys is not trying again: a key that failed rests, also one that is refused
// for too many at once although nothing else is under way, so that the walk
// ends by itself; the bound is against a pool of hundreds of dead keys.
func (a *Allowance) NextKey() bool {
	if a.keys >= a.budget.limit.Keys {
		return false
	}
	a.keys++
	return true
}

// Targets returns how many targets the request has asked.
func (a *Allowance) Targets() int { return a.targets }
