package health

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// epoch is when the tests' clock begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a State with a clock the test turns by hand. Jitter is off: 0.5 is
// the middle of ±20 %.
type bench struct {
	*State
	time    time.Time
	r       float64
	changes []string
}

func newBench() *bench {
	b := &bench{time: epoch, r: 0.5}
	b.State = New(Options{
		Now:      func() time.Time { return b.time },
		Rand:     func() float64 { return b.r },
		OnChange: func(p Phase) { b.changes = append(b.changes, p.String()) },
	})
	return b
}

func (b *bench) pass(d time.Duration) { b.time = b.time.Add(d) }

// try makes an attempt that ends at once with c, and reports whether it was
// let through.
func (b *bench) try(c llm.Class) bool {
	ok, probe := b.Allow()
	if !ok {
		return false
	}
	t := b.Begin(1000, probe)
	if c == llm.ClassNone {
		t.FirstByte(time.Millisecond)
	}
	t.End(Outcome{Class: c})
	return true
}

// trip opens the breaker by failures in a row.
func (b *bench) trip() {
	for range maxConsecutive {
		b.try(llm.ClassTransient)
	}
}

func (b *bench) phase() Phase { return b.Look(b.time).Phase }

func TestBreaker_Opens(t *testing.T) {
	const ok, bad = llm.ClassNone, llm.ClassTransient
	repeat := func(n int, cs ...llm.Class) []llm.Class {
		var all []llm.Class
		for range n {
			all = append(all, cs...)
		}
		return all
	}
	for name, test := range map[string]struct {
		classes []llm.Class
		every   time.Duration
		want    Phase
	}{
		"four failures in a row":            {repeat(4, bad), time.Second, Closed},
		"five failures in a row":            {repeat(5, bad), time.Second, Open},
		"five overloads in a row":           {repeat(5, llm.ClassOverload), time.Second, Open},
		"five failures in a row over hours": {repeat(5, bad), time.Hour, Open},
		"half of ten in 30 s":               {repeat(5, ok, bad), time.Second, Open},
		"half of eight":                     {repeat(4, ok, bad), time.Second, Closed},
		"a third of many":                   {repeat(30, ok, ok, bad), time.Second, Closed},
		"half of ten in two minutes":        {repeat(5, ok, bad), 12 * time.Second, Closed},
		"a success between":                 {append(repeat(4, bad), append([]llm.Class{ok}, repeat(4, bad)...)...), 20 * time.Second, Closed},
		"client's faults": {repeat(20, llm.ClassBadRequest, llm.ClassContext, llm.ClassContent, llm.ClassCanceled),
			time.Millisecond, Closed},
		"key's troubles": {repeat(20, llm.ClassAuth, llm.ClassRate, llm.ClassQuota, llm.ClassBalance,
			llm.ClassConcurrency, llm.ClassModelDenied, llm.ClassFairUse, llm.ClassPlanDead), time.Millisecond, Closed},
		"failures apart by cancels": {repeat(5, bad, llm.ClassCanceled), time.Millisecond, Open},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			for _, c := range test.classes {
				b.try(c)
				b.pass(test.every)
			}
			if b.breaker.phase != test.want {
				t.Errorf("phase %s, want %s", b.breaker.phase, test.want)
			}
		})
	}
}

func TestBreaker_OpensLongerEachTimeUpToFiveMinutes(t *testing.T) {
	b := newBench()
	b.trip()
	for n := 1; n <= 80; n++ {
		want := min(time.Duration(n)*5*time.Second, 300*time.Second)
		if got := b.Look(b.time).Due.Sub(b.time); got != want {
			t.Fatalf("opening %d lasts %s, want %s", n, got, want)
		}
		b.pass(want - 1)
		if b.try(llm.ClassTransient) {
			t.Fatalf("opening %d: an attempt went through early", n)
		}
		b.pass(1)
		if !b.try(llm.ClassTransient) {
			t.Fatalf("opening %d: the probe was held back", n)
		}
	}
}

func TestBreaker_JitterStaysWithinAFifth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		b.r = rapid.Float64Range(0, 0.999).Draw(t, "r")
		b.trip()
		if d := b.Look(b.time).Due.Sub(b.time); d < 4*time.Second || d > 6*time.Second {
			t.Fatalf("open for %s, want 5 s ± 20 %%", d)
		}
	})
}

func TestBreaker_HalfOpenLetsOneProbeThrough(t *testing.T) {
	b := newBench()
	b.trip()
	b.pass(5 * time.Second)
	ok, probe := b.Allow()
	if !ok || !probe {
		t.Fatalf("Allow = %v, %v; want a probe", ok, probe)
	}
	for range 500 {
		if ok, _ := b.Allow(); ok {
			t.Fatal("a second attempt went beside the probe")
		}
	}
	trial := b.Begin(1000, true)
	trial.FirstByte(time.Second)
	if ok, probe := b.Allow(); !ok || probe {
		t.Errorf("after the probe's first byte Allow = %v, %v; want true, false", ok, probe)
	}
	trial.End(Outcome{})
	want := "open half_open closed"
	if got := strings.Join(b.changes, " "); got != want {
		t.Errorf("changes %q, want %q", got, want)
	}
}

func TestBreaker_ProbeEnds(t *testing.T) {
	for class, want := range map[llm.Class]Phase{
		llm.ClassNone: Closed, llm.ClassTransient: Open, llm.ClassOverload: Open,
		llm.ClassCanceled: Open, llm.ClassRate: Open, llm.ClassBadRequest: Closed,
	} {
		b := newBench()
		b.trip()
		b.pass(5 * time.Second)
		b.try(class)
		if got := b.phase(); got != want {
			t.Errorf("a probe that ends in %s: %s, want %s", class, got, want)
		}
		ok, probe := b.Allow()
		again := class == llm.ClassCanceled || class == llm.ClassRate
		if want == Open && (ok != again || probe != again) {
			t.Errorf("after a probe that ends in %s: Allow = %v, %v; want %v", class, ok, probe, again)
		}
	}
}

func TestBreaker_HangingProbeKeepsItOpen(t *testing.T) {
	b := newBench()
	b.trip()
	b.pass(5 * time.Second)
	_, probe := b.Allow()
	b.Begin(1000, probe)
	b.pass(time.Minute)
	if ok, _ := b.Allow(); ok {
		t.Error("an attempt went through at the probe's deadline")
	}
	if got := b.phase(); got != Open {
		t.Errorf("phase %s, want open", got)
	}
	b.pass(10 * time.Second)
	if ok, probe := b.Allow(); !ok || !probe {
		t.Error("no second probe after the second opening")
	}
}

func TestBreaker_ForgoneProbeMakesRoomForAnother(t *testing.T) {
	b := newBench()
	b.trip()
	b.pass(5 * time.Second)
	b.Allow()
	b.Forgo()
	if ok, probe := b.Allow(); !ok || !probe {
		t.Errorf("Allow = %v, %v; want another probe", ok, probe)
	}
	b.Begin(1000, true).End(Outcome{})
	b.Forgo()
	if got := b.phase(); got != Closed {
		t.Errorf("phase %s, want closed: there was no probe to forgo", got)
	}
}

func TestBreaker_RampsOverTenSeconds(t *testing.T) {
	b := newBench()
	if got := b.Look(b.time).Ramp; got != 1 {
		t.Errorf("ramp of a fresh target %v, want 1", got)
	}
	b.trip()
	b.pass(5 * time.Second)
	b.try(llm.ClassNone)
	var got []float64
	for range 6 {
		got = append(got, b.Look(b.time).Ramp)
		b.pass(2500 * time.Millisecond)
	}
	if d := cmp.Diff([]float64{0.1, 0.325, 0.55, 0.775, 1, 1}, got); d != "" {
		t.Errorf("ramp (-want +got):\n%s", d)
	}
}

func TestBreaker_StragglersFromBeforeTheOpeningDoNotCount(t *testing.T) {
	b := newBench()
	var old []*Trial
	for range 50 {
		old = append(old, b.Begin(1000, false))
	}
	b.pass(time.Second)
	b.trip()
	b.pass(5 * time.Second)
	b.try(llm.ClassNone)
	for _, t := range old {
		t.End(Outcome{Class: llm.ClassTransient})
	}
	if got := b.phase(); got != Closed {
		t.Errorf("phase %s, want closed: the failures are of the outage before", got)
	}
}

// A server that goes takes its streams along; the next one answers.
func TestBreaker_ConnectionsLostTogetherCountOnce(t *testing.T) {
	lose := func(b *bench, n int, broke bool) {
		var streams []*Trial
		for range n {
			streams = append(streams, b.Begin(1000, false))
		}
		b.pass(time.Minute)
		for i, x := range streams {
			if i%10 == 9 {
				b.pass(time.Millisecond)
			}
			x.End(Outcome{Class: llm.ClassTransient, Broke: broke})
		}
	}
	b := newBench()
	lose(b, 200, true)
	if got := b.phase(); got != Closed {
		t.Fatalf("two hundred lost at once: %s, want closed", got)
	}
	if s := b.Look(b.time).Success; s > 0.1 {
		t.Errorf("the chance of success is %.2f; the losses are not to be forgotten", s)
	}
	for range maxConsecutive - 1 {
		b.try(llm.ClassTransient)
	}
	if got := b.phase(); got != Open {
		t.Errorf("and four attempts after them: %s, want open", got)
	}
	b = newBench()
	lose(b, maxConsecutive, false)
	if got := b.phase(); got != Open {
		t.Errorf("five that were refused together: %s, want open", got)
	}
	b = newBench()
	for range maxConsecutive {
		x := b.Begin(1000, false)
		b.pass(time.Millisecond)
		x.End(Outcome{Class: llm.ClassTransient, Broke: true})
	}
	if got := b.phase(); got != Open {
		t.Errorf("five lost one after the other: %s, want open", got)
	}
}

// However many attempts are under way, one that loses most of them is found out.
func TestBreaker_LosingMostConnectionsOpensItUnderLoad(t *testing.T) {
	for _, c := range []struct {
		name   string
		rate   int // attempts a second
		lost   int // of ten
		lasts  time.Duration
		within time.Duration
	}{
		{"a busy one", 200, 9, 500 * time.Millisecond, 2 * time.Second},
		{"long answers", 200, 9, 5 * time.Second, 8 * time.Second},
		{"six of ten", 40, 6, 200 * time.Millisecond, 5 * time.Second},
		{"a quiet one", 2, 9, time.Second, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench()
			type attempt struct {
				*Trial
				ends time.Time
				lost bool
			}
			var under []attempt
			for i := 0; b.phase() == Closed; i++ {
				if b.pass(time.Second / time.Duration(c.rate)); b.time.Sub(epoch) > c.within {
					t.Fatalf("closed after %s", c.within)
				}
				under = append(under, attempt{b.Begin(1000, false), b.time.Add(c.lasts), i%10 < c.lost})
				for len(under) > 0 && !under[0].ends.After(b.time) {
					o := Outcome{}
					if under[0].lost {
						o = Outcome{Class: llm.ClassTransient, Broke: true}
					}
					under[0].End(o)
					under = under[1:]
				}
			}
		})
	}
}

func TestBreaker_FlappingTargetChangesSeldom(t *testing.T) {
	b := newBench()
	i := 0
	for b.time.Before(epoch.Add(10 * time.Minute)) {
		b.try([]llm.Class{llm.ClassNone, llm.ClassTransient}[i%2])
		i++
		b.pass(50 * time.Millisecond)
	}
	opened := 0
	for _, c := range b.changes {
		if c == "open" {
			opened++
		}
	}
	if perMinute := float64(opened) / 10; perMinute > 6 {
		t.Errorf("opened %.1f times a minute, want at most 6", perMinute)
	}
}

// TestBreaker_AnyHistoryKeepsTheRules drives a breaker with random attempts.
func TestBreaker_AnyHistoryKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		var open []*Trial
		probes := 0
		t.Repeat(map[string]func(*rapid.T){
			"allow": func(t *rapid.T) {
				view := b.Look(b.time)
				ok, probe := b.Allow()
				if !view.Ready(b.time) && ok {
					t.Fatal("Allow let through what Look said was not ready")
				}
				if probe {
					probes++
				}
				if ok {
					open = append(open, b.Begin(rapid.IntRange(0, 2<<20).Draw(t, "bytes"), probe))
				}
			},
			"first": func(t *rapid.T) {
				if len(open) > 0 {
					open[rapid.IntRange(0, len(open)-1).Draw(t, "i")].FirstByte(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "d")))
				}
			},
			"end": func(t *rapid.T) {
				if len(open) == 0 {
					return
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "i")
				open[i].End(Outcome{Class: llm.Class(rapid.IntRange(0, int(llm.ClassCanceled)).Draw(t, "class")), Broke: rapid.Bool().Draw(t, "broke"), Tokens: rapid.IntRange(0, 1000).Draw(t, "tokens")})
				open = append(open[:i], open[i+1:]...)
			},
			"pass": func(t *rapid.T) { b.pass(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "ms")) * time.Millisecond) },
			"": func(t *rapid.T) {
				v := b.Look(b.time)
				if v.InFlight != len(open) {
					t.Fatalf("%d in flight, %d open", v.InFlight, len(open))
				}
				if v.Ramp < rampFrom || v.Ramp > 1 || v.Success <= 0 || v.Success > 1 {
					t.Fatalf("ramp %v, success %v", v.Ramp, v.Success)
				}
				if d, known := b.Expect(b.time, 1000, 100); known && d <= 0 {
					t.Fatalf("expects %s", d)
				}
				n := 0
				for q := b.waiting.head; q != nil; q = q.next {
					n++
				}
				if n != b.waiting.n {
					t.Fatalf("%d in the queue, counted %d", n, b.waiting.n)
				}
			},
		})
	})
}

func TestBreaker_ForgetsWhatIsOlderThanItsWindow(t *testing.T) {
	b := newBench()
	for range 4 {
		b.try(llm.ClassNone)
		b.try(llm.ClassTransient)
	}
	b.pass(3*time.Minute + 7*time.Second) // another slot of the window
	b.try(llm.ClassNone)
	b.try(llm.ClassTransient)
	if got := b.phase(); got != Closed {
		t.Errorf("phase %s, want closed: only two attempts are recent", got)
	}
}

func TestBreaker_CalmForgivesEarlierOpenings(t *testing.T) {
	b := newBench()
	b.trip()
	b.pass(5 * time.Second)
	b.try(llm.ClassNone)
	b.pass(30 * time.Second)
	b.try(llm.ClassNone)
	b.trip()
	if got := b.Look(b.time).Due.Sub(b.time); got != 10*time.Second {
		t.Errorf("opened again after half a minute: for %s, want 10s", got)
	}
	b.pass(10 * time.Second)
	b.try(llm.ClassNone)
	b.pass(calm + time.Second)
	b.trip()
	if got := b.Look(b.time).Due.Sub(b.time); got != 5*time.Second {
		t.Errorf("opened again after a calm minute: for %s, want 5s", got)
	}
}
