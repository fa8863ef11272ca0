package route

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
)

// AffinityOptions tune an Affinity. The zero value works.
type AffinityOptions struct {
	// TTL is how long a session's target is remembered after its last answer.
	// Default: 5m, which is how long most providers keep a prompt cached.
	TTL time.Duration
	// Max is how many sessions are remembered. Default: 10000.
	Max int
}

// Affinity remembers which target, and which of its keys, a session used last,
// so that its next turn finds the prompt in the provider's cache. It is a
// preference, and forgets the sessions unused for longest first. It is safe
// for concurrent use and may be shared by successive routers.
type Affinity struct {
	ttl  time.Duration
	max  int
	seed maphash.Seed

	mu    sync.Mutex
	bonds map[uint64]*bond
	old   bond // ring of all bonds: old.next is the one unused for longest
}

// bond ties a session to a target.
type bond struct {
	id          uint64
	target, key string
	ends        int64 // Unix nanoseconds
	prev, next  *bond
}

// NewAffinity returns an empty memory.
func NewAffinity(o AffinityOptions) *Affinity {
	a := &Affinity{ttl: o.TTL, max: o.Max, seed: maphash.MakeSeed(), bonds: map[uint64]*bond{}}
	if a.ttl <= 0 {
		a.ttl = 5 * time.Minute
	}
	if a.max <= 0 {
		a.max = 10_000
	}
	a.old.prev, a.old.next = &a.old, &a.old
	return a
}

// id is what stands for a session asking for the alias called name. Two
// sessions with one id would merely share a preference.
func (a *Affinity) id(session, name string) uint64 {
	return maphash.String(a.seed, session) ^ maphash.String(a.seed, name)*3
}

// get returns what the session is bound to.
func (a *Affinity) get(session, name string, now time.Time) (target, key string, ok bool) {
	id := a.id(session, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.bonds[id]
	if b == nil || b.ends <= now.UnixNano() {
		return "", "", false
	}
	return b.target, b.key, true
}

// bind binds the session until ttl after now.
func (a *Affinity) bind(session, name, target, key string, now time.Time, ttl time.Duration) {
	if ttl <= 0 {
		ttl = a.ttl
	}
	id := a.id(session, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.bonds[id]
	if b == nil {
		if len(a.bonds) >= a.max {
			delete(a.bonds, a.old.next.id)
			a.old.next.unlink()
		}
		b = &bond{id: id}
		a.bonds[id] = b
	} else {
		b.unlink()
	}
	b.target, b.key, b.ends = target, key, now.Add(ttl).UnixNano()
	last := a.old.prev
	b.prev, b.next = last, &a.old
	last.next, a.old.prev = b, b
}

func (b *bond) unlink() { b.prev.next, b.next.prev = b.next, b.prev }

// Len returns how many sessions are remembered, ended ones included.
func (a *Affinity) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.bonds)
}

const (
	// leastPrompt is the size, in bytes, below which no provider caches a
	// prompt; binding such a session would gain nothing.
	leastPrompt = 4 << 10
	// tooSlow is by how much a session's target may cost more than the best
	// one before the session moves: a cached prompt answers sooner, but not at
	// any price.
	tooSlow = 2
)

// stick moves the session's target to the front of leaders, if it is among
// them and does not cost too much.
func (p *planner) stick(leaders []*contender) (sticky bool, key string) {
	a, q := p.router.affinity, p.query
	if a == nil || q.Session == "" {
		return false, ""
	}
	target, key, ok := a.get(q.Session, p.entry.name, p.now)
	if !ok {
		return false, ""
	}
	at, best := -1, leaders[0].Cost
	for i := range leaders {
		best = min(best, leaders[i].Cost)
		if leaders[i].Target.ID == target {
			at = i
		}
	}
	if at < 0 || leaders[at].Cost > best*tooSlow {
		return false, ""
	}
	front(leaders, at)
	return true, key
}

// usedKey returns the key the session used with t last, for strategies that
// choose the target without regard to sessions: its prompt is cached per key
// all the same.
func (p *planner) usedKey(t *Target) string {
	a, q := p.router.affinity, p.query
	if a == nil || q.Session == "" {
		return ""
	}
	target, key, ok := a.get(q.Session, p.entry.name, p.now)
	if !ok || target != t.ID {
		return ""
	}
	return key
}

// Bind notes that the session of q was answered by t with the key called key,
// so that its next request prefers both. It does nothing for a request without
// a session or with too short a prompt to be cached.
func (r *Router) Bind(p *Plan, q *Query, t *Target, key string) {
	if r.affinity == nil || q.Session == "" || q.Needs.PromptBytes < leastPrompt {
		return
	}
	now := q.Now
	if now.IsZero() {
		now = clock.Now()
	}
	r.affinity.bind(q.Session, p.Name, t.ID, key, now, q.CacheTTL)
}
