package health

import (
	"math"
	"time"
)

// recent holds how the last minute and the last hour went. The State's lock
// guards it.
type recent struct {
	minute, hour ring
}

// first notes a time to the first token.
func (r *recent) first(d time.Duration, now int64) {
	r.each(now, func(s *span) { s.ttft[binOf(d)]++ })
}

// ended notes the end of an attempt the target was answerable for.
func (r *recent) ended(failed bool, now int64) {
	r.each(now, func(s *span) {
		if s.total++; failed {
			s.failed++
		}
	})
}

func (r *recent) each(now int64, f func(*span)) {
	if r.minute.spans == nil {
		r.minute = ring{step: int64(10 * time.Second), spans: make([]span, 6)}
		r.hour = ring{step: int64(5 * time.Minute), spans: make([]span, 12)}
	}
	f(r.minute.span(now))
	f(r.hour.span(now))
}

// ring is a window of time cut into spans, the oldest of which is reused.
type ring struct {
	step  int64
	spans []span
}

// span is what happened in one part of a window.
type span struct {
	at            int64 // number of the span since 1970
	total, failed int
	ttft          [bins]uint32
}

func (r *ring) span(now int64) *span {
	at := now / r.step
	s := &r.spans[at%int64(len(r.spans))]
	if s.at != at {
		*s = span{at: at}
	}
	return s
}

// Window is how a target fared over a stretch of time.
type Window struct {
	// Total counts the attempts it was answerable for, Failed those that failed.
	Total, Failed int
	// P50, P95 and P99 are quantiles of the time to the first token, within an
	// eighth of the true value; 0: no answer came.
	P50, P95, P99 time.Duration
}

// sum adds up the spans still within the window.
func (r *ring) sum(now int64) Window {
	var w Window
	if r.spans == nil {
		return w
	}
	var h [bins]uint32
	oldest := now/r.step - int64(len(r.spans)) + 1
	for i := range r.spans {
		s := &r.spans[i]
		if s.at < oldest {
			continue
		}
		w.Total += s.total
		w.Failed += s.failed
		for b, n := range s.ttft {
			h[b] += n
		}
	}
	w.P50, w.P95, w.P99 = quantile(&h, 0.50), quantile(&h, 0.95), quantile(&h, 0.99)
	return w
}

// The bins of the histogram grow by a quarter each: the first ends at 1 ms,
// the last holds everything above 17 minutes.
const (
	bins = 64
	grow = 1.25
)

// binOf returns the bin of a duration.
func binOf(d time.Duration) int {
	if d <= time.Millisecond {
		return 0
	}
	b := int(math.Ceil(math.Log(float64(d)/float64(time.Millisecond)) / math.Log(grow)))
	return min(b, bins-1)
}

// quantile returns the middle of the bin in which the q-quantile lies.
func quantile(h *[bins]uint32, q float64) time.Duration {
	var n uint64
	for _, c := range h {
		n += uint64(c)
	}
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(n)))
	var seen uint64
	for b, c := range h {
		if seen += uint64(c); seen >= rank {
			return time.Duration(float64(time.Millisecond) * math.Pow(grow, float64(b)-0.5))
		}
	}
	return 0
}
