package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHistogram_KnowsQuantilesToHalfAPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h histogram
		exact := make([]time.Duration, len(values))
		for i, v := range values {
			exact[i] = time.Duration(v)
			h.add(exact[i])
		}
		want, got := quantile(exact, q), h.quantile(q)
		if math.Abs(float64(got-want)) > 0.005*float64(want)+1 {
			t.Errorf("quantile %v is %s, not %s", q, got, want)
		}
	})
}

func TestHistogram_MergedIsAsIfCountedTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Int64Range(0, int64(time.Minute)))
		var one, other, both histogram
		for _, v := range values.Draw(t, "one") {
			one.add(time.Duration(v))
			both.add(time.Duration(v))
		}
		for _, v := range values.Draw(t, "other") {
			other.add(time.Duration(v))
			both.add(time.Duration(v))
		}
		one.merge(&other)
		if one.total != both.total || !slices.Equal(one.curve(), both.curve()) {
			t.Errorf("merged %v, together %v", one.curve(), both.curve())
		}
	})
}

func TestHistogram_BucketsAreInOrderAndHoldTheirMiddle(t *testing.T) {
	last := time.Duration(-1)
	for i := range bucketOf(time.Hour) {
		m := middle(i)
		if m <= last || bucketOf(m) != i {
			t.Fatalf("bucket %d stands for %d, which is in bucket %d, after %d", i, m, bucketOf(m), last)
		}
		last = m
	}
}

func TestHistogram_EmptyAndOddValues(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 || h.curve() != nil {
		t.Error("an empty histogram has quantiles")
	}
	h.add(-time.Second)
	h.merge(new(histogram))
	if h.total != 1 || h.quantile(1) != 0 {
		t.Errorf("%+v", h)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h histogram
	d := time.Duration(1)
	for b.Loop() {
		h.add(d)
		d = d*5%time.Minute + 1
	}
}
