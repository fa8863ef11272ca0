package route

import (
	"math/rand/v2"
	"time"
)

// server is a provider in the simulation.
type server struct {
	name string
	// base is the time to the first token of a small prompt, perKB what each
	// further kilobyte adds, token the time from one token to the next.
	base, perKB, token time.Duration
	// capacity is how many requests it serves at once; with more under way
	// each takes longer in proportion. 0: any number.
	capacity int
	// slow is by what factor it is slower at t, down whether it refuses.
	slow func(t time.Duration) float64
	down func(t time.Duration) bool

	inFlight int
}

// first is the time to the first token of a request that arrives at t, before
// chance has its say.
func (s *server) first(t time.Duration, promptBytes, inFlight int) float64 {
	d := float64(s.base) + float64(s.perKB)*float64(promptBytes)/1024
	if s.slow != nil {
		d *= s.slow(t)
	}
	if s.capacity > 0 && inFlight > s.capacity {
		d *= float64(inFlight) / float64(s.capacity)
	}
	return d
}

func (s *server) refuses(t time.Duration) bool { return s.down != nil && s.down(t) }

// between returns a function that is in inside [from, to) and out outside.
func between[T any](from, to time.Duration, in, out T) func(time.Duration) T {
	return func(t time.Duration) T {
		if t >= from && t < to {
			return in
		}
		return out
	}
}

// scenario is a world to route in.
type scenario struct {
	name    string
	length  time.Duration
	rate    func(t time.Duration) float64 // requests a second
	prompt  func(r *rand.Rand) int
	servers func() []*server
	// If watch is not empty, it names the server that fails between from and
	// to.
	watch    string
	from, to time.Duration
}

func always[T any](v T) func(time.Duration) T { return func(time.Duration) T { return v } }

func small(*rand.Rand) int { return 3000 }

// three are servers of which the first is the fastest.
func three() []*server {
	return []*server{
		{name: "quick", base: 300 * time.Millisecond, token: 5 * time.Millisecond},
		{name: "middle", base: 800 * time.Millisecond, token: 8 * time.Millisecond},
		{name: "slow", base: 2 * time.Second, token: 20 * time.Millisecond},
	}
}

// with returns three servers after f has changed the quickest.
func with(f func(*server)) func() []*server {
	return func() []*server {
		all := three()
		f(all[0])
		return all
	}
}

func scenarios() []scenario {
	const minute = time.Minute
	return []scenario{
		{name: "steady", length: 5 * minute, rate: always(10.0), prompt: small, servers: three},
		{name: "brown-out ×20", length: 7 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) { s.slow = between(2*minute, 4*minute, 20.0, 1.0) }),
			watch:   "quick", from: 2 * minute, to: 4 * minute},
		{name: "outage", length: 7 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) { s.down = between(2*minute, 4*minute, true, false) }),
			watch:   "quick", from: 2 * minute, to: 4 * minute},
		{name: "flapping", length: 5 * minute, rate: always(10.0), prompt: small,
			servers: with(func(s *server) {
				s.down = func(t time.Duration) bool { return t > minute && t/(10*time.Second)%2 == 1 }
			})},
		{name: "cold start", length: minute / 2, rate: always(10.0), prompt: small, servers: three},
		{name: "bursty", length: 5 * minute, prompt: small,
			rate: func(t time.Duration) float64 {
				if t%(30*time.Second) < 3*time.Second {
					return 60
				}
				return 4
			},
			servers: func() []*server {
				all := three()
				all[0].capacity, all[1].capacity, all[2].capacity = 20, 40, 60
				return all
			}},
		{name: "crowded", length: 5 * minute, rate: always(30.0), prompt: small,
			servers: with(func(s *server) { s.capacity = 20 })},
		{name: "mixed prompts", length: 5 * minute, rate: always(10.0),
			prompt: func(r *rand.Rand) int {
				if r.IntN(2) == 0 {
					return 2000
				}
				return 400_000
			},
			servers: func() []*server {
				return []*server{
					{name: "eager", base: 200 * time.Millisecond, perKB: 20 * time.Millisecond, token: 8 * time.Millisecond},
					{name: "patient", base: 1500 * time.Millisecond, perKB: time.Millisecond, token: 8 * time.Millisecond},
					{name: "even", base: time.Second, perKB: 8 * time.Millisecond, token: 8 * time.Millisecond},
				}
			}},
	}
}
