package simulator

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Limit is a rate limit that keys share, as the keys of one organisation do.
type Limit struct {
	// Keys share the limit; none means every key, each with a limit of its own.
	Keys []string
	// Requests are allowed in each window of Per, which begins with the first of them. 0: not limited.
	Requests int
	Per      time.Duration
	// Parallel is how many requests may run at once. 0: not limited.
	Parallel int
	// Fault is what is answered beyond the limit. Default: 429 with Retry-After, the seconds left in the window.
	Fault Fault
}

// limiter enforces Options.Limits.
type limiter struct {
	limits  []Limit
	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is what was used of one limit.
type bucket struct {
	begun   time.Time
	used    int
	running int
}

func (l *limiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets = nil
}

// admit counts a request. When a limit is reached, it returns the fault to answer with. Otherwise release has to be
// called when the request is over.
func (l *limiter) admit(key string, now time.Time) (f Fault, over bool, release func()) {
	if len(l.limits) == 0 {
		return Fault{}, false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var held []*bucket
	for i, limit := range l.limits {
		b := l.bucket(i, limit, key)
		if b == nil {
			continue
		}
		if limit.Per > 0 && now.Sub(b.begun) >= limit.Per {
			b.begun, b.used = now, 0
		}
		if limit.Requests > 0 && b.used >= limit.Requests || limit.Parallel > 0 && b.running >= limit.Parallel {
			return limit.fault(limit.Per - now.Sub(b.begun)), true, nil
		}
		held = append(held, b)
	}
	for _, b := range held {
		b.used++
		b.running++
	}
	return Fault{}, false, func() { l.release(held) }
}

func (l *limiter) release(held []*bucket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range held {
		b.running--
	}
}

// bucket returns the bucket of limit i for a key, nil when the limit is for others.
func (l *limiter) bucket(i int, limit Limit, key string) *bucket {
	name := strconv.Itoa(i)
	if len(limit.Keys) == 0 {
		name += ":" + key
	} else if !slices.Contains(limit.Keys, key) {
		return nil
	}
	b := l.buckets[name]
	if b == nil {
		if l.buckets == nil {
			l.buckets = make(map[string]*bucket)
		}
		b = new(bucket)
		l.buckets[name] = b
	}
	return b
}

func (l Limit) fault(left time.Duration) Fault {
	if l.Fault.active() {
		return l.Fault
	}
	return Fault{Kind: "429", RetryAfter: strconv.Itoa(max(1, int(math.Ceil(left.Seconds()))))}
}

// overLimit answers a request beyond a limit, and reports whether it did.
func (x *exchange) overLimit() bool {
	f, over, release := x.s.limiter.admit(x.meta.Key, x.s.opts.Now())
	x.release = release
	if !over {
		return false
	}
	x.fault = f
	if x.record != nil {
		spelled := f.String()
		x.s.journal.update(x.record, func(r *Record) { r.Fault = spelled })
	}
	return x.misbehave()
}
