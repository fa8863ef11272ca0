package telemetry

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogram_EveryDurationIsWithinASixteenthOfItsBin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(1<<20, int64(70*time.Minute)).Draw(t, "d"))
		middle := middleOf(binOf(d))
		if off := math.Abs(float64(middle-d)) / float64(d); off > 1.0/16 {
			t.Fatalf("%v is shown as %v, off by %.3f", d, middle, off)
		}
	})
}

func TestHistogram_BinsGrowWithTheDurationAndEndAtTheLast(t *testing.T) {
	before := -1
	for d := time.Duration(0); d < 80*time.Minute; d += d/32 + 1<<unitBits {
		bin := binOf(d)
		if bin < before || bin >= bins {
			t.Fatalf("%v is in bin %d, after %d", d, bin, before)
		}
		before = bin
	}
	if binOf(-time.Second) != 0 || binOf(1<<62) != bins-1 {
		t.Error("the ends are not in the first and the last bin")
	}
}

func TestHistogram_QuantilesAreThoseOfTheSortedValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(1<<20, int64(10*time.Minute)), 1, 300).Draw(t, "values")
		var h, first, second histogram
		for i, v := range values {
			h.add(binOf(time.Duration(v)))
			if i%2 == 0 {
				first.add(binOf(time.Duration(v)))
			} else {
				second.add(binOf(time.Duration(v)))
			}
		}
		slices.Sort(values)
		got := h.quantiles()
		for _, q := range []struct {
			percent uint64
			got     time.Duration
		}{{50, got.P50}, {95, got.P95}, {99, got.P99}} {
			want := float64(values[rank(uint64(len(values)), q.percent)-1])
			if math.Abs(float64(q.got)-want)/want > 1.0/16 {
				t.Fatalf("p%d is %v, want %v", q.percent, q.got, time.Duration(want))
			}
		}
		first.merge(&second)
		if first.quantiles() != got {
			t.Fatal("merging two halves gives other quantiles than the whole")
		}
	})
}

func TestHistogram_NothingMeasuredIsZero(t *testing.T) {
	if got := new(histogram).quantiles(); got != (Quantiles{}) {
		t.Errorf("got %+v", got)
	}
}
