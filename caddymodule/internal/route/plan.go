package route

import (
	"slices"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Plan is the targets for one request, best first, and why. It belongs to the
// request.
type Plan struct {
	// Name is the alias or target the client's name stood for.
	Name     string
	Strategy Strategy
	// Targets are to be asked in this order. Those behind the ready ones rest
	// or are failing; they are asked only when they are due.
	Targets []*Target
	// Candidates is the decision record: first the Targets in their order,
	// then those that cannot serve the request.
	Candidates []Candidate
	// Sticky says that the first target was chosen because the session used it
	// before. Key is the name of the key the session used with the first target
	// last, or empty.
	Sticky bool
	Key    string
	// Explored says that the first target was chosen to learn how fast it is.
	Explored bool
}

// Candidate is how one target stood when a plan was made.
type Candidate struct {
	Target *Target
	Tier   int
	// Reason is why it is not among the first, or not asked at all; empty:
	// nothing speaks against it.
	Reason Reason
	// Expected is the time to a useful answer; Known is false if it is only
	// the peers' median.
	Expected time.Duration
	// Cost is Expected in seconds, weighed by load and failures.
	Cost     float64
	InFlight int
	// Until is when a target that is not ready may be asked, Class why its
	// keys rest.
	Until time.Time
	Class llm.Class
	// Phase is the breaker's.
	Phase health.Phase
	Known bool
	// Ready says that an attempt may be sent now.
	Ready bool
}

// contender is a candidate while a plan is made.
type contender struct {
	Candidate

	group  group
	wanted uint8
	native bool
	index  int
	weight int
	score  float64
	view   health.View
}

// A group holds candidates that are ranked among themselves.
type group uint8

const (
	ready   group = iota
	ramping       // coming back, and this request is not of its share
	short         // serves the request less well than asked
	resting       // keys rest or the breaker is open
	unfit         // not in the plan
)

// Resting reports whether no target of the plan is ready, and then when the
// first one may be asked and what ails it: llm.ClassOverload for a breaker.
func (p *Plan) Resting() (until time.Time, class llm.Class, all bool) {
	for i := range p.Targets {
		c := &p.Candidates[i]
		if c.Ready {
			return time.Time{}, llm.ClassNone, false
		}
		if i == 0 || c.Until.Before(until) {
			until, class = c.Until, c.Class
		}
	}
	return until, class, len(p.Targets) > 0
}

// planner makes one plan at a time.
type planner struct {
	router   *Router
	query    *Query
	entry    *entry
	now      time.Time
	strategy Strategy
	all      []contender
	meant    int          // how many of all are there for the request's purpose
	order    []*contender // all, best first
}

// planners are those without work: what they need for a hundred targets is
// worth keeping.
var planners = sync.Pool{New: func() any { return new(planner) }}

// release gives a planner back, without what it knew.
func (p *planner) release() {
	clear(p.all)
	clear(p.order)
	*p = planner{all: p.all[:0], order: p.order[:0]}
	planners.Put(p)
}

// The order in which candidates are wanted, whatever their tier.
const (
	wished uint8 = iota // by the request
	meant               // for the request's purpose
	usual
)

func (p *planner) plan() (*Plan, error) {
	p.strategy = p.entry.strategy
	if p.query.Wish.Strategy != "" {
		p.strategy = p.query.Wish.Strategy
	}
	p.collect()
	fit := p.sort()
	if fit == 0 {
		return nil, p.noneFit()
	}
	plan := &Plan{Name: p.entry.name, Strategy: p.strategy}
	p.lead(plan, fit)
	if p.query.Wish.NoFailover {
		fit = 1
	}
	plan.Candidates = make([]Candidate, len(p.order))
	for i, c := range p.order {
		plan.Candidates[i] = c.Candidate
	}
	plan.Targets = make([]*Target, fit)
	for i := range plan.Targets {
		plan.Targets[i] = p.order[i].Target
	}
	return plan, nil
}

// collect assesses every member of the entry, those of the request's purpose
// first.
func (p *planner) collect() {
	n := len(p.entry.members)
	var special *entry
	for i, e := range p.entry.purposes {
		if e != nil && e != p.entry && purposeOrder[i].serves(p.query, p.router.long) {
			special = e
			n += len(e.members)
			break
		}
	}
	p.all = slices.Grow(p.all, n)
	if special != nil {
		for i := range special.members {
			p.add(&special.members[i], meant)
		}
		p.meant = len(p.all)
	}
	for i := range p.entry.members {
		p.add(&p.entry.members[i], usual)
	}
	p.weigh()
}

func (p *planner) add(m *Member, wanted uint8) {
	t := m.Target
	for i := range p.meant {
		if p.all[i].Target == t {
			return
		}
	}
	if len(p.query.Wish.Prefer) > 0 && t.named(p.query.Wish.Prefer) {
		wanted = wished
	}
	p.all = append(p.all, contender{
		Candidate: Candidate{Target: t, Tier: m.Tier},
		wanted:    wanted, weight: m.Weight, index: len(p.all), native: t.Speaks(p.query.Dialect),
	})
	p.assess(&p.all[len(p.all)-1])
}

// assess says in which group the candidate is, and why.
func (p *planner) assess(c *contender) {
	t := c.Target
	if c.Reason = t.misfit(p.query); c.Reason != "" {
		c.group = unfit
		return
	}
	c.view = health.View{Ramp: 1, Success: 1}
	if t.Health != nil {
		c.view, c.Expected, c.Known = t.Health.Survey(p.now, p.query.Needs.PromptBytes)
	}
	c.Phase, c.InFlight, c.Ready = c.view.Phase, c.view.InFlight, true
	if !c.view.Ready(p.now) {
		c.rest(BreakerOpen, c.view.Due, llm.ClassOverload)
	}
	if t.Keys != nil {
		if until, class, rests := t.Keys.RestingAt(t.Model, p.now); rests {
			c.rest(KeysRest, until, class)
		}
	}
	if c.group == resting {
		return
	}
	if c.Reason = t.shortfall(&p.query.Needs); c.Reason != "" {
		c.group = short
	} else if c.view.Ramp < 1 && p.router.rand() >= c.view.Ramp {
		c.group, c.Reason = ramping, Ramping
	}
}

// rest puts the candidate behind the ready ones; of two reasons the one that
// lasts longer counts.
func (c *contender) rest(why Reason, until time.Time, class llm.Class) {
	c.Ready, c.group = false, resting
	if until.After(c.Until) {
		c.Reason, c.Until, c.Class = why, until, class
	}
}

// usualAnswer is how many tokens an answer is taken to have: an agent's turn
// is a few sentences or one tool call, whatever max_tokens allows.
const usualAnswer = 250

// answer estimates how many tokens will come.
func (n *Needs) answer() int {
	if n.MaxTokens > 0 {
		return min(n.MaxTokens, usualAnswer)
	}
	return usualAnswer
}

func (p *planner) noneFit() error {
	e := &NoneFitError{Name: p.query.Model}
	for i := range p.all {
		e.Reasons = append(e.Reasons, Misfit{p.all[i].Target, p.all[i].Reason})
	}
	return e
}
