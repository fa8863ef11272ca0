package keypool

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestPool_ProbeGoesAloneUntilItSucceeds(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	probe := b.must(t, "m")
	if !probe.Probe() {
		t.Error("the first lease after a rest is not a probe")
	}
	if got, want := b.name(), "rate_limited +6s"; got != want {
		t.Errorf("beside the probe: %s, want %s", got, want)
	}
	probe.Release(Outcome{})
	l := b.must(t, "m")
	if l.Probe() {
		t.Error("a lease after the probe's success is a probe")
	}
	b.must(t, "m")
}

func TestPool_AcceptedProbeLetsTheOthersFollow(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	b.must(t, "m").Accepted()
	if got := b.name(); got != "a" {
		t.Errorf("after the probe's first token: %s, want a", got)
	}
}

func TestPool_ProbeEnds(t *testing.T) {
	for name, test := range map[string]struct {
		outcome Outcome
		want    string // what the next Acquire says
	}{
		"success":           {Outcome{}, "a"},
		"failure with hint": {rate(10 * time.Second), "rate_limited +15s"},
		"failure":           {rate(0), "rate_limited +5.5s"},
		"client went away":  {Outcome{Class: llm.ClassCanceled}, "a"},
		"provider overload": {Outcome{Class: llm.ClassOverload}, "a"},
		"another ailment":   {Outcome{Class: llm.ClassBalance}, "balance +1h0m5s"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(FillFirst, keys("a", "b")...)
			b.fails(t, rate(5*time.Second))
			b.must(t, "m").Release(Outcome{Class: llm.ClassPlanDead}) // b is out of the way
			b.pass(5 * time.Second)
			first := b.must(t, "m")
			b.Reset("nobody")
			first.Release(test.outcome)
			if name == "failure" { // the only usable key is forgiven once
				b.must(t, "m").Release(test.outcome)
			}
			if got := b.name(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestPool_InconclusiveProbeKeepsTheGate(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	b.must(t, "m").Release(Outcome{Class: llm.ClassTransient})
	next := b.must(t, "m")
	if !next.Probe() {
		t.Error("the lease after an inconclusive probe is not a probe")
	}
	if _, err := b.Acquire("m", nil); err == nil {
		t.Error("two probes at once")
	}
}

func TestPool_HangingProbeIsReplacedAfterItsDeadline(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	hung := b.must(t, "m")
	b.pass(time.Minute)
	second := b.must(t, "m")
	if !second.Probe() {
		t.Error("the replacement is not a probe")
	}
	hung.Release(Outcome{Class: llm.ClassCanceled})
	if _, err := b.Acquire("m", nil); err == nil {
		t.Error("the hung probe's end gave away the second one's place")
	}
}

func TestPool_DeadPlanIsProbedDaily(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, Outcome{Class: llm.ClassPlanDead})
	for day := range 3 {
		if got := b.name(); got == "a" {
			t.Fatalf("day %d: leased before its time", day)
		}
		b.pass(24 * time.Hour)
		b.fails(t, Outcome{Class: llm.ClassPlanDead})
	}
	if r := b.Snapshot(b.now())[0].Rests[0]; !r.Until.IsZero() {
		t.Errorf("the rest ends at %s, want never on its own", r.Until)
	}
	b.pass(24 * time.Hour)
	b.must(t, "m").Release(Outcome{})
	if got := b.Snapshot(b.now())[0].Rests; got != nil {
		t.Errorf("after the plan was renewed: %v", got)
	}
}

func TestPool_AfterTheProbeTheOthersFollowInGrowingNumbers(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	round := []*Lease{b.must(t, "m")}
	var got []int
	for range 5 {
		b.pass(100 * time.Millisecond)
		for _, l := range round {
			l.Accepted() // the answer's end adds nothing
			l.Release(Outcome{})
		}
		round = nil
		for len(round) < 500 {
			l, err := b.Acquire("m", nil)
			if err != nil {
				break
			}
			round = append(round, l)
		}
		got = append(got, len(round))
	}
	if d := cmp.Diff([]int{8, 16, 32, 64, 128}, got); d != "" {
		t.Errorf("requests let in per round (-want +got):\n%s", d)
	}
	b.pass(rampTime)
	for range 500 {
		b.must(t, "m")
	}
}

func TestPool_FailureOnTheRampRestsTheKeyAgain(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	b.must(t, "m").Release(Outcome{})
	b.fails(t, rate(7*time.Second))
	if got := b.name(); got != "b" {
		t.Errorf("key %s, want b", got)
	}
	b.pass(7 * time.Second)
	if l := b.must(t, "m"); l.Key().Name != "a" || !l.Probe() {
		t.Errorf("after the second rest: key %s, probe %v; want a's probe", l.Key().Name, l.Probe())
	}
}

func TestPool_RestEndsTheRamp(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	b.pass(5 * time.Second)
	b.must(t, "m").Release(Outcome{})
	var last *Lease
	for range rampFrom {
		last = b.must(t, "m")
	}
	last.Release(rate(2 * time.Second))
	b.pass(2 * time.Second)
	if !b.must(t, "m").Probe() {
		t.Error("no probe after the rest: the spent ramp stands in its way")
	}
}

// TestPool_HerdWaitsForTheProbe has 500 clients wait for the end of a rest and
// retry as the pool tells them to. The provider sees one request until it has
// answered.
func TestPool_HerdWaitsForTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(RoundRobin, keys("a"), Options{})
		l, err := p.Acquire("m", nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Release(rate(5 * time.Second))
		var mu sync.Mutex
		before, served := 0, 0
		answered := false
		client := func() {
			for {
				l, err := p.Acquire("m", nil)
				if err != nil {
					time.Sleep(time.Until(err.(*RestingError).Until))
					continue
				}
				mu.Lock()
				if !answered {
					before++
				}
				mu.Unlock()
				time.Sleep(300 * time.Millisecond)
				mu.Lock()
				answered = true
				served++
				mu.Unlock()
				l.Release(Outcome{})
				return
			}
		}
		for range 500 {
			go client()
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if before != 1 || served != 500 {
			t.Errorf("%d requests before the first success, %d served; want 1 and 500", before, served)
		}
	})
}
