package keypool

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestRestFor_LengthOfTheFirstRest(t *testing.T) {
	hint := func(c llm.Class, w time.Duration) Outcome { return Outcome{Class: c, Wait: w, WaitKnown: true} }
	for name, test := range map[string]struct {
		o       Outcome
		step    int
		r       float64
		rest    time.Duration
		probeIn time.Duration
	}{
		"rate with hint":                {o: hint(llm.ClassRate, 7*time.Second), rest: 7 * time.Second},
		"rate with hint and jitter":     {o: hint(llm.ClassRate, 10*time.Second), r: 0.5, rest: 10*time.Second + 500*time.Millisecond},
		"rate with a fraction":          {o: hint(llm.ClassRate, 1500*time.Millisecond), rest: 1500 * time.Millisecond},
		"rate asked for a day":          {o: hint(llm.ClassRate, 24*time.Hour), rest: 15 * time.Minute},
		"rate asked for less than none": {o: hint(llm.ClassRate, -1), r: 0.5, rest: time.Second},
		"rate without hint":             {o: Outcome{Class: llm.ClassRate}, r: 0.5, rest: time.Second},
		"rate, third rung":              {o: Outcome{Class: llm.ClassRate}, step: 2, r: 0.5, rest: 4 * time.Second},
		"rate, at the top":              {o: Outcome{Class: llm.ClassRate}, step: 40, r: 0.5, rest: time.Minute},
		"rate, least jitter":            {o: Outcome{Class: llm.ClassRate}, step: 3, rest: 4 * time.Second},
		"auth":                          {o: Outcome{Class: llm.ClassAuth}, rest: 15 * time.Minute},
		"auth ignores hints":            {o: hint(llm.ClassAuth, time.Second), rest: 15 * time.Minute},
		"auth, second":                  {o: Outcome{Class: llm.ClassAuth}, step: 1, rest: 30 * time.Minute},
		"auth, at the top":              {o: Outcome{Class: llm.ClassAuth}, step: 9, rest: 24 * time.Hour},
		"balance":                       {o: Outcome{Class: llm.ClassBalance}, rest: time.Hour},
		"quota":                         {o: Outcome{Class: llm.ClassQuota}, rest: time.Hour},
		"quota, at the top":             {o: Outcome{Class: llm.ClassQuota}, step: 5, rest: 24 * time.Hour},
		"quota until a reset":           {o: hint(llm.ClassQuota, 5*time.Hour), rest: 5*time.Hour + time.Second},
		"quota until a reset, jitter":   {o: hint(llm.ClassQuota, 5*time.Hour), r: 0.5, rest: 5*time.Hour + 3*time.Second},
		"quota for a week is asked again after 6 h": {o: hint(llm.ClassQuota, 168*time.Hour),
			rest: 168*time.Hour + time.Second, probeIn: 6 * time.Hour},
		"plan dead is asked again daily": {o: Outcome{Class: llm.ClassPlanDead}, rest: never, probeIn: 24 * time.Hour},
		"fair use":                       {o: Outcome{Class: llm.ClassFairUse}, rest: 10 * time.Minute},
		"fair use, hint too short":       {o: hint(llm.ClassFairUse, time.Second), rest: 10 * time.Minute},
		"fair use, hint too long":        {o: hint(llm.ClassFairUse, 24*time.Hour), rest: time.Hour},
		"model denied":                   {o: Outcome{Class: llm.ClassModelDenied}, rest: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := restFor(test.o, test.step, test.r)
			if !ok {
				t.Fatal("no rest")
			}
			if test.probeIn == 0 {
				test.probeIn = test.rest
			}
			if got.length != test.rest || got.probeIn != test.probeIn {
				t.Errorf("rest %s, probe in %s; want %s, %s", got.length, got.probeIn, test.rest, test.probeIn)
			}
		})
	}
}

func TestRestFor_ClassesThatRestNoKey(t *testing.T) {
	for _, c := range []llm.Class{
		llm.ClassNone, llm.ClassOverload, llm.ClassContext,
		llm.ClassBadRequest, llm.ClassContent, llm.ClassTransient, llm.ClassCanceled,
	} {
		b := newBench(FillFirst, keys("a", "b")...)
		b.fails(t, Outcome{Class: c, Wait: time.Minute, WaitKnown: true, KeyWide: true})
		if got := b.name(); got != "a" || len(b.news) != 0 {
			t.Errorf("%s: next key %s, news %v; want a and none", c, got, b.news)
		}
	}
}

func TestRestFor_NeverShorterThanAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wait := time.Duration(rapid.Int64Range(1, int64(20*time.Minute)).Draw(t, "wait"))
		r := rapid.Float64Range(0, 0.999).Draw(t, "r")
		got, _ := restFor(rate(wait), rapid.IntRange(0, 100).Draw(t, "step"), r)
		asked := min(wait, maxHint)
		if got.length < asked || got.length > asked+5*time.Second {
			t.Fatalf("asked %s, rests %s", asked, got.length)
		}
	})
}

func TestPool_LaterShorterHintDoesNotShortenTheRest(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	first, second := b.must(t, "m"), b.must(t, "m")
	first.Release(rate(30 * time.Second))
	second.Release(rate(2 * time.Second))
	if got, want := b.name(), "rate_limited +30s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPool_LaterLongerHintLengthensTheRest(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	first, second := b.must(t, "m"), b.must(t, "m")
	first.Release(rate(2 * time.Second))
	second.Release(rate(30 * time.Second))
	if got, want := b.name(), "rate_limited +30s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPool_BurstClimbsTheLadderOnce(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.r = 0.5
	b.fails(t, rate(0)) // rests a for 1 s
	b.pass(time.Second)
	b.fails(t, rate(0)) // its probe: 2 s
	b.pass(2 * time.Second)
	b.must(t, "m").Release(Outcome{})
	b.pass(rampTime)
	var burst []*Lease
	for range 50 {
		burst = append(burst, b.must(t, "m"))
	}
	b.pass(time.Second)
	for _, l := range burst {
		l.Release(rate(0))
	}
	if got := b.Snapshot(b.now())[0].Rests[0]; got.Step != 1 || !got.Until.Equal(epoch.Add(15*time.Second)) {
		t.Errorf("after a burst of 50: %+v; want one step and 1 s", got)
	}
}

func TestPool_LadderClimbsOncePerWindowAndSuccessClearsIt(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.r = 0.5
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		b.fails(t, rate(0))
		at := b.Snapshot(b.now())[0].Rests[0].Until
		if got := at.Sub(b.now()); got != want*time.Second {
			t.Fatalf("rest of %s, want %s", got, want*time.Second)
		}
		b.pass(want * time.Second)
	}
	b.must(t, "m").Release(Outcome{})
	if got := b.Snapshot(b.now())[0].Rests; got != nil {
		t.Errorf("after a success: %v, want no rest", got)
	}
	b.fails(t, rate(0))
	if got := b.Snapshot(b.now())[0].Rests[0].Step; got != 1 {
		t.Errorf("the ladder stands at %d after a success and a failure, want 1", got)
	}
}

func TestPool_LadderIsForgottenWhenNobodyAsksForLong(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.r = 0.5
	b.fails(t, rate(0))
	b.pass(time.Second)
	b.fails(t, rate(0))
	b.pass(time.Hour)
	b.fails(t, rate(0))
	if got := b.Snapshot(b.now())[0].Rests[0].Step; got != 1 {
		t.Errorf("step %d after an hour of quiet, want 1", got)
	}
}

func TestPool_StragglersSuccessDoesNotWakeTheKey(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	slow := b.must(t, "m")
	b.pass(time.Second)
	b.fails(t, rate(30*time.Second))
	slow.Release(Outcome{})
	if got := b.name(); got != "b" {
		t.Errorf("key %s, want b: the success set out before the limit was hit", got)
	}
}

func TestPool_LoneKeyIsNotBlackedOutForOneBlip(t *testing.T) {
	for _, class := range []llm.Class{llm.ClassRate, llm.ClassAuth} {
		t.Run(class.String(), func(t *testing.T) {
			b := newBench(FillFirst, keys("a")...)
			first, burst := b.must(t, "m"), b.must(t, "m")
			b.pass(time.Millisecond)
			first.Release(Outcome{Class: class})
			burst.Release(Outcome{Class: class})
			if got := b.name(); got != "a" {
				t.Fatalf("after one blip: %s, want a", got)
			}
			b.fails(t, Outcome{Class: class})
			if got := b.name(); got == "a" {
				t.Error("after two in a row the key still does not rest")
			}
		})
	}
}

func TestPool_LoneKeyRestsWhenTheAnswerSaysHowLong(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(5*time.Second))
	if got, want := b.name(), "rate_limited +5s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPool_LastUsableKeyCountsAsLone(t *testing.T) {
	acme := NewState()
	for name, ks := range map[string][]*Key{
		"the other rests":               keys("a", "b"),
		"the other shares the account":  {{Name: "a", Account: acme}, {Name: "b", Account: acme}},
		"the other serves other models": {{Name: "a"}, {Name: "b", Models: []string{"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(RoundRobin, ks...)
			if name == "the other rests" {
				b.fails(t, rate(time.Minute))
			}
			b.fails(t, rate(0))
			if _, err := b.Acquire("m", nil); err != nil {
				t.Errorf("after one blip: %v", err)
			}
		})
	}
}

func TestPool_LengthenedRestKeepsItsStatedEnd(t *testing.T) {
	quota := func(d time.Duration) Outcome { return Outcome{Class: llm.ClassQuota, Wait: d, WaitKnown: true} }
	b := newBench(FillFirst, keys("a")...)
	first, second := b.must(t, "m"), b.must(t, "m")
	first.Release(quota(168 * time.Hour))
	b.pass(time.Hour)
	second.Release(quota(8 * time.Hour))
	got := b.Snapshot(b.now())[0].Rests[0]
	if got.Probe.Sub(epoch) != 7*time.Hour || got.Until.Sub(epoch) != 168*time.Hour+time.Second {
		t.Errorf("probe at +%s, end at +%s; want 7h and 168h0m1s", got.Probe.Sub(epoch), got.Until.Sub(epoch))
	}
}

func TestPool_SuccessBesideTheFailureDoesNotWakeTheKey(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	first, second := b.must(t, "m"), b.must(t, "m")
	first.Release(rate(30 * time.Second))
	second.Release(Outcome{})
	if got := b.name(); got != "b" {
		t.Errorf("key %s, want b: both set out at the same moment", got)
	}
}

func TestPool_StragglersSuccessDoesNotRenewTheForgiveness(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	slow := b.must(t, "m")
	b.pass(time.Second)
	b.fails(t, rate(0))
	slow.Release(Outcome{})
	b.fails(t, rate(0))
	if _, err := b.Acquire("m", nil); err == nil {
		t.Error("the lone key was forgiven twice")
	}
}

func TestPool_AnotherAilmentBeginsItsOwnLadder(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.r = 0.5
	for range 3 {
		b.fails(t, rate(0))
		b.pass(time.Minute)
	}
	b.r = 0
	b.fails(t, Outcome{Class: llm.ClassQuota})
	got := b.Snapshot(b.now())[0].Rests[0]
	if got.Step != 1 || got.Until.Sub(b.now()) != time.Hour {
		t.Errorf("step %d, rest of %s; want 1 and 1h", got.Step, got.Until.Sub(b.now()))
	}
}

func TestPool_LadderIsForgottenByAnHourLongRequestToo(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.r = 0.5
	b.fails(t, rate(0))
	b.pass(time.Second)
	long := b.must(t, "m")
	b.pass(time.Hour)
	long.Release(rate(0))
	if got := b.Snapshot(b.now())[0].Rests[0].Step; got != 1 {
		t.Errorf("step %d, want 1", got)
	}
}
