package route

import (
	"cmp"
	"math"
	"slices"
)

// sort puts the candidates in order and returns how many are in the plan.
func (p *planner) sort() (fit int) {
	p.order = slices.Grow(p.order, len(p.all))[:len(p.all)]
	for i := range p.all {
		c := &p.all[i]
		p.score(c)
		p.order[i] = c
		if c.group != unfit {
			fit++
		}
	}
	slices.SortFunc(p.order, compare)
	return fit
}

// compare orders by group, then by what is wanted, tier and score; of equals
// the native one, and then the one listed first, goes first. What rests is
// ordered by when it may be asked.
func compare(a, b *contender) int {
	switch {
	case a.group != b.group:
		return cmp.Compare(a.group, b.group)
	case a.group == resting && !a.Until.Equal(b.Until):
		return a.Until.Compare(b.Until)
	case a.wanted != b.wanted:
		return cmp.Compare(a.wanted, b.wanted)
	case a.Tier != b.Tier:
		return cmp.Compare(a.Tier, b.Tier)
	case a.score != b.score:
		return cmp.Compare(a.score, b.score)
	}
	if a.native != b.native {
		if a.native {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.index, b.index)
}

// score gives the candidate its rank within its tier; lower is better.
func (p *planner) score(c *contender) {
	switch p.strategy {
	case Ordered:
		c.score = float64(c.index)
	case Cheapest:
		c.score = p.price(c)
	case Weighted:
		// The first arrival of a random process with this rate.
		c.score = -math.Log(1-p.router.rand()) / float64(c.weight)
	case LeastInFlight:
		c.score = (float64(c.InFlight) + p.router.rand()) / float64(c.weight)
	case RoundRobin:
		c.score = 0 // lead turns them
	default:
		c.score = c.Cost
	}
}

// price estimates what the request costs at c, in micro-dollars per million
// requests. A target the catalogue does not know is dearer than all others.
func (p *planner) price(c *contender) float64 {
	caps := &c.Target.Caps
	if caps.ID == "" {
		return math.MaxFloat64
	}
	in, out := p.query.Needs.PromptBytes/usualToken, p.query.Needs.answer()
	return float64(in)*float64(caps.Price.Input) + float64(out)*float64(caps.Price.Output)
}

// lead decides which of the best candidates goes first: those of the same
// group and tier as the first.
func (p *planner) lead(plan *Plan, fit int) {
	first := p.order[0]
	n := 1
	for n < fit && p.order[n].group == first.group && p.order[n].wanted == first.wanted && p.order[n].Tier == first.Tier {
		n++
	}
	leaders := p.order[:n]
	if first.group == resting {
		return
	}
	switch p.strategy {
	case RoundRobin:
		rotate(leaders, int(p.entry.turn.Add(1)-1)%n)
	case Fastest:
		p.draw(leaders)
	}
	if p.strategy.sticky() {
		plan.Sticky, plan.Key = p.stick(leaders)
	} else {
		plan.Key = p.usedKey(first.Target)
	}
	if p.strategy == Fastest && !plan.Sticky {
		plan.Explored = p.exploring(leaders)
	}
}

// rotate moves the first n of cs to the end.
func rotate(cs []*contender, n int) {
	if n == 0 {
		return
	}
	slices.Reverse(cs[:n])
	slices.Reverse(cs[n:])
	slices.Reverse(cs)
}

// front moves candidate i to the front.
func front(cs []*contender, i int) {
	if i == 0 {
		return
	}
	c := cs[i]
	copy(cs[1:i+1], cs[:i])
	cs[0] = c
}
