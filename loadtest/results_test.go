package main

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func about(got, want float64) bool { return math.Abs(got-want) < 1e-6 }

func timed(p50, p99 time.Duration, cpu float64) *sample {
	return &sample{requests: 10, perSecond: 100, p50: p50, p99: p99, cpu: cpu, ttft50: p50 / 2, ttft99: p99 / 2}
}

func TestPhase_ReportsWhatEachPathAddsToTheDirectOne(t *testing.T) {
	samples := perPath{
		direct:  {timed(1*time.Millisecond, 2*time.Millisecond, 0)},
		minimal: {timed(2*time.Millisecond, 3*time.Millisecond, 0.05)},
		plain:   {timed(3*time.Millisecond, 5*time.Millisecond, 0.1)},
		ours:    {timed(4*time.Millisecond, 9*time.Millisecond, 0.15)},
	}
	samples[ours][0].errors, samples[ours][0].why = 2, "502 Bad Gateway"
	samples[minimal][0].errors = 5 // somebody else's
	var result Result
	p := phase{atOnce: 8, bound: 3, aim: 0.75, addedAim: 0.15}
	if errors := p.report(&result, &samples); errors != 2 {
		t.Errorf("%d errors", errors)
	}
	for i, want := range []struct {
		path             int
		added50, added99 float64
	}{{direct, 0, 0}, {minimal, 1, 1}, {plain, 2, 3}, {ours, 3, 7}} {
		if row := result.Rows[i]; !about(row.Added50, want.added50) || !about(row.Added99, want.added99) || row.Path != pathNames[want.path] {
			t.Errorf("row %d: %+v", i, row)
		}
	}
	if c := result.Checks[0]; !about(c.Value, 1.5) || c.Bound != 3 || c.Target != 0.75 {
		t.Errorf("%+v", c)
	}
	if c := result.Checks[1]; !about(c.Value, 2) || c.Broken() || c.Verdict() != "short of the target" {
		t.Errorf("%+v: %s", c, c.Verdict())
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], "502 Bad Gateway") {
		t.Errorf("notes %q", result.Notes)
	}
}

func TestPhase_ComparesStreamsByTheirFirstContent(t *testing.T) {
	samples := perPath{
		direct: {timed(2*time.Millisecond, 4*time.Millisecond, 0)},
		plain:  {timed(4*time.Millisecond, 8*time.Millisecond, 0.1)},
		ours:   {timed(6*time.Millisecond, 12*time.Millisecond, 0.1)},
	}
	var result Result
	phase{traffic: traffic{stream: true}, atOnce: 2}.report(&result, &samples)
	if row := result.Rows[2]; !about(row.Added50, 2) || !about(row.Added99, 4) {
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
		s.latency.add(p50)
		s.latency.add(2 * p50)
		samples[name] = append(samples[name], s)
	}
	with(healthy, 10, time.Millisecond)
	for _, bad := range badProviders()[:4] {
		with(bad.name, 20, 3*time.Millisecond)
	}
	samples["reset"][0].second = 7 // three of its requests went straight to the good target
	var result Result
	result.addSingles(samples)
	if row := result.Rows[1]; !about(row.Added50, 2) || math.Abs(row.Added99-4) > 0.1 || row.Attempts != 2 {
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
	at := func(ms ...int) (out []marks) {
		for _, n := range ms {
			out = append(out, marks{accept: time.Duration(n) * time.Millisecond / 2, answer: time.Duration(n) * time.Millisecond})
		}
		return out
	}
	var took [len(pathNames)][]marks
	took[plain] = at(50, 200, 40) // the machine was busy at the second pair
	took[ours] = at(60, 240, 44)
	result := startupResult(took)
	if c := result.Checks[0]; !about(c.Value, 1.2) {
		t.Errorf("%+v", c)
	}
	if row := result.Rows[1]; math.Abs(row.P50-60) > 0.5 || row.Least != 44 || row.Most != 240 || row.Requests != 3 || math.Abs(row.Accept-30) > 0.5 {
		t.Errorf("%+v", row)
	}
}

func TestMemoryResult_DividesByTheStreamsThatWereOpen(t *testing.T) {
	var samples [len(pathNames)][]memorySample
	samples[minimal] = []memorySample{{started: 10, idle: 9, peak: 20, open: 200, requests: 200}}
	samples[plain] = []memorySample{{started: 40, idle: 40, anon: 7, peak: 60, open: 200, requests: 200}}
	samples[ours] = []memorySample{{started: 52, idle: 30, anon: 9, peak: 72, after: 65, open: 200, requests: 200, errors: 1}}
	result := memoryResult(samples, 200, 60)
	if row := result.Rows[2]; !about(row.PerStream, 100) || row.Anonymous != 9 || row.Open != 200 {
		t.Errorf("%+v", row)
	}
	for i, want := range []float64{1, 1.3, 1, 30, 100, 1.25} {
		if c := result.Checks[i]; !about(c.Value, want) || c.Broken() != (i == 0) {
			t.Errorf("%+v, want %v", c, want)
		}
	}
}

func TestFaultyResult_CountsWhoMetTheFailure(t *testing.T) {
	bad := badProviders()[1]
	s := timed(2*time.Millisecond, 3*time.Millisecond, 0.2)
	s.requests, s.attempts, s.second = 200, 203, 3
	s.points = []point{{at: 10 * time.Millisecond, attempts: 2}, {at: 20 * time.Millisecond, attempts: 1}, {at: 150 * time.Millisecond, attempts: 1}, {at: 1600 * time.Millisecond, attempts: 1}}
	result := faultyResult(bad, map[string][]*sample{healthy: {timed(time.Millisecond, time.Millisecond, 0.1)}, bad.name: {s}})
	if row := result.Rows[1]; !about(row.Added50, 1) || row.Path != "429" || !about(row.Attempts, 1.015) {
		t.Errorf("%+v", row)
	}
	for i, want := range []float64{0, 25, 2} { // one of the four that are listed
		if c := result.Checks[i]; !about(c.Value, want) {
			t.Errorf("%+v, want %v", c, want)
		}
	}
	if diff := cmp.Diff([]float64{50, 0}, result.Plots[0].Lines[0].Values[:2]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFaultyResult_ForgivesWhatNobodyCouldKnow(t *testing.T) {
	silent := badProviders()[4]
	s := timed(time.Millisecond, time.Second, 0.2)
	s.points = []point{{at: 0, attempts: 2}, {at: time.Second, attempts: 2}, {at: 1600 * time.Millisecond, attempts: 1}}
	result := faultyResult(silent, map[string][]*sample{healthy: {timed(time.Millisecond, time.Millisecond, 0.1)}, silent.name: {s}})
	if c := result.Checks[1]; c.Value != 0 || !strings.Contains(c.What, "after 1s") {
		t.Errorf("%+v", c)
	}
	s.points[2].attempts = 2
	result = faultyResult(silent, map[string][]*sample{healthy: {timed(time.Millisecond, time.Millisecond, 0.1)}, silent.name: {s}})
	if c := result.Checks[1]; c.Value != 100 || !c.Broken() {
		t.Errorf("%+v", c)
	}
}

func TestBrown_SaysWhenRequestsMovedAway(t *testing.T) {
	s := &sample{requests: 1}
	for second := range quietSeconds + brownSeconds {
		for i := range 10 {
			p := point{at: time.Duration(second)*time.Second + time.Duration(i)*time.Millisecond, latency: normalTTFT}
			if second >= quietSeconds && (second < quietSeconds+3 || second == quietSeconds+12 && i < 5) {
				p.latency = brownTTFT
			}
			s.points = append(s.points, p)
		}
	}
	result := &Result{Checks: []Check{{}}, Plots: []Plot{{}}}
	r := &rig{progress: io.Discard}
	result.addBrown(r, plain, s)
	result.addBrown(r, ours, s)
	for i, want := range []float64{0, 5, 3} { // of the last hundred requests five were slow
		if c := result.Checks[i]; !about(c.Value, want) {
			t.Errorf("%+v, want %v", c, want)
		}
	}
	if len(result.Plots[0].Lines) != 2 || len(result.Notes) != 1 {
		t.Errorf("%d lines, notes %q", len(result.Plots[0].Lines), result.Notes)
	}
	never := Line{Values: make([]float64, quietSeconds+brownSeconds)}
	for i := range never.Values {
		never.Values[i] = 30
	}
	if got := moved(never); got != brownSeconds {
		t.Errorf("who never moves is said to have done so after %v s", got)
	}
}

func TestOverloadResult_AsksForRoomAndSpeed(t *testing.T) {
	fits, many := timed(10*time.Millisecond, 20*time.Millisecond, 0), timed(30*time.Millisecond, 90*time.Millisecond, 0)
	many.requests, many.refused = 400, 350
	many.refusal.add(time.Millisecond)
	result := &Result{Checks: []Check{{}}}
	result.addOverload("Chat", [2]*sample{fits, many})
	for i, want := range []struct {
		value  float64
		broken bool
	}{{0, false}, {0, false}, {3, true}, {1.28, true}} { // 50 accepted for 64 places
		if c := result.Checks[i]; !about(c.Value, want.value) || c.Broken() != want.broken {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	if row := result.Rows[1]; row.Refused != 350 || math.Abs(row.Refusal99-1) > 0.01 {
		t.Errorf("%+v", row)
	}
}

func TestReloadResult_CountsAimuxsErrorsAlone(t *testing.T) {
	lost := timed(time.Millisecond, time.Millisecond, 0)
	lost.errors, lost.why = 3, "EOF"
	quiet := timed(time.Millisecond, time.Millisecond, 0)
	sentAgain := timed(time.Millisecond, time.Millisecond, 0)
	sentAgain.again = 2
	result := &Result{Checks: []Check{{}, {}, {Aim: true}}}
	r := &rig{progress: io.Discard}
	result.addReload(r, plain, &reloader{}, []*sample{quiet, quiet, lost, quiet})
	result.addReload(r, ours, &reloader{failed: 1, why: errors.New("no")}, []*sample{quiet, quiet, sentAgain, quiet})
	if result.Checks[2].Value != 2 || result.Checks[2].Broken() {
		t.Errorf("%+v", result.Checks[2])
	}
	if result.Checks[0].Value != 0 || result.Checks[1].Value != 1 || len(result.Rows) != 8 {
		t.Errorf("%+v, %d rows", result.Checks, len(result.Rows))
	}
}

func TestRotationResult_CountsWhoMetALimitedKey(t *testing.T) {
	s := timed(time.Millisecond, 2*time.Millisecond, 0.15)
	s.attempts, s.second = 11, 1
	result := rotationResult(map[string][]*sample{allGood: {timed(time.Millisecond, time.Millisecond, 0.1)}, someLimited: {s}})
	for i, want := range []float64{0, 10, 1.5} {
		if c := result.Checks[i]; !about(c.Value, want) {
			t.Errorf("%+v, want %v", c, want)
		}
	}
}

func TestManyKeysResult_ComparesThemWithFew(t *testing.T) {
	result := manyKeysResult(map[string][]*sample{fewTargets: {timed(time.Millisecond, time.Millisecond, 0.1)}, crowdedTargets: {timed(2*time.Millisecond, 2*time.Millisecond, 0.13)}})
	if c := result.Checks[1]; !about(c.Value, 1.3) || c.Broken() || c.Verdict() != "ok, short of the target" {
		t.Errorf("%+v: %s", c, c.Verdict())
	}
	if row := result.Rows[1]; row.Path != "100 targets, 1000 keys" || !about(row.Added50, 1) {
		t.Errorf("%+v", row)
	}
}

func TestPhase_HoldsAimuxAgainstAnother(t *testing.T) {
	samples := perPath{
		plain:   {timed(time.Millisecond, time.Millisecond, 0.1)},
		ours:    {timed(time.Millisecond, time.Millisecond, 0.15)},
		another: {timed(time.Millisecond, time.Millisecond, 0.12)},
	}
	samples[another][0].errors = 1 // not the tested one's
	var result Result
	if errors := (phase{atOnce: 2, bound: 3}).report(&result, &samples); errors != 0 {
		t.Errorf("%d errors", errors)
	}
	if c := result.Checks[1]; !about(c.Value, 1.25) || c.Broken() {
		t.Errorf("%+v", c)
	}
	samples[another][0].cpu = 0.05
	result = Result{}
	phase{atOnce: 2, bound: 3}.report(&result, &samples)
	if !result.Checks[1].Broken() {
		t.Errorf("three times the CPU time is let through: %+v", result.Checks[1])
	}
}

func TestScenarios_HaveNamesOfTheirOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range scenarios() {
		if seen[s.name] || s.question == "" || s.run == nil {
			t.Errorf("%q again, or without a question", s.name)
		}
		seen[s.name] = true
	}
	chosen, err := choose(shortScenarios)
	if err != nil || len(chosen) == 0 {
		t.Error(err)
	}
}
