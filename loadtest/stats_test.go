package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMedian_IsTheMiddle(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"none", nil, 0},
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 2, 9}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := slices.Clone(test.in)
			if got := median(test.in); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(before, test.in) {
				t.Error("the input was sorted")
			}
		})
	}
}

func TestMedian_LiesBetweenTheExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 20).Draw(t, "values")
		if m := median(v); m < slices.Min(v) || m > slices.Max(v) {
			t.Errorf("median %v of %v", m, v)
		}
	})
}

func TestQuantile_TakesTheNearestRank(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for _, test := range []struct {
		name string
		in   []time.Duration
		q    float64
		want time.Duration
	}{
		{"none", nil, 0.5, 0},
		{"least", hundred, 0, 1},
		{"middle", hundred, 0.5, 51},
		{"p99", hundred, 0.99, 100},
		{"most", hundred, 1, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := quantile(test.in, test.q); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestRatio_ComparesRoundByRound(t *testing.T) {
	with := func(cpus ...float64) (out []*sample) {
		for _, c := range cpus {
			out = append(out, &sample{cpu: c})
		}
		return out
	}
	for _, test := range []struct {
		name string
		a, b []*sample
		want float64
	}{
		{"a noisy round falls on both", with(2, 20, 2), with(1, 10, 1), 2},
		{"a round without a value is left out", with(3, 0, 3), with(1, 1, 1), 3},
		{"nothing measured", with(0, 0), with(0, 0), 0},
		{"unequal numbers of rounds", with(4, 4, 1), with(2), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ratio(test.a, test.b, cpu); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
