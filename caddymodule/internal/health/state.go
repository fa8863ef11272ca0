// Package health keeps what was learned about a target, which is one model at
// one endpoint: whether it works (a circuit breaker), how soon its first token
// comes and how fast the others follow, and how it fared in the last minute
// and hour.
//
// The gateway asks Allow before an attempt, opens a Trial with Begin, and tells
// the trial of the first byte and of the end. The router asks Look and Expect.
// A State outlives configurations; it is safe for concurrent use, starts no
// goroutine and reads the time only from Options.Now.
//
// Only what the target is answerable for counts against it: an overload, a
// 5xx, a broken connection. A client's mistake, a client's hang-up and a key's
// limit do not.
package health

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Options tune a State. The zero value works.
type Options struct {
	// Now is the clock. Default: clock.Now.
	Now func() time.Time
	// Rand returns numbers in [0, 1) for jitter; it must be safe for
	// concurrent use. Default: math/rand/v2's.
	Rand func() float64
	// ProbeTimeout is how long the half-open breaker's probe may wait for its
	// first byte before it counts as failed. Default: 60s.
	ProbeTimeout time.Duration
	// OnChange is told when the breaker opens, lets a probe through or closes,
	// outside all locks. Default: nobody.
	OnChange func(Phase)
}

// State is what was learned about one target.
type State struct {
	now      func() time.Time
	onChange func(Phase)

	mu       sync.Mutex
	breaker  breaker
	speed    speed
	recent   recent
	inFlight int
	waiting  queue // trials whose first byte has not come
	lastUsed int64
	lastFail llm.Class
	failedAt int64
	ping     time.Duration
	pingedAt int64
}

// New returns the state of a target nothing is known about.
func New(o Options) *State {
	s := &State{now: o.Now, onChange: o.OnChange}
	if s.now == nil {
		s.now = clock.Now
	}
	s.breaker.rand = o.Rand
	if o.Rand == nil {
		s.breaker.rand = rand.Float64
	}
	s.breaker.patience = int64(o.ProbeTimeout)
	if o.ProbeTimeout <= 0 {
		s.breaker.patience = int64(time.Minute)
	}
	return s
}

// Allow reports whether an attempt may go to the target now. probe says that
// it is the one attempt let through to see whether the target is back; it is
// then passed to Begin. A probe that is not begun, or waits too long for its
// first byte, counts as failed; Forgo gives it back.
func (s *State) Allow() (ok, probe bool) {
	now := s.now().UnixNano()
	s.mu.Lock()
	before := s.breaker.phase
	ok, probe = s.breaker.allow(now)
	after := s.breaker.phase
	s.mu.Unlock()
	s.tell(before, after)
	return ok, probe
}

// Forgo gives back a probe that Allow granted and no attempt was made with, for
// want of a key say, so that another attempt may be it.
func (s *State) Forgo() {
	now := s.now().UnixNano()
	s.mu.Lock()
	before := s.breaker.phase
	s.breaker.ended(ending{probe: true, begun: now, now: now})
	after := s.breaker.phase
	s.mu.Unlock()
	s.tell(before, after)
}

// View is how a target stands, as far as choosing it goes.
type View struct {
	Phase Phase
	// Due is when the next probe may go if the phase is not Closed; a time in
	// the past means now.
	Due time.Time
	// Ramp is the share of its usual traffic the target should get: below 1
	// for 10 s after a recovery.
	Ramp     float64
	InFlight int
	// Usual is how many were in flight when its speed was measured.
	Usual float64
	// PerToken is the time from one token to the next; 0: not known.
	PerToken time.Duration
	// Success is the estimated chance that an attempt ends well.
	Success float64
	// LastUsed is when the last attempt set out; zero: never.
	LastUsed time.Time
}

// Ready reports whether an attempt sent now would be let through.
func (v View) Ready(now time.Time) bool { return v.Phase == Closed || !v.Due.After(now) }

// Look says how the target stands. It changes nothing.
func (s *State) Look(now time.Time) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(now.UnixNano())
}

// Survey is Look and Expect at once, for who looks at many targets.
func (s *State) Survey(now time.Time, promptBytes int) (v View, d time.Duration, known bool) {
	t := now.UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	d, known = s.expect(t, promptBytes, 0)
	return s.look(t), d, known
}

func (s *State) look(t int64) View {
	phase, due := s.breaker.look(t)
	v := View{Phase: phase, Ramp: s.breaker.ramp(t), InFlight: s.inFlight,
		Usual: s.speed.load, PerToken: time.Duration(s.speed.token.read(t)), Success: s.breaker.success(t), LastUsed: timeOf(s.lastUsed)}
	if phase != Closed {
		v.Due = time.Unix(0, due)
	}
	return v
}

// longest bounds what Expect says.
const longest = 24 * time.Hour

// Expect estimates how long a useful answer takes: the time to the first token
// of a prompt of promptBytes, and outTokens tokens after it. known is false if
// the target was never seen to answer. A speed that was not measured is taken
// to be 50 tokens a second.
func (s *State) Expect(now time.Time, promptBytes, outTokens int) (d time.Duration, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expect(now.UnixNano(), promptBytes, outTokens)
}

func (s *State) expect(t int64, promptBytes, outTokens int) (d time.Duration, known bool) {
	ttft, known := s.speed.ttft(promptBytes, t)
	if !known {
		return 0, false
	}
	ttft *= s.waiting.slowness(&s.speed, t)
	return time.Duration(min(ttft+s.speed.stream(outTokens, t), float64(longest))), true
}

// Ping notes how long a free request to the target's endpoint took.
func (s *State) Ping(d time.Duration) {
	now := s.now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping, s.pingedAt = d, now
}

func (s *State) tell(before, after Phase) {
	if before != after && s.onChange != nil {
		s.onChange(after)
	}
}
