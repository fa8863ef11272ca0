package health

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// answer makes an attempt that answers after ttft and streams for more.
func (b *bench) answer(promptBytes int, ttft, more time.Duration, tokens int) {
	t := b.Begin(promptBytes, false)
	b.pass(ttft)
	t.FirstByte(ttft)
	b.pass(more)
	t.End(Outcome{Tokens: tokens})
}

// expect returns the expectation in milliseconds, -1 if there is none.
func (b *bench) expect(promptBytes, tokens int) int {
	d, known := b.Expect(b.time, promptBytes, tokens)
	if !known {
		return -1
	}
	return int(d.Round(time.Millisecond).Milliseconds())
}

func TestExpect_UnknownUntilTheFirstAnswer(t *testing.T) {
	b := newBench()
	b.try(llm.ClassTransient)
	if got := b.expect(1000, 0); got != -1 {
		t.Errorf("expects %d ms of a target never seen to answer", got)
	}
	b.answer(1000, 200*time.Millisecond, time.Second, 101)
	if got := b.expect(1000, 0); got != 200 {
		t.Errorf("first token: %d ms, want 200", got)
	}
	if got := b.expect(1000, 100); got != 1200 {
		t.Errorf("100 tokens: %d ms, want 1200", got)
	}
}

func TestExpect_PromptSizesAreApart(t *testing.T) {
	b := newBench()
	b.answer(1000, 200*time.Millisecond, 0, 0)
	b.answer(2<<20, 9*time.Second, 0, 0)
	for bytes, want := range map[int]int{10: 200, 4 << 10: 300, 16 << 10: 450, 300 << 10: 6000, 5 << 20: 9000} {
		if got := b.expect(bytes, 0); got != want {
			t.Errorf("%d bytes: %d ms, want %d", bytes, got, want)
		}
	}
}

func TestExpect_BadNewsIsBelievedFasterThanGood(t *testing.T) {
	b := newBench()
	for range 20 {
		b.answer(1000, 200*time.Millisecond, 0, 0)
	}
	b.answer(1000, 4*time.Second, 0, 0)
	if got := b.expect(1000, 0); got < 2000 {
		t.Errorf("after one answer of 4 s: %d ms, want at least 2000", got)
	}
	b.answer(1000, 200*time.Millisecond, 0, 0)
	if got := b.expect(1000, 0); got < 1000 {
		t.Errorf("after one quick answer again: %d ms, want it to stay above 1000", got)
	}
}

func TestExpect_IdleTargetDriftsBackToItsUsualSelf(t *testing.T) {
	b := newBench()
	for range 50 {
		b.answer(1000, 200*time.Millisecond, 0, 0)
	}
	for range 5 {
		b.answer(1000, 4*time.Second, 0, 0)
	}
	if got := b.expect(1000, 0); got < 3000 {
		t.Errorf("in the brown-out: %d ms, want above 3000", got)
	}
	b.pass(time.Minute)
	if got := b.expect(1000, 0); got > 600 {
		t.Errorf("a minute later: %d ms, want below 600", got)
	}
}

func TestExpect_TokenSpeedOfAnIdleTargetDriftsBackToo(t *testing.T) {
	b := newBench()
	for range 50 {
		b.answer(1000, 200*time.Millisecond, 100*time.Millisecond, 101)
	}
	for range 5 {
		b.answer(1000, 200*time.Millisecond, 10*time.Second, 101)
	}
	if got := b.expect(1000, 100); got < 7000 {
		t.Errorf("in the brown-out: %d ms for 100 tokens, want above 7000", got)
	}
	b.pass(time.Minute)
	if got := b.expect(1000, 100); got > 1500 {
		t.Errorf("a minute later: %d ms for 100 tokens, want below 1500", got)
	}
}

func TestExpect_OneGoodAnswerAfterALongPauseIsBelieved(t *testing.T) {
	b := newBench()
	for range 20 {
		b.answer(1000, 4*time.Second, 10*time.Second, 101)
	}
	b.pass(40 * time.Second)
	b.answer(1000, 200*time.Millisecond, 100*time.Millisecond, 101)
	if got := b.expect(1000, 100); got > 2800 {
		t.Errorf("%d ms, want below a fifth of the 14 s known before", got)
	}
}

func TestExpect_WaitingRequestsShowABrownOutBeforeItsFirstAnswer(t *testing.T) {
	b := newBench()
	for range 20 {
		b.answer(1000, 200*time.Millisecond, 0, 0)
	}
	hung := b.Begin(1000, false)
	b.pass(2 * time.Second)
	if got := b.expect(1000, 0); got < 2000 {
		t.Errorf("one request has waited for 2 s: %d ms expected, want at least 2000", got)
	}
	hung.End(Outcome{Class: llm.ClassCanceled})
	if got := b.expect(1000, 0); got != 200 {
		t.Errorf("after the client gave it up: %d ms, want 200", got)
	}
	for range 9 {
		b.Begin(1000, false)
		b.pass(time.Millisecond)
	}
	b.waiting.head.begun -= int64(time.Minute)
	if got := b.expect(1000, 0); got != 200 {
		t.Errorf("one outlier among nine: %d ms, want 200", got)
	}
}

func TestExpect_QuickFailuresDoNotLookFast(t *testing.T) {
	b := newBench()
	b.answer(1000, 2*time.Second, 0, 0)
	for range 4 {
		b.try(llm.ClassTransient)
	}
	if got := b.expect(1000, 0); got != 2000 {
		t.Errorf("%d ms, want 2000", got)
	}
	if v := b.Look(b.time); v.Success > 0.6 {
		t.Errorf("success %v after one success and four failures", v.Success)
	}
}

func TestExpect_TimeoutsLookSlow(t *testing.T) {
	b := newBench()
	b.answer(1000, time.Second, 0, 0)
	trial := b.Begin(1000, false)
	b.pass(time.Minute)
	trial.End(Outcome{Class: llm.ClassTransient})
	if got := b.expect(1000, 0); got < 20_000 {
		t.Errorf("after a timeout of a minute: %d ms", got)
	}
}

func TestExpect_LongAnswersDoNotMakeATargetLookSlow(t *testing.T) {
	b := newBench()
	b.answer(1000, 200*time.Millisecond, 100*time.Second, 10_001)
	if got := b.expect(1000, 100); got != 1200 {
		t.Errorf("100 tokens: %d ms, want 1200", got)
	}
}

// whole makes an attempt whose answer comes in one piece after d.
func (b *bench) whole(d time.Duration, tokens int) {
	t := b.Begin(1000, false)
	t.Whole()
	b.pass(d)
	t.FirstByte(d)
	t.End(Outcome{Tokens: tokens})
}

func TestExpect_WholeAnswersForetellWholeAnswers(t *testing.T) {
	b := newBench()
	b.whole(4*time.Second, 200)
	if got := b.expect(1000, 200); got != 4000 {
		t.Errorf("the same again: %d ms, want 4000", got)
	}
	if got := b.Snapshot(b.time).Minute; got.P50 != 0 || got.Total != 1 {
		t.Errorf("last minute %+v; want one attempt and no time to the first token", got)
	}
}

func TestExpect_WholeAnswersDoNotMakeAStreamingTargetLookLate(t *testing.T) {
	b := newBench()
	for range 20 {
		b.answer(1000, 200*time.Millisecond, 4*time.Second, 201)
	}
	for range 20 {
		b.whole(8200*time.Millisecond, 400)
	}
	if got := b.expect(1000, 0); got < 190 || got > 210 {
		t.Errorf("first token: %d ms, want about 200", got)
	}
	for range 20 {
		b.whole(16400*time.Millisecond, 400)
	}
	if got := b.expect(1000, 400); got < 14_000 || got > 17_000 {
		t.Errorf("twice as slow: a whole answer in %d ms, want about 16400", got)
	}
}

func TestExpect_CallsWithoutTokensSayNothingAboutSpeed(t *testing.T) {
	b := newBench()
	b.answer(1000, time.Second, 0, 0)
	b.whole(10*time.Millisecond, 0) // counting tokens, say
	if got := b.expect(1000, 0); got != 1000 {
		t.Errorf("%d ms, want 1000", got)
	}
}

func TestExpect_AWaitingWholeAnswerIsNotLate(t *testing.T) {
	b := newBench()
	b.answer(1000, 200*time.Millisecond, time.Second, 51)
	b.Begin(1000, false).Whole()
	b.pass(10 * time.Second)
	if got := b.expect(1000, 0); got != 200 {
		t.Errorf("after ten seconds: %d ms, want 200", got)
	}
	b.pass(5 * time.Minute)
	if got := b.expect(1000, 0); got < 1000 {
		t.Errorf("after five minutes: %d ms, want it to look slow", got)
	}
}

func TestExpect_StaysFiniteAndWithinTheSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		lo, hi := math.Inf(1), 0.0
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			d := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(10*time.Minute)).Draw(t, "ttft"))
			lo, hi = min(lo, float64(d)), max(hi, float64(d))
			b.answer(1000, d, 0, 0)
			b.pass(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "idle")))
		}
		got, known := b.Expect(b.time, 1000, 0)
		if !known || float64(got) < lo-1 || float64(got) > hi+1 {
			t.Fatalf("expects %s of answers between %v and %v", got, time.Duration(lo), time.Duration(hi))
		}
	})
}

func TestWindow_QuantilesAreWithinAnEighth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(2*time.Millisecond), int64(15*time.Minute)).Draw(t, "d"))
		var r recent
		r.first(d, epoch.UnixNano())
		got := r.minute.sum(epoch.UnixNano()).P50
		if ratio := float64(got) / float64(d); ratio < 0.87 || ratio > 1.13 {
			t.Fatalf("p50 of one answer of %s: %s", d, got)
		}
	})
}

func TestSnapshot_CountsMinuteAndHour(t *testing.T) {
	b := newBench()
	for range 90 {
		b.answer(1000, 100*time.Millisecond, 0, 0)
	}
	for range 10 {
		b.answer(1000, 10*time.Second, 0, 0)
	}
	b.pass(2 * time.Minute)
	b.try(llm.ClassOverload)
	b.Ping(30 * time.Millisecond)
	st := b.Snapshot(b.time)
	if st.Minute.Total != 1 || st.Minute.Failed != 1 || st.Hour.Total != 101 || st.Hour.Failed != 1 {
		t.Errorf("minute %+v, hour %+v", st.Minute, st.Hour)
	}
	if p := st.Hour; p.P50 > 120*time.Millisecond || p.P99 < 8*time.Second || p.P95 < 8*time.Second {
		t.Errorf("quantiles %s, %s, %s", p.P50, p.P95, p.P99)
	}
	if math.Abs(st.Uptime-100.0/101) > 1e-9 || st.LastClass != llm.ClassOverload || st.Ping != 30*time.Millisecond {
		t.Errorf("uptime %v, last class %s, ping %s", st.Uptime, st.LastClass, st.Ping)
	}
	b.pass(2 * time.Hour)
	if st := b.Snapshot(b.time); st.Hour != (Window{}) || st.Uptime != 1 {
		t.Errorf("two hours later: %+v, uptime %v", st.Hour, st.Uptime)
	}
}

func TestTrial_EndIsIdempotent(t *testing.T) {
	b := newBench()
	trial := b.Begin(1000, false)
	trial.End(Outcome{Class: llm.ClassTransient})
	trial.End(Outcome{})
	trial.FirstByte(time.Second)
	st := b.Snapshot(b.time)
	if st.InFlight != 0 || st.Waiting != 0 || st.Minute.Total != 1 || b.expect(1000, 0) != -1 {
		t.Errorf("after the end: %+v", st)
	}
}

func TestState_SurvivesARestart(t *testing.T) {
	b := newBench()
	b.answer(1000, 200*time.Millisecond, time.Second, 101)
	b.answer(1<<20, 900*time.Millisecond, time.Second, 101)
	b.trip()
	fresh := newBench()
	fresh.time = b.time.Add(time.Second)
	if err := fresh.Import(fresh.time, b.Export(b.time)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.expect(1000, 100), fresh.expect(1000, 100)); d != "" {
		t.Errorf("expectation (-want +got):\n%s", d)
	}
	if v := fresh.Look(fresh.time); v.Phase != Open || v.Due.Sub(b.time) != 5*time.Second {
		t.Errorf("phase %s until +%s, want open until +5s", v.Phase, v.Due.Sub(b.time))
	}
	fresh.pass(4 * time.Second)
	if !fresh.try(llm.ClassNone) || fresh.phase() != Closed {
		t.Error("the restored breaker does not close on a good probe")
	}
}

func TestState_ImportDropsWhatIsStaleOrImpossible(t *testing.T) {
	ms := epoch.UnixMilli()
	for name, in := range map[string]saved{
		"two days old":       {First: []savedPeak{{Value: 200, Usual: 200, At: ms - 2*86400_000}}},
		"from the future":    {First: []savedPeak{{Value: 200, Usual: 200, At: ms + 1}}},
		"negative":           {First: []savedPeak{{Value: -1, Usual: 200, At: ms - 1}}},
		"absurd":             {First: []savedPeak{{Value: 1e12, Usual: 200, At: ms - 1}}},
		"open for a day":     {OpenUntil: ms + 86400_000, Openings: 3},
		"opened long ago":    {OpenUntil: ms - 86400_000, Openings: 3},
		"open without a why": {OpenUntil: ms + 1000},
	} {
		data, _ := json.Marshal(in)
		b := newBench()
		if err := b.Import(b.time, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.expect(1000, 0) != -1 || b.phase() != Closed {
			t.Errorf("%s: was taken up", name)
		}
	}
}

func TestState_NothingLearnedExportsNothing(t *testing.T) {
	if data := newBench().Export(epoch); data != nil {
		t.Errorf("Export = %s", data)
	}
}

func FuzzState_Import(f *testing.F) {
	b := newBench()
	b.answer(1000, 200*time.Millisecond, time.Second, 101)
	b.trip()
	f.Add([]byte(b.Export(b.time)))
	f.Add([]byte(`{"ttft":[{"ms":1e308,"usual":1,"at":1}],"openings":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench()
		if err := b.Import(b.time, data); err != nil {
			return
		}
		if d, known := b.Expect(b.time, 1000, 100); known && (d <= 0 || d > 24*time.Hour) {
			t.Errorf("a file makes the target expected to take %s", d)
		}
		if v := b.Look(b.time); v.Phase != Closed && v.Due.Sub(b.time) > 400*time.Second {
			t.Errorf("a file keeps the breaker open for %s", v.Due.Sub(b.time))
		}
	})
}

func BenchmarkState_Attempt(b *testing.B) {
	s := New(Options{})
	for b.Loop() {
		_, probe := s.Allow()
		t := s.Begin(9000, probe)
		t.FirstByte(time.Second)
		t.End(Outcome{Tokens: 100, Duration: 2 * time.Second})
	}
}

func BenchmarkState_LookAndExpect(b *testing.B) {
	s := New(Options{})
	t := s.Begin(9000, false)
	t.FirstByte(time.Second)
	t.End(Outcome{Tokens: 100, Duration: 2 * time.Second})
	s.Begin(9000, false)
	now := time.Now()
	for b.Loop() {
		s.Look(now)
		s.Expect(now, 9000, 500)
	}
}
