package keypool

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestPolicy_Order(t *testing.T) {
	weights := func() []*Key {
		return []*Key{{Name: "a", Weight: 3}, {Name: "b"}, {Name: "c", Weight: 2}}
	}
	for name, test := range map[string]struct {
		policy Policy
		keys   []*Key
		hold   bool // leases stay open
		rest   string
		n      int
		want   string
	}{
		"round robin":                        {RoundRobin, keys("a", "b", "c"), false, "", 7, "a b c a b c a"},
		"unknown policy is round robin":      {"best", keys("a", "b"), false, "", 3, "a b a"},
		"no policy is round robin":           {"", keys("a", "b"), false, "", 3, "a b a"},
		"round robin shares a resting turn":  {RoundRobin, keys("a", "b", "c"), false, "b", 6, "a c a c a c"},
		"fill first":                         {FillFirst, keys("a", "b"), false, "", 3, "a a a"},
		"fill first steps over a rest":       {FillFirst, keys("a", "b"), false, "a", 3, "b b b"},
		"fill first fills":                   {FillFirst, []*Key{{Name: "a", MaxInFlight: 2}, {Name: "b"}}, true, "", 4, "a a b b"},
		"least in flight spreads":            {LeastInFlight, keys("a", "b", "c"), true, "", 6, "b c a b c a"},
		"least in flight goes round at rest": {LeastInFlight, keys("a", "b", "c"), false, "", 4, "b c a b"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(test.policy, test.keys...)
			for _, k := range b.Keys() {
				if k.Name == test.rest {
					k.State.enter("m", rate(time.Minute), epoch.UnixNano(), epoch.UnixNano(), 0, false)
				}
			}
			var got []string
			for range test.n {
				l := b.must(t, "m")
				got = append(got, l.Key().Name)
				if !test.hold {
					l.Release(Outcome{})
				}
			}
			if g := strings.Join(got, " "); g != test.want {
				t.Errorf("order %s, want %s", g, test.want)
			}
		})
	}
	t.Run("weighted", func(t *testing.T) {
		b := newBench(Weighted, weights()...)
		got := map[string]int{}
		for range 600 {
			got[b.name()]++
		}
		for name, want := range map[string]int{"a": 300, "b": 100, "c": 200} {
			if got[name] < want-2 || got[name] > want+2 {
				t.Errorf("key %s: %d of 600 leases, want %d", name, got[name], want)
			}
		}
	})
}

// share leases n times from a pool in which some keys rest and counts.
func share(b *bench, n int) map[string]int {
	got := map[string]int{}
	for range n {
		got[b.name()]++
	}
	return got
}

func TestWeighted_SharesStayCloseToTheWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 20), 2, 40).Draw(t, "weights")
		resting := rapid.IntRange(0, len(weights)-2).Draw(t, "resting")
		var ks []*Key
		total := 0
		for i, w := range weights {
			ks = append(ks, &Key{Name: fmt.Sprint(i), Weight: w})
			if i >= resting {
				total += max(w, 1)
			}
		}
		b := newBench(Weighted, ks...)
		for _, k := range b.Keys()[:resting] {
			k.State.enter("", Outcome{Class: llm.ClassBalance}, 0, epoch.UnixNano(), 0, false)
		}
		const n = 2000
		for name, got := range share(b, n) {
			var i int
			fmt.Sscan(name, &i)
			if i < resting {
				t.Fatalf("key %d rests and was leased", i)
			}
			want := float64(n*max(weights[i], 1)) / float64(total)
			if math.Abs(float64(got)-want) > 0.03*n {
				t.Fatalf("key %d: %d of %d leases, want about %.0f", i, got, n, want)
			}
		}
	})
}

func TestWeighted_SharesAreKeptWhenNearlyAllTheWeightRests(t *testing.T) {
	var ks []*Key
	for i, w := range []int{100, 18, 80, 9, 13, 100, 20, 20, 4, 13, 13, 19, 70, 15, 1, 1, 2} {
		ks = append(ks, &Key{Name: fmt.Sprint(i), Weight: w})
	}
	b := newBench(Weighted, ks...)
	for _, k := range b.Keys()[:14] {
		k.State.enter("", Outcome{Class: llm.ClassBalance}, 0, epoch.UnixNano(), 0, false)
	}
	got := share(b, 2000)
	for name, want := range map[string]int{"14": 500, "15": 500, "16": 1000} {
		if d := got[name] - want; d < -40 || d > 40 {
			t.Errorf("key %s: %d of 2000 leases, want about %d", name, got[name], want)
		}
	}
}

func TestRoundRobin_UsableKeysGetEqualShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		var ks []*Key
		for i := range n {
			ks = append(ks, &Key{Name: fmt.Sprint(i)})
		}
		b := newBench(RoundRobin, ks...)
		usable := n
		for _, k := range b.Keys()[1:] {
			if rapid.Bool().Draw(t, "rests") {
				usable--
				k.State.enter("m", rate(time.Minute), 0, epoch.UnixNano(), 0, false)
			}
		}
		for name, got := range share(b, 10*usable) {
			if got != 10 {
				t.Fatalf("key %s was leased %d times, want 10", name, got)
			}
		}
	})
}

func TestLeastInFlight_SmallPoolTakesTheFewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, sample).Draw(t, "n")
		var ks []*Key
		for i := range n {
			ks = append(ks, &Key{Name: fmt.Sprint(i), State: NewState()})
			ks[i].State.inFlight.Store(int64(rapid.IntRange(0, 5).Draw(t, "in flight")))
		}
		fewest := int64(math.MaxInt64)
		for _, k := range ks {
			fewest = min(fewest, k.State.inFlight.Load())
		}
		l, err := newBench(LeastInFlight, ks...).Acquire("m", nil)
		if err != nil || l.Key().State.inFlight.Load() != fewest+1 {
			t.Fatalf("leased a key with %d in flight before, the fewest is %d (%v)",
				l.Key().State.inFlight.Load()-1, fewest, err)
		}
	})
}

func TestLeastInFlight_LargePoolStaysLevel(t *testing.T) {
	var ks []*Key
	for i := range 1000 {
		ks = append(ks, &Key{Name: fmt.Sprint(i)})
	}
	b := newBench(LeastInFlight, ks...)
	for range 5000 {
		b.must(t, "m")
	}
	for _, k := range b.Keys() {
		if n := k.State.inFlight.Load(); n > 7 {
			t.Errorf("key %s has %d in flight, the mean is 5", k.Name, n)
		}
	}
}

func TestPool_FindsTheOneUsableKeyOfAThousand(t *testing.T) {
	for _, policy := range []Policy{RoundRobin, LeastInFlight, Weighted, FillFirst} {
		var ks []*Key
		for i := range 1000 {
			ks = append(ks, &Key{Name: fmt.Sprint(i)})
		}
		b := newBench(policy, ks...)
		for i, k := range b.Keys() {
			if i != 777 {
				k.State.enter("m", rate(time.Minute), 0, epoch.UnixNano(), 0, false)
			}
		}
		if got := b.name(); got != "777" {
			t.Errorf("%s: key %s, want 777", policy, got)
		}
	}
}

func TestPool_PreferredKeyIsTakenIfItMayBeUsed(t *testing.T) {
	tried := func(k *Key) bool { return k.Name == "c" }
	for name, test := range map[string]struct {
		prefer string
		spoil  func(*bench)
		want   string
	}{
		"free":                 {"b", func(*bench) {}, "b"},
		"nobody":               {"", func(*bench) {}, "a"},
		"gone from the config": {"z", func(*bench) {}, "a"},
		"tried":                {"c", func(*bench) {}, "a"},
		"rests": {"b", func(b *bench) {
			b.Keys()[1].State.enter("m", rate(time.Minute), 0, epoch.UnixNano(), 0, false)
		}, "a"},
		"about to run out": {"b", func(b *bench) {
			b.Keys()[1].State.pace("m", []Bucket{{Limit: 100, Reset: epoch.Add(time.Minute)}}, epoch)
		}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(FillFirst, keys("a", "b", "c")...)
			test.spoil(b)
			l, err := b.AcquirePreferring(test.prefer, "m", tried)
			if err != nil || l.Key().Name != test.want {
				t.Errorf("leased %v (%v), want %s", l.Key(), err, test.want)
			}
		})
	}
}
