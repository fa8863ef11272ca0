package health

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// saved is the form of a State in the state file. Times are Unix milliseconds,
// speeds milliseconds.
type saved struct {
	First     []savedPeak `json:"ttft,omitempty"` // by prompt-size bucket; At 0: never seen
	Token     savedPeak   `json:"token,omitzero"`
	OpenUntil int64       `json:"open_until,omitempty"`
	Openings  int         `json:"openings,omitempty"`
}

type savedPeak struct {
	Value float64 `json:"ms,omitempty"`
	Usual float64 `json:"usual,omitempty"`
	At    int64   `json:"at,omitempty"`
}

// speedAge is how long a measured speed is believed after a restart.
const speedAge = 24 * time.Hour

// Export returns what is worth remembering over a restart as a small JSON
// object, or nil if nothing is.
func (s *State) Export(now time.Time) json.RawMessage {
	s.mu.Lock()
	var out saved
	measured := false
	for i := range s.speed.first {
		p := s.speed.first[i].save()
		measured = measured || p.At != 0
		out.First = append(out.First, p)
	}
	out.Token = s.speed.token.save()
	if phase, due := s.breaker.look(now.UnixNano()); phase != Closed {
		out.OpenUntil, out.Openings = due/int64(time.Millisecond), s.breaker.openings
	}
	s.mu.Unlock()
	if !measured && out.OpenUntil == 0 {
		return nil
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil // cannot happen: the estimates are finite
	}
	return data
}

func (p *peak) save() savedPeak {
	return savedPeak{
		Value: p.value / float64(time.Millisecond), Usual: p.usual / float64(time.Millisecond),
		At: p.at / int64(time.Millisecond),
	}
}

// Import takes up what Export wrote, leaving out what has grown stale by now
// or cannot be right, and whatever the state has measured itself since. The
// error says that data is not of Export's form; the state is then unchanged.
func (s *State) Import(now time.Time, data json.RawMessage) error {
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("reading the saved health of a target: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range in.First {
		if i < buckets {
			p.restore(&s.speed.first[i], now)
		}
	}
	in.Token.restore(&s.speed.token, now)
	left := time.UnixMilli(in.OpenUntil).Sub(now)
	latest := time.Duration(float64(openMax) * (1 + openJitter))
	fresh := s.breaker.phase == Closed && s.breaker.closedAt == 0
	if fresh && in.OpenUntil > 0 && left > -openMax && left <= latest && in.Openings > 0 {
		s.breaker.phase, s.breaker.openings = Open, min(in.Openings, 1000)
		s.breaker.openedAt, s.breaker.openUntil = now.UnixNano(), in.OpenUntil*int64(time.Millisecond)
	}
	return nil
}

// restore sets p to what was saved, if it is recent and p has no sample yet.
func (in savedPeak) restore(p *peak, now time.Time) {
	age := now.Sub(time.UnixMilli(in.At))
	sane := func(x float64) bool { return x > 0 && x < float64(time.Hour/time.Millisecond) && !math.IsNaN(x) }
	if p.at != 0 || in.At <= 0 || age < 0 || age > speedAge || !sane(in.Value) || !sane(in.Usual) {
		return
	}
	p.value, p.usual = in.Value*float64(time.Millisecond), in.Usual*float64(time.Millisecond)
	p.at, p.n = in.At*int64(time.Millisecond), early
}
