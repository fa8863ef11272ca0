package main

import (
	"math"
	"slices"
	"time"
)

// median returns the middle of v, the mean of the two middle ones for an even number, 0 for none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// medianOf returns the median of what get reads from the samples.
func medianOf(samples []*sample, get func(*sample) float64) float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = get(s)
	}
	return median(v)
}

// ratio returns the median of a's values over b's, round by round, which lets a disturbance that lasts longer than a
// round fall on both. Rounds without a value are left out; 0 means that there was none.
func ratio(a, b []*sample, get func(*sample) float64) float64 {
	var v []float64
	for i := range min(len(a), len(b)) {
		if x, y := get(a[i]), get(b[i]); x > 0 && y > 0 {
			v = append(v, x/y)
		}
	}
	return median(v)
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// micro rounds milliseconds to whole microseconds, for files that people read.
func micro(ms float64) float64 { return math.Round(ms*1000) / 1000 }

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func cpu(s *sample) float64 { return s.cpu }
