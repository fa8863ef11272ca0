package route

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aimux/aimux/caddymodule/internal/clock"
)

// Default is the alias that stands for every target unless the configuration
// says otherwise.
const Default = "default"

// Config is what a Router is compiled from.
type Config struct {
	// Targets are all targets, in the order of the configuration.
	Targets []*Target
	// Aliases are the names clients may ask for.
	Aliases []Alias
	// Strategy is that of an alias which names none. Default: Fastest.
	Strategy Strategy
	// ByModel lets clients ask for a bare model id of a target.
	ByModel bool
	// AnyName serves every unknown name as the alias Default does.
	AnyName bool
	// Purposes send requests of a kind to an alias or a provider/model first,
	// if the name that was asked for is Default or a pattern.
	Purposes map[Purpose]string
	// LongContext is from how many tokens on a prompt counts as long.
	// Default: 60000.
	LongContext int
	// Direct makes a target for a provider/model that is not among Targets, or
	// returns nil. Default: there is none.
	Direct func(provider, model string) *Target
	// Affinity remembers which target a session used. It may outlive the
	// router. nil: nothing is remembered.
	Affinity *Affinity
	// Explore is the chance that a request which is not bound to a session's
	// target goes to one that was not asked for half a minute, to learn how
	// fast it is now. Default: 0.05; negative: never.
	Explore float64
	// Rand returns numbers in [0, 1); it must be safe for concurrent use.
	// Default: math/rand/v2's.
	Rand func() float64
}

// Alias is a name clients may ask for.
type Alias struct {
	// Name is the name, a pattern that ends in "*", or "*" alone.
	Name string
	// Members are the targets that may answer.
	Members []Member
	// Strategy ranks them. Default: the Config's.
	Strategy Strategy
	// Purposes are as in Config, for this alias.
	Purposes map[Purpose]string
}

// Member is a target as an alias sees it.
type Member struct {
	Target *Target
	// Tier and Weight stand for the target's own if they are not 0.
	Tier, Weight int
}

// entry is a compiled name.
type entry struct {
	name     string
	prefix   string // of a pattern, without the "*", lower case
	strategy Strategy
	members  []Member
	purposes [len(purposeOrder)]*entry
	hidden   bool // not to be suggested
	turn     atomic.Uint64
}

// purposeOrder lists all purposes in the order in which they are tried.
var purposeOrder = [...]Purpose{LongContext, Vision, Thinking, SmallFast, Tools}

// Router ranks targets. It is safe for concurrent use.
type Router struct {
	names    names
	targets  []*Target
	affinity *Affinity
	direct   func(provider, model string) *Target
	strategy Strategy
	explore  float64
	long     int // tokens
	rand     func() float64
}

// New compiles c. The error names the alias at fault: one that is named twice,
// has an unknown strategy, or a purpose that leads nowhere.
func New(c Config) (*Router, error) {
	r := &Router{
		targets: c.Targets, affinity: c.Affinity, direct: c.Direct,
		strategy: cmp.Or(c.Strategy, Fastest), explore: c.Explore, rand: c.Rand,
		long: cmp.Or(c.LongContext, defaultLongContext),
	}
	if r.rand == nil {
		r.rand = rand.Float64
	}
	if r.explore == 0 {
		r.explore = 0.05
	}
	if _, err := ParseStrategy(string(r.strategy)); err != nil {
		return nil, fmt.Errorf("routing: %w", err)
	}
	r.nameTargets(c)
	for _, a := range c.Aliases {
		if err := r.nameAlias(a); err != nil {
			return nil, fmt.Errorf("alias %q: %w", a.Name, err)
		}
	}
	slices.SortStableFunc(r.names.prefixes, func(a, b *entry) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return r, r.nameRest(c)
}

// nameTargets makes the names that follow from the targets alone.
func (r *Router) nameTargets(c Config) {
	r.names = names{exact: map[string]*entry{}, direct: map[string]*entry{}, bare: map[string]*entry{}}
	for _, t := range c.Targets {
		if t.ID == "" {
			t.ID = t.Provider + "/" + t.Model
		}
		for _, model := range append([]string{t.Model, t.Caps.ID}, t.Caps.Aliases...) {
			if model == "" {
				continue
			}
			r.member(r.names.direct, t.Provider+"/"+model, t)
			if c.ByModel {
				r.member(r.names.bare, model, t)
			}
		}
	}
}

// member adds t to the entry called name, which it makes if need be.
func (r *Router) member(table map[string]*entry, name string, t *Target) {
	key := strings.ToLower(name)
	e := table[key]
	if e == nil {
		e = &entry{name: name, strategy: r.strategy, hidden: !strings.HasSuffix(name, t.Model)}
		table[key] = e
	}
	if !slices.ContainsFunc(e.members, func(m Member) bool { return m.Target == t }) {
		e.members = append(e.members, compileMember(Member{Target: t}))
	}
}

func compileMember(m Member) Member {
	m.Tier = cmp.Or(m.Tier, m.Target.Tier)
	m.Weight = max(1, cmp.Or(m.Weight, m.Target.Weight))
	return m
}

func (r *Router) nameAlias(a Alias) error {
	e := &entry{name: a.Name, strategy: cmp.Or(a.Strategy, r.strategy)}
	if _, err := ParseStrategy(string(e.strategy)); err != nil {
		return err
	}
	for _, m := range a.Members {
		if m.Target.ID == "" {
			m.Target.ID = m.Target.Provider + "/" + m.Target.Model
		}
		e.members = append(e.members, compileMember(m))
	}
	key := strings.ToLower(a.Name)
	if prefix, ok := strings.CutSuffix(key, "*"); ok {
		e.prefix, e.hidden = prefix, true
		same := func(o *entry) bool { return o.prefix == prefix }
		if slices.ContainsFunc(r.names.prefixes, same) {
			return fmt.Errorf("is there twice")
		}
		r.names.prefixes = append(r.names.prefixes, e)
		return nil
	}
	if r.names.exact[key] != nil {
		return fmt.Errorf("is there twice")
	}
	r.names.exact[key] = e
	return nil
}

// nameRest adds the alias Default, the fallback and the purposes, which may
// refer to anything named before.
func (r *Router) nameRest(c Config) error {
	def := r.names.exact[Default]
	if def == nil {
		def = &entry{name: Default, strategy: r.strategy}
		for _, t := range c.Targets {
			def.members = append(def.members, compileMember(Member{Target: t}))
		}
		r.names.exact[Default] = def
	}
	if c.AnyName {
		r.names.fallback = def
	}
	if err := r.purposes(def, c.Purposes); err != nil {
		return fmt.Errorf("routing: %w", err)
	}
	for _, e := range r.names.prefixes {
		if err := r.purposes(e, c.Purposes); err != nil {
			return fmt.Errorf("routing: %w", err)
		}
	}
	for _, a := range c.Aliases {
		e := r.lookAlias(a.Name)
		if err := r.purposes(e, a.Purposes); err != nil {
			return fmt.Errorf("alias %q: %w", a.Name, err)
		}
	}
	return nil
}

func (r *Router) lookAlias(name string) *entry {
	key := strings.ToLower(name)
	if prefix, ok := strings.CutSuffix(key, "*"); ok {
		i := slices.IndexFunc(r.names.prefixes, func(e *entry) bool { return e.prefix == prefix })
		return r.names.prefixes[i]
	}
	return r.names.exact[key]
}

// purposes gives e the entries that purposes name.
func (r *Router) purposes(e *entry, purposes map[Purpose]string) error {
	for p, name := range purposes {
		i := slices.Index(purposeOrder[:], p)
		if i < 0 {
			return fmt.Errorf("no purpose %q; there are %v", p, purposeOrder)
		}
		to := r.names.named(strings.ToLower(name))
		if to == nil {
			to = r.makeDirect(name)
		}
		if to == nil {
			return fmt.Errorf("purpose %s: %w", p, &UnknownModelError{Name: name, Near: r.names.near(name)})
		}
		e.purposes[i] = to
	}
	return nil
}

// resolve returns what the query's model stands for.
func (r *Router) resolve(q *Query) (*entry, error) {
	if e := r.names.named(q.Model); e != nil {
		return e, nil
	}
	if strings.Contains(q.Model, "/") && r.names.direct[strings.ToLower(q.Model)] == nil {
		if e := r.makeDirect(q.Model); e != nil {
			return e, nil
		}
	}
	if e := r.names.find(q.Model); e != nil {
		return e, nil
	}
	return nil, &UnknownModelError{Name: q.Model, Near: r.names.near(q.Model)}
}

// makeDirect asks for a target that no configuration lists.
func (r *Router) makeDirect(name string) *entry {
	prov, model, ok := strings.Cut(name, "/")
	if !ok || r.direct == nil || prov == "" || model == "" {
		return nil
	}
	t := r.direct(prov, model)
	if t == nil {
		return nil
	}
	if t.ID == "" {
		t.ID = t.Provider + "/" + t.Model
	}
	return &entry{name: name, strategy: r.strategy, members: []Member{compileMember(Member{Target: t})}}
}

// Names returns the names clients may ask for: aliases first, then targets as
// provider/model, each sorted. Patterns and second names are left out.
func (r *Router) Names() []string {
	var out []string
	for _, table := range []map[string]*entry{r.names.exact, r.names.direct} {
		from := len(out)
		for _, e := range table {
			if !e.hidden {
				out = append(out, e.name)
			}
		}
		slices.Sort(out[from:])
	}
	return out
}

// Targets returns all targets in the order of the configuration.
func (r *Router) Targets() []*Target { return r.targets }

// Plan ranks the targets for q. The error is an *UnknownModelError or a
// *NoneFitError.
func (r *Router) Plan(q *Query) (*Plan, error) {
	e, err := r.resolve(q)
	if err != nil {
		return nil, err
	}
	now := q.Now
	if now.IsZero() {
		now = clock.Now()
	}
	p, _ := planners.Get().(*planner)
	defer p.release()
	p.router, p.query, p.entry, p.now = r, q, e, now
	return p.plan()
}
