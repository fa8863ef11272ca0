package route

import (
	"cmp"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
)

// The rules of the fastest strategy.
const (
	// coldGuess and coldToken are what is expected where no peer is known
	// either: of the first token, and of each that follows.
	coldGuess = time.Second
	coldToken = 20 * time.Millisecond
	// loadSlack keeps small numbers of requests in flight from mattering much.
	loadSlack = 3
	// translation is the price of a target that needs translation: a native
	// one wins unless it is clearly slower.
	translation = 1.1
	// alike is how near to the best a target must be to be drawn instead of
	// it. Two draws and the better of them keep a crowd from following one
	// stale figure; drawing among all targets would send a third of the
	// requests to the second of three, however slow.
	alike = 1.1
	// exploreAfter is how long a target must have been idle to be explored.
	exploreAfter = 30 * time.Second
	// coldBonus is how much likelier than usual a target is explored that was
	// never seen to answer.
	coldBonus = 5
)

// weigh gives every candidate its Expected time and its Cost. What is not known
// of a target is taken to be the median of its peers.
func (p *planner) weigh() {
	first := p.median(coldGuess, func(c *contender) (time.Duration, bool) { return c.Expected, c.Known })
	token := p.median(coldToken, func(c *contender) (time.Duration, bool) { return c.view.PerToken, c.view.PerToken > 0 })
	answer := time.Duration(p.query.Needs.answer())
	for i := range p.all {
		c := &p.all[i]
		if c.group == unfit {
			continue
		}
		if !c.Known {
			c.Expected = first
		}
		c.Expected += answer * cmp.Or(c.view.PerToken, token)
		c.Cost = c.Expected.Seconds() * c.pressure()
		if c.Phase == health.Closed {
			c.Cost /= c.view.Success
		} // else one probe asks whether it works; it competes as if it did
		if !c.native {
			c.Cost *= translation
		}
	}
}

// pressure is by how much more is in flight at the target than when its speed
// was measured. It is at least 1.
func (c *contender) pressure() float64 {
	return max(1, (float64(c.InFlight)+loadSlack)/(c.view.Usual+loadSlack))
}

// median returns the median of what f knows of the candidates, for those of which
// it knows nothing; other if it knows nothing of any.
func (p *planner) median(other time.Duration, f func(*contender) (time.Duration, bool)) time.Duration {
	n := 0
	for i := range p.all {
		if _, ok := f(&p.all[i]); ok {
			n++
		}
	}
	if n == 0 || n == len(p.all) {
		return other // of none, or for none
	}
	known := make([]time.Duration, 0, n)
	for i := range p.all {
		if d, ok := f(&p.all[i]); ok {
			known = append(known, d)
		}
	}
	slices.Sort(known)
	return known[len(known)/2]
}

// draw puts the better of two random leaders to the front, out of those that
// are about as good as the best. The leaders are sorted by cost.
func (p *planner) draw(leaders []*contender) {
	n := 1
	for n < len(leaders) && leaders[n].Cost <= leaders[0].Cost*alike {
		n++
	}
	if n > 2 {
		a, b := int(p.router.rand()*float64(n)), int(p.router.rand()*float64(n))
		front(leaders, min(a, b))
	}
}

// exploring puts the leader that was idle for longest to the front, if it is
// time to see how fast it is now, and reports whether it did. Only a small
// share of the requests is spent so, none that may not fail over, and on no
// target more often than every exploreAfter; one that was never seen to answer
// is worth more of them.
func (p *planner) exploring(leaders []*contender) bool {
	chance := p.router.rand()
	if p.query.Wish.NoFailover || chance >= p.router.explore*coldBonus {
		return false
	}
	best, oldest := 0, p.now.Add(-exploreAfter)
	for i := 1; i < len(leaders); i++ {
		c := leaders[i]
		due := c.InFlight == 0 && c.Target.Health != nil && c.view.LastUsed.Before(oldest)
		if due && (!c.Known || chance < p.router.explore) {
			best, oldest = i, c.view.LastUsed
		}
	}
	front(leaders, best)
	return best > 0
}
