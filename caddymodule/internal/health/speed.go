package health

import (
	"math"
	"time"
)

// sizes are the upper bounds of the prompt-size buckets, in bytes. About four
// bytes make a token, so they span 1 k to 256 k tokens.
var sizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

const buckets = len(sizes) + 1

// bucketOf returns the bucket of a prompt.
func bucketOf(promptBytes int) int {
	for i, bound := range sizes {
		if promptBytes < bound {
			return i
		}
	}
	return len(sizes)
}

// The estimators' rules.
const (
	// up and down are the weights of a sample that is worse or better than the
	// estimate: bad news is believed quickly (a peak), good news slowly, unless
	// the estimate has become old (idleDecay).
	up, down = 0.5, 0.15
	// slowly is the time constant of the long-run mean an idle target's
	// estimate returns to. It counts time, not samples: a hundred requests
	// caught in the same brown-out are one piece of news.
	slowly = 10 * time.Minute
	// early is how many samples make the first long-run mean.
	early = 10
	// idleDecay is the time constant of that return, and of the weight that good
	// news gains meanwhile: a target that was slow and gets no traffic is worth
	// another look after some tens of seconds, and what is seen then counts more
	// than what was known.
	idleDecay = 20 * time.Second
	// steeper is by how much a prompt of the next size is assumed to take
	// longer where nothing is known of that size.
	steeper = 1.5
	// usualRate is the tokens a second assumed where none was measured.
	usualRate = 50
	// rateTokens is the shortest answer whose speed is believed.
	rateTokens = 8
)

// peak is an average that follows bad news quickly and good news slowly.
type peak struct {
	value, usual float64
	at           int64 // of the last sample, in Unix nanoseconds
	n            int   // samples in usual, up to early
}

// add takes a sample; higher is worse.
func (p *peak) add(x float64, now int64) {
	if p.at == 0 {
		p.value, p.usual, p.at, p.n = x, x, now, 1
		return
	}
	v, w := p.read(now), max(down, 1-math.Exp(-float64(now-p.at)/float64(idleDecay)))
	if x > v {
		w = up
	}
	p.value = v + w*(x-v)
	// A peak moves the long-run mean by no more than three times its value.
	p.usual += p.weight(now) * (min(x, 3*p.usual) - p.usual)
	p.at = now
}

// weight is that of a sample at now in the long-run mean.
func (p *peak) weight(now int64) float64 {
	w := 1 - math.Exp(-float64(max(now-p.at, 0))/float64(slowly))
	if p.n < early {
		p.n++
		w = max(w, 1/float64(p.n))
	}
	return w
}

// read returns the estimate, which drifts to the long-run mean while no
// samples come.
func (p *peak) read(now int64) float64 {
	idle := max(now-p.at, 0)
	if idle < int64(time.Second) || p.value <= p.usual {
		return p.value
	}
	return p.usual + (p.value-p.usual)*math.Exp(-float64(idle)/float64(idleDecay))
}

// speed is how fast a target answers. The State's lock guards it.
type speed struct {
	first [buckets]peak // nanoseconds to the first token
	token peak          // nanoseconds from one token to the next
	load  float64       // requests in flight under which these were measured
}

// ttft estimates the nanoseconds to the first token, from the nearest size of
// prompt that was measured.
func (s *speed) ttft(promptBytes int, now int64) (float64, bool) {
	b, apart := bucketOf(promptBytes), 1.0
	for d := range buckets {
		if i := b - d; i >= 0 && s.first[i].at != 0 {
			return s.first[i].read(now) * apart, true
		}
		if i := b + d; i < buckets && s.first[i].at != 0 {
			return s.first[i].read(now) / apart, true
		}
		apart *= steeper
	}
	return 0, false
}

// stream estimates the nanoseconds n tokens take after the first.
func (s *speed) stream(n int, now int64) float64 {
	if n <= 0 {
		return 0
	}
	per := float64(time.Second) / usualRate
	if s.token.at != 0 {
		per = s.token.read(now)
	}
	return per * float64(n)
}

// streamed takes the speed of a finished answer.
func (s *speed) streamed(tokens int, d time.Duration, now int64) {
	if tokens < rateTokens || d <= 0 {
		return
	}
	s.token.add(float64(d)/float64(tokens-1), now)
}

// firstShare is the part of a whole answer's time that is taken for the time
// to its first token where nothing better is known.
const firstShare = 0.25

// whole takes the time of an answer that came in one piece: both speeds are
// off by the factor by which it took longer than they foretold.
func (s *speed) whole(promptBytes, tokens int, d time.Duration, now int64) {
	if tokens < rateTokens || d <= 0 {
		return
	}
	ttft, known := s.ttft(promptBytes, now)
	first, token := firstShare*float64(d), (1-firstShare)*float64(d)/float64(tokens)
	if known && s.token.at != 0 {
		ratio := float64(d) / (ttft + s.stream(tokens, now))
		first, token = ttft*ratio, s.token.read(now)*ratio
	}
	s.first[bucketOf(promptBytes)].add(first, now)
	s.token.add(token, now)
}
