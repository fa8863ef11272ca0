package keypool

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// perf is how a key has been doing. The State's lock guards it.
type perf struct {
	ttft      time.Duration // moving mean
	rate      float64       // output tokens a second, moving mean
	lastUsed  time.Time
	lastClass llm.Class // the last failure's
	lastError time.Time
}

// smooth is the weight of a new figure in the moving means.
const smooth = 0.1

// note counts an ended attempt. An attempt the client called off counts as
// used and as nothing else.
func (s *State) note(o Outcome, now time.Time) {
	s.used.Add(1)
	switch {
	case o.Class == llm.ClassNone:
		s.succeeded.Add(1)
	case o.Class != llm.ClassCanceled:
		s.failed.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.perf.note(o, now)
}

func (p *perf) note(o Outcome, now time.Time) {
	p.lastUsed = now
	if o.Class == llm.ClassCanceled {
		return
	}
	if o.Class != llm.ClassNone {
		p.lastClass, p.lastError = o.Class, now
		return
	}
	if o.TTFT > 0 {
		p.ttft = time.Duration(mean(float64(p.ttft), float64(o.TTFT)))
	}
	if d := o.Duration - o.TTFT; o.OutputTokens > 1 && d > 0 {
		p.rate = mean(p.rate, float64(o.OutputTokens)/d.Seconds())
	}
}

func mean(old, next float64) float64 {
	if old == 0 {
		return next
	}
	return old + smooth*(next-old)
}
