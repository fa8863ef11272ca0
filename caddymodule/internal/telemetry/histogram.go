package telemetry

import (
	"math/bits"
	"time"
)

// A histogram counts durations in bins that are linear within each power of
// two: eight to an octave, so that a quantile read from it is within a sixteenth
// of the true value. The finest step is 65.5 µs; everything above 73 minutes
// is in the last bin.
type histogram struct {
	bins  [bins]uint32
	total uint64
}

const (
	unitBits = 16 // a unit is 2^16 ns
	subBits  = 3  // 2^3 bins to an octave
	sub      = 1 << subBits
	octaves  = 23
	bins     = sub + octaves*sub
)

// binOf returns the bin of a duration. Negative ones count as 0.
func binOf(d time.Duration) int {
	v := uint64(max(d, 0)) >> unitBits
	if v < sub {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return min(sub+shift*sub+int(v>>shift)-sub, bins-1)
}

// middleOf returns the duration in the middle of a bin.
func middleOf(bin int) time.Duration {
	if bin < sub {
		return time.Duration(bin)<<unitBits + 1<<(unitBits-1)
	}
	shift := bin/sub - 1
	low := time.Duration(sub+bin%sub) << shift << unitBits
	return low + 1<<(shift+unitBits-1)
}

func (h *histogram) add(bin int) {
	h.bins[bin]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	if other.total == 0 {
		return
	}
	for i, n := range other.bins {
		h.bins[i] += n
	}
	h.total += other.total
}

// Quantiles sum up a distribution of durations, each within a sixteenth of its
// true value. All are 0 if nothing was measured.
type Quantiles struct {
	P50 time.Duration `json:"p50"`
	P95 time.Duration `json:"p95"`
	P99 time.Duration `json:"p99"`
	// Count is how many durations were measured.
	Count uint64 `json:"count"`
}

// quantiles reads all three in one pass.
func (h *histogram) quantiles() Quantiles {
	q := Quantiles{Count: h.total}
	if h.total == 0 {
		return q
	}
	ranks := [...]uint64{rank(h.total, 50), rank(h.total, 95), rank(h.total, 99)}
	out := [...]*time.Duration{&q.P50, &q.P95, &q.P99}
	next, seen := 0, uint64(0)
	for bin, n := range h.bins {
		seen += uint64(n)
		for next < len(ranks) && seen >= ranks[next] {
			*out[next] = middleOf(bin)
			next++
		}
	}
	return q
}

// rank is the place, counted from 1, of the percentile among n sorted values.
func rank(n uint64, percent uint64) uint64 { return (n*percent + 99) / 100 }
