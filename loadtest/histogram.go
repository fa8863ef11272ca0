package main

import (
	"math/bits"
	"time"
)

// A histogram counts times in buckets whose width grows with the time, so that every value is known to less than half a
// percent whether it is microseconds or minutes. The zero value is empty. It is not safe for concurrent use.
type histogram struct {
	counts []uint32 // grown as far as it is needed
	total  int
	least  time.Duration
	most   time.Duration
}

// Values below 2^fine nanoseconds have a bucket each; above, every doubling has 2^(fine-1) of them.
const fine = 9

// bucketOf returns the number of the bucket d is counted in.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(0, bits.Len64(v)-fine)
	return shift<<(fine-1) + int(v>>shift)
}

// middle returns the value that stands for a bucket.
func middle(bucket int) time.Duration {
	shift := max(0, bucket>>(fine-1)-1)
	low := uint64(bucket-shift<<(fine-1)) << shift
	return time.Duration(low + 1<<shift/2)
}

// add counts d; what is below zero counts as zero.
func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	i := bucketOf(d)
	h.grow(i + 1)
	h.counts[i]++
	if h.total == 0 || d < h.least {
		h.least = d
	}
	h.most = max(h.most, d)
	h.total++
}

func (h *histogram) grow(n int) {
	if n > len(h.counts) {
		h.counts = append(h.counts, make([]uint32, n-len(h.counts))...)
	}
}

// merge adds everything other has counted.
func (h *histogram) merge(other *histogram) {
	if other.total == 0 {
		return
	}
	h.grow(len(other.counts))
	for i, n := range other.counts {
		h.counts[i] += n
	}
	if h.total == 0 || other.least < h.least {
		h.least = other.least
	}
	h.most = max(h.most, other.most)
	h.total += other.total
}

// quantile returns the value that the share q of what was counted does not exceed, 0 for none.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(h.total-1, int(q*float64(h.total)))
	if rank <= 0 {
		return h.least
	}
	if rank == h.total-1 {
		return h.most
	}
	for i, n := range h.counts {
		if rank -= int(n); rank < 0 {
			return min(max(middle(i), h.least), h.most)
		}
	}
	return h.most
}

// shares are the quantiles that a curve has.
var shares = [...]float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999}

// curve returns the quantiles of shares in milliseconds, none for an empty histogram.
func (h *histogram) curve() []float64 {
	if h.total == 0 {
		return nil
	}
	out := make([]float64, len(shares))
	for i, q := range shares {
		out[i] = micro(millis(h.quantile(q)))
	}
	return out
}
