package health

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Status is how a target is doing, for people and metrics.
type Status struct {
	Phase Phase
	// OpenUntil is when the next probe may go; zero if the breaker is closed.
	OpenUntil time.Time
	// Openings counts how often in a row the breaker has opened.
	Openings int
	Ramp     float64
	InFlight int
	// Waiting is how many of those have not seen their first byte.
	Waiting int
	Success float64 // estimated chance that an attempt ends well
	// TTFT is the estimate by prompt-size bucket; 0: never seen.
	TTFT [buckets]time.Duration
	// TokensPerSecond is the speed after the first token; 0: never seen.
	TokensPerSecond float64
	Minute, Hour    Window
	// Uptime is the share of the last hour's attempts that succeeded; 1 if
	// there were none.
	Uptime    float64
	LastUsed  time.Time
	LastClass llm.Class // of the last failure
	LastError time.Time
	Ping      time.Duration // 0: never measured
	PingedAt  time.Time
}

// Snapshot returns how the target is doing.
func (s *State) Snapshot(now time.Time) Status {
	t := now.UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Openings: s.breaker.openings, Ramp: s.breaker.ramp(t), Success: s.breaker.success(t),
		InFlight: s.inFlight, Waiting: s.waiting.n,
		Minute: s.recent.minute.sum(t), Hour: s.recent.hour.sum(t), Uptime: 1,
		LastUsed: timeOf(s.lastUsed), LastClass: s.lastFail, LastError: timeOf(s.failedAt),
		Ping: s.ping, PingedAt: timeOf(s.pingedAt),
	}
	var due int64
	if st.Phase, due = s.breaker.look(t); st.Phase != Closed {
		st.OpenUntil = time.Unix(0, due)
	}
	if st.Hour.Total > 0 {
		st.Uptime = 1 - float64(st.Hour.Failed)/float64(st.Hour.Total)
	}
	for i := range s.speed.first {
		st.TTFT[i] = time.Duration(s.speed.first[i].read(t))
	}
	if s.speed.token.at != 0 {
		st.TokensPerSecond = float64(time.Second) / s.speed.token.read(t)
	}
	return st
}

// timeOf returns the time of Unix nanoseconds, the zero time for 0.
func timeOf(nano int64) time.Time {
	if nano == 0 {
		return time.Time{}
	}
	return time.Unix(0, nano)
}
