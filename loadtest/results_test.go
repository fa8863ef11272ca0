package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func about(got, want float64) bool { return math.Abs(got-want) < 1e-6 }

func timed(p50, p99 time.Duration, cpu float64) *sample {
	return &sample{requests: 10, perSecond: 100, p50: p50, p99: p99, cpu: cpu, ttft50: p50 / 2, ttft99: p99 / 2}
}

func TestPhase_ReportsWhatEachPathAddsToTheDirectOne(t *testing.T) {
	samples := [len(pathNames)][]*sample{
		direct: {timed(1*time.Millisecond, 2*time.Millisecond, 0)},
		plain:  {timed(3*time.Millisecond, 5*time.Millisecond, 0.1)},
		ours:   {timed(4*time.Millisecond, 9*time.Millisecond, 0.15)},
	}
	samples[ours][0].errors, samples[ours][0].why = 2, "502 Bad Gateway"
	var result Result
	p := phase{atOnce: 8, bound: 3, aim: 0.75}
	if errors := p.report(&result, &samples); errors != 2 {
		t.Errorf("%d errors", errors)
	}
	for i, want := range []struct{ added50, added99 float64 }{{0, 0}, {2, 3}, {3, 7}} {
		if row := result.Rows[i]; !about(row.Added50, want.added50) || !about(row.Added99, want.added99) || row.Path != pathNames[i] {
			t.Errorf("row %d: %+v", i, row)
		}
	}
	if c := result.Checks[0]; !about(c.Value, 1.5) || c.Bound != 3 || c.Target != 0.75 {
		t.Errorf("%+v", c)
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], "502 Bad Gateway") {
		t.Errorf("notes %q", result.Notes)
	}
}

func TestPhase_ComparesStreamsByTheirFirstContent(t *testing.T) {
	samples := [len(pathNames)][]*sample{
		direct: {timed(2*time.Millisecond, 4*time.Millisecond, 0)},
		plain:  {timed(4*time.Millisecond, 8*time.Millisecond, 0.1)},
		ours:   {timed(6*time.Millisecond, 12*time.Millisecond, 0.1)},
	}
	var result Result
	phase{traffic: traffic{stream: true}, atOnce: 2}.report(&result, &samples)
	if row := result.Rows[ours]; !about(row.Added50, 2) || !about(row.Added99, 4) {
		t.Errorf("%+v", row)
	}
	if len(result.Checks) > 0 {
		t.Errorf("a phase without a bound is checked: %+v", result.Checks)
	}
}

func TestSingles_AreHeldAgainstTheHealthyOnes(t *testing.T) {
	samples := map[string][]*sample{}
	with := func(name string, attempts int, p50 time.Duration) {
		s := timed(p50, 2*p50, 0)
		s.attempts = attempts
		s.second = attempts - s.requests
		s.latencies = []time.Duration{p50, 2 * p50}
		samples[name] = append(samples[name], s)
	}
	with(healthy, 10, time.Millisecond)
	for _, bad := range badProviders() {
		with(bad.name, 20, 3*time.Millisecond)
	}
	samples["reset"][0].second = 7 // three of its requests went straight to the good target
	var result Result
	result.addSingles(samples)
	if row := result.Rows[1]; !about(row.Added50, 2) || !about(row.Added99, 4) || row.Attempts != 2 {
		t.Errorf("%+v", row)
	}
	last := result.Checks[len(result.Checks)-1]
	if last.Value != 3 || !last.Broken() {
		t.Errorf("%+v", last)
	}
	for _, c := range result.Checks[:len(result.Checks)-1] {
		if c.Broken() || c.Unit != " ms" {
			t.Errorf("%+v", c)
		}
	}
}

func TestStartupResult_ComparesStartsInPairs(t *testing.T) {
	var took [len(pathNames)][]float64
	took[plain] = []float64{50, 200, 40} // the machine was busy at the second pair
	took[ours] = []float64{60, 240, 44}
	result := startupResult(took)
	if c := result.Checks[0]; !about(c.Value, 1.2) {
		t.Errorf("%+v", c)
	}
	if row := result.Rows[1]; row.P50 != 60 || row.Least != 44 || row.Most != 240 || row.Requests != 3 {
		t.Errorf("%+v", row)
	}
}

func TestMemoryResult_DividesByTheStreams(t *testing.T) {
	var samples [len(pathNames)][]memorySample
	samples[plain] = []memorySample{{idle: 40, anon: 7, peak: 60, requests: 200}}
	samples[ours] = []memorySample{{idle: 52, anon: 9, peak: 72, requests: 200, errors: 1}}
	result := memoryResult(samples)
	if row := result.Rows[1]; !about(row.PerStream, 100) || row.Anonymous != 9 {
		t.Errorf("%+v", row)
	}
	for i, want := range []float64{1, 1.3, 1} {
		if c := result.Checks[i]; !about(c.Value, want) {
			t.Errorf("%+v, want %v", c, want)
		}
	}
	if len(result.Notes) != 2 {
		t.Errorf("notes %q", result.Notes)
	}
}
