package keypool

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// recovered is a pool of one key whose rest has ended with a success, so that
// it stands at the foot of its ramp.
func recovered(t *testing.T, k *Key) *bench {
	t.Helper()
	b := newBench(FillFirst, k)
	b.fails(t, rate(time.Second))
	b.pass(time.Second)
	b.must(t, "m").Release(Outcome{})
	return b
}

func TestRamp_APlaceIsGivenBackUnlessTheLeaseSucceeded(t *testing.T) {
	for _, c := range []struct {
		name  string
		class llm.Class
		taken int // of the eight places, by one lease after another
	}{
		{"client's fault", llm.ClassBadRequest, 0},
		{"hang-up", llm.ClassCanceled, 0},
		{"prompt too long", llm.ClassContext, 0},
		{"overload", llm.ClassOverload, 0},
		{"broken connection", llm.ClassTransient, 0},
	} {
		for name, k := range map[string]*Key{"key": {Name: "a"}, "account": {Name: "a", Account: NewState()}} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				b := recovered(t, k)
				for i := range 5 * rampFrom {
					l, err := b.Acquire("m", nil)
					if err != nil {
						t.Fatalf("request %d, with nothing under way: %v", i, err)
					}
					l.Release(Outcome{Class: c.class})
				}
				for range rampFrom {
					b.must(t, "m")
				}
				if _, err := b.Acquire("m", nil); err == nil {
					t.Error("the ramp has more places than it began with")
				}
			})
		}
	}
}

func TestRamp_ASuccessIsNotAlsoGivenBack(t *testing.T) {
	b := recovered(t, &Key{Name: "a"})
	first := b.must(t, "m")
	first.Accepted()
	first.Release(Outcome{Class: llm.ClassCanceled}) // the client read enough
	n := 0
	for ; n < 100; n++ {
		if _, err := b.Acquire("m", nil); err != nil {
			break
		}
	}
	if want := rampFrom - 1 + rampGain; n != want {
		t.Errorf("%d let in, want %d", n, want)
	}
}

func TestRamp_APlaceOfAnEarlierRampIsNotGivenToALaterOne(t *testing.T) {
	b := recovered(t, &Key{Name: "a"})
	old := b.must(t, "m")
	b.fails(t, rate(2*time.Second))
	b.pass(2 * time.Second)
	b.must(t, "m").Release(Outcome{})
	old.Release(Outcome{Class: llm.ClassCanceled})
	for range rampFrom {
		b.must(t, "m")
	}
	if got := b.name(); got == "a" {
		t.Error("a ninth was let in")
	}
}

// The account's ramp lets a request through that the key's own does not.
func TestRamp_ALostClaimGivesTheAccountsPlaceBack(t *testing.T) {
	k := &Key{Name: "a", Account: NewState()}
	b := recovered(t, k)
	k.State.enter("m", rate(time.Minute), 1, b.now().UnixNano(), 0, false)
	s := search{pool: b.Pool, model: "m", now: b.now().UnixNano()}
	for range 5 * rampFrom {
		if l := s.take(0); l != nil {
			t.Fatal("a resting key was leased")
		}
	}
	k.State.wake()
	for range rampFrom {
		b.must(t, "m")
	}
}

func TestRamp_WhatStandsInTheWayIsNamed(t *testing.T) {
	b := recovered(t, &Key{Name: "a"})
	for range rampFrom {
		b.must(t, "m")
	}
	if got, want := b.name(), "rate_limited +2s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever becomes of the leases, those under way never number more than the
// ramp allows, and with none under way the key takes another.
func TestRamp_NeverLosesNorGainsAPlace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := recovered(t, &Key{Name: "a"})
		var held []*Lease
		most := rampFrom
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			if len(held) == 0 || rapid.Bool().Draw(rt, "acquire") {
				l, err := b.Acquire("m", nil)
				switch {
				case err == nil:
					held = append(held, l)
				case len(held) < most:
					rt.Fatalf("%d under way of %d: %v", len(held), most, err)
				}
			} else {
				i := rapid.IntRange(0, len(held)-1).Draw(rt, "which")
				class := rapid.SampledFrom([]llm.Class{llm.ClassNone, llm.ClassCanceled, llm.ClassBadRequest, llm.ClassTransient}).Draw(rt, "class")
				held[i].Release(Outcome{Class: class})
				held = append(held[:i], held[i+1:]...)
				if class == llm.ClassNone {
					most += rampGain - 1
				}
			}
			if len(held) > most {
				rt.Fatalf("%d under way, want at most %d", len(held), most)
			}
		}
	})
}
