package keypool

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

var tooMany = Outcome{Class: llm.ClassConcurrency}

func TestKey_MaxInFlightIsNeverExceeded(t *testing.T) {
	b := newBench(FillFirst, &Key{Name: "a", MaxInFlight: 2})
	first := b.must(t, "m")
	b.must(t, "other")
	if got, want := b.name(), "concurrency +1s"; got != want {
		t.Errorf("third request: %s, want %s", got, want)
	}
	if _, class, resting := b.Resting("m"); !resting || class != llm.ClassConcurrency {
		t.Errorf("Resting = %v, %v; want concurrency", class, resting)
	}
	first.Release(Outcome{})
	b.must(t, "m")
}

func TestKey_ConcurrencyRefusalLowersTheLimitWithoutARest(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	var ls []*Lease
	for range 8 {
		ls = append(ls, b.must(t, "m"))
	}
	b.pass(time.Millisecond)
	for _, l := range ls[4:] {
		l.Release(tooMany)
	}
	st := b.Snapshot(b.now())[0]
	if st.Limit != 3 || st.Rests != nil {
		t.Errorf("limit %d, rests %v; want 3 (three quarters of the fifth, once) and none", st.Limit, st.Rests)
	}
	for _, l := range ls[:4] {
		l.Release(Outcome{})
	}
	for range 3 {
		b.must(t, "m")
	}
	if got, want := b.name(), "concurrency +1.001s"; got != want {
		t.Errorf("beyond the limit: %s, want %s", got, want)
	}
}

func TestKey_LimitGrowsWhileItIsReached(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	k := b.Keys()[0]
	k.State.refused(1, 4, 1)
	for range 100 {
		b.must(t, "m").Release(Outcome{})
	}
	if got := k.State.limit.Load(); got != 3 {
		t.Errorf("limit %d after idle successes, want 3", got)
	}
	for range 10 {
		var ls []*Lease
		for {
			l, err := b.Acquire("m", nil)
			if err != nil {
				break
			}
			ls = append(ls, l)
		}
		for _, l := range ls {
			l.Release(Outcome{})
		}
	}
	if got := k.State.limit.Load(); got < 5 || got > 9 {
		t.Errorf("limit %d after ten full rounds, want 5 to 9", got)
	}
}

func TestKey_AccountSharesTheLearnedLimit(t *testing.T) {
	acme := NewState()
	b := newBench(LeastInFlight, &Key{Name: "a", Account: acme}, &Key{Name: "b", Account: acme})
	b.must(t, "m")
	b.must(t, "m")
	b.must(t, "m").Release(tooMany)
	if got, want := b.name(), "concurrency +1s"; got != want {
		t.Errorf("%s, want %s: the account bears two", got, want)
	}
}

// What was learned of a key before it was given its account's label would stay
// for good, as successes now raise the account's limit only.
func TestKey_LimitOfBeforeItHadAnAccountNoLongerCounts(t *testing.T) {
	state, acme := NewState(), NewState()
	state.refused(1, 1, 1)
	b := newBench(FillFirst, &Key{Name: "a", State: state, Account: acme})
	for range 5 {
		b.must(t, "m")
	}
	acme.refused(b.now().UnixNano(), 5, b.now().UnixNano())
	if got, want := b.name(), "concurrency +1s"; got != want {
		t.Errorf("beyond the account's limit: %s, want %s", got, want)
	}
}

// TestKey_InFlightStaysWithinLimits leases from many goroutines at once.
func TestKey_InFlightStaysWithinLimits(t *testing.T) {
	acme := NewState()
	ks := []*Key{{Name: "a", MaxInFlight: 3, Account: acme}, {Name: "b", MaxInFlight: 5}, {Name: "c"}}
	p := New(RoundRobin, ks, Options{})
	acme.refused(1, 2, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if l, err := p.Acquire("m", nil); err == nil {
					for _, k := range ks[:2] {
						// Another goroutine may be between counting and taking back.
						if n := k.State.inFlight.Load(); n > int64(k.MaxInFlight)+8 {
							t.Errorf("key %s: %d in flight", k.Name, n)
						}
					}
					l.Release(Outcome{})
				}
			}
		})
	}
	wg.Wait()
	for _, k := range ks {
		if n := k.State.inFlight.Load(); n != 0 {
			t.Errorf("key %s: %d in flight at the end", k.Name, n)
		}
	}
	if n := acme.inFlight.Load(); n != 0 {
		t.Errorf("account: %d in flight at the end", n)
	}
}

func TestPool_KeyAboutToRunOutIsChosenLast(t *testing.T) {
	pace := func(left int64) Outcome {
		return Outcome{Pacing: []Bucket{{Limit: 100, Remaining: left, Reset: epoch.Add(time.Minute)}}}
	}
	for _, policy := range []Policy{RoundRobin, LeastInFlight, Weighted, FillFirst} {
		t.Run(string(policy), func(t *testing.T) {
			b := newBench(policy, keys("a", "b")...)
			l := b.must(t, "m")
			poor := l.Key().Name
			l.Release(pace(5))
			for range 20 {
				if got := b.name(); got == poor {
					t.Fatalf("key %s was chosen with 5 %% left", got)
				}
			}
			other := b.must(t, "m")
			other.Release(rate(time.Hour))
			if got := b.name(); got != poor {
				t.Errorf("with the other resting: %s, want %s", got, poor)
			}
			b.pass(time.Minute)
			if st, _, _ := b.Keys()[0].State.look("m", b.now().UnixNano()); b.Keys()[0].Name == poor && st != free {
				t.Errorf("after the reset the key stands at %d, want free", st)
			}
		})
	}
}

func TestPool_RefilledBucketIsNoLongerLow(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	reset := epoch.Add(time.Minute)
	b.must(t, "m").Release(Outcome{Pacing: []Bucket{{Limit: 100, Remaining: 0, Reset: reset}}})
	if got := b.name(); got != "b" {
		t.Fatalf("key %s, want b", got)
	}
	l, _ := b.Acquire("m", func(k *Key) bool { return k.Name == "b" })
	l.Release(Outcome{Pacing: []Bucket{{Limit: 100, Remaining: 90, Reset: reset}}})
	if got := b.name(); got != "a" {
		t.Errorf("key %s, want a", got)
	}
}

func TestLowUntil_AsksTheLastResetOfNearlyEmptyBuckets(t *testing.T) {
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	for name, test := range map[string]struct {
		buckets []Bucket
		want    time.Duration
	}{
		"none":                  {nil, 0},
		"plenty":                {[]Bucket{{100, 6, at(9)}}, 0},
		"nearly empty":          {[]Bucket{{100, 5, at(9)}}, 9 * time.Second},
		"two":                   {[]Bucket{{100, 0, at(9)}, {1000, 50, at(30)}, {9, 9, at(60)}}, 30 * time.Second},
		"reset has passed":      {[]Bucket{{100, 0, at(-1)}}, 0},
		"no limit given":        {[]Bucket{{0, 1, at(9)}}, 0},
		"no limit, none left":   {[]Bucket{{0, 0, at(9)}}, 9 * time.Second},
		"a reset days from now": {[]Bucket{{100, 0, at(400000)}}, maxHint},
	} {
		t.Run(name, func(t *testing.T) {
			want := int64(0)
			if test.want > 0 {
				want = epoch.Add(test.want).UnixNano()
			}
			if got := lowUntil(test.buckets, epoch); got != want {
				t.Errorf("got %v, want %v", time.Unix(0, got).UTC(), time.Unix(0, want).UTC())
			}
		})
	}
}

// TestPool_AnyHistoryKeepsTheRules drives a pool with random outcomes and
// checks after every step what must hold whatever happened.
func TestPool_AnyHistoryKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acme := NewState()
		ks := []*Key{{Name: "a", MaxInFlight: 3}, {Name: "b", Account: acme}, {Name: "c", Account: acme}, {Name: "d", Weight: 5}}
		policy := rapid.SampledFrom([]Policy{RoundRobin, LeastInFlight, Weighted, FillFirst}).Draw(t, "policy")
		b := newBench(policy, ks...)
		var open []*Lease
		wakes := map[string]time.Time{} // by key: the rest promised last
		b.Pool.onRest = func(n Rested) {
			if n.Account || n.Model == "" {
				return
			}
			if n.Until.Before(wakes[n.Key.Name]) && wakes[n.Key.Name].After(b.now()) {
				t.Fatalf("key %s: a rest until %s was shortened to %s", n.Key.Name, wakes[n.Key.Name], n.Until)
			}
			wakes[n.Key.Name] = n.Until
		}
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(t *rapid.T) {
				l, err := b.Acquire("m", nil)
				until, _, resting := b.Resting("m")
				if err != nil {
					if !resting && describe(err) != ErrAllTried.Error() {
						t.Fatalf("Acquire: %v, but the pool does not rest", err)
					}
					if resting && !until.After(b.now()) {
						t.Fatalf("resting until %s, which is not in the future", until)
					}
					return
				}
				if at := wakes[l.Key().Name]; at.After(b.now()) {
					t.Fatalf("key %s leased %s before its rest ends", l.Key().Name, at.Sub(b.now()))
				}
				open = append(open, l)
			},
			"release": func(t *rapid.T) {
				if len(open) == 0 {
					return
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "i")
				o := Outcome{
					Class:   llm.Class(rapid.IntRange(0, int(llm.ClassCanceled)).Draw(t, "class")),
					Wait:    time.Duration(rapid.IntRange(-1, 100).Draw(t, "wait")) * time.Second,
					KeyWide: rapid.Bool().Draw(t, "wide"),
				}
				o.WaitKnown = o.Wait >= 0
				open[i].Release(o)
				open = append(open[:i], open[i+1:]...)
			},
			"pass": func(t *rapid.T) { b.pass(time.Duration(rapid.IntRange(0, 100_000).Draw(t, "ms")) * time.Millisecond) },
			"": func(t *rapid.T) {
				total := 0
				for _, st := range b.Snapshot(b.now()) {
					total += st.InFlight
					if st.Name == "a" && st.InFlight > 3 {
						t.Fatalf("a has %d in flight", st.InFlight)
					}
				}
				if total != len(open) {
					t.Fatalf("%d in flight, %d leases open", total, len(open))
				}
			},
		})
	})
}
