package telemetry

import (
	"math"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func windowsAt(c *clock) *Windows {
	w := NewWindows(c.now)
	w.Configure(names())
	return w
}

func TestWindows_AFailoverCountsAgainstTheOneThatFailedAndForTheOneThatAnswered(t *testing.T) {
	w := windowsAt(newClock())
	w.Observe(failedOver())

	all := w.Stats(Scope{}, time.Minute)
	zai := w.Stats(Scope{Provider: "zai"}, time.Minute)
	oa := w.Stats(Scope{"oa", "gpt"}, time.Minute)
	if all.Requests != 1 || all.Failed != 0 {
		t.Errorf("all: %+v, want one exchange that went well", all.Counts)
	}
	if zai.Requests != 1 || zai.Failed != 1 || zai.TokensOut != 0 || zai.Cost != 0 {
		t.Errorf("zai: %+v, want one failed attempt that took nothing", zai.Counts)
	}
	if diff := cmp.Diff(map[string]uint32{"overloaded": 1}, zai.Classes()); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	if oa.Requests != 1 || oa.Failed != 0 || oa.TokensIn != 1000 || oa.TokensOut != 101 || oa.Cost != 2500 || oa.BytesIn != 4000 || oa.BytesOut != 900 {
		t.Errorf("oa: %+v", oa.Counts)
	}
	if p := all.TTFT.P50; math.Abs(float64(p-200*time.Millisecond)) > float64(200*time.Millisecond)/16 {
		t.Errorf("median time to first token %v, want about 200ms", p)
	}
}

func TestWindows_WhatTheClientCausedIsNoFailure(t *testing.T) {
	for name, test := range map[string]struct {
		record             *gateway.Record
		rate               float64
		known              bool
		rejected, canceled uint64
	}{
		"went well":           {record: answered("zai", "glm"), rate: 1, known: true},
		"provider failed":     {record: failed(llm.ClassTransient, "upstream_5xx"), rate: 0, known: true},
		"rate limited":        {record: failed(llm.ClassRate, "rate_limited"), rate: 0, known: true},
		"bad request":         {record: failed(llm.ClassBadRequest, "client_fault"), rate: 1, rejected: 1},
		"prompt too long":     {record: failed(llm.ClassContext, "too_large"), rate: 1, rejected: 1},
		"called off":          {record: failed(llm.ClassCanceled, "canceled"), rate: 1, canceled: 1},
		"wrong client key":    {record: &gateway.Record{Class: llm.ClassAuth, Reason: "unauthenticated"}, rate: 1, rejected: 1},
		"spent its own limit": {record: &gateway.Record{Class: llm.ClassRate, Reason: "client_daily_spend"}, rate: 1, rejected: 1},
		"every key rests":     {record: &gateway.Record{Class: llm.ClassRate, Reason: "unavailable"}, rate: 0, known: true},
		"turned away":         {record: &gateway.Record{Class: llm.ClassOverload, Reason: "in_flight"}, rate: 0, known: true},
		"counted by aimux":    {record: &gateway.Record{Reason: "estimated"}, rate: 1, known: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := windowsAt(newClock())
			w.Observe(test.record)
			all := w.Stats(Scope{}, time.Minute)
			rate, known := all.SuccessRate()
			if rate != test.rate || known != test.known || all.Rejected != test.rejected || all.Canceled != test.canceled {
				t.Errorf("rate %v (known %v), %+v", rate, known, all.Counts)
			}
		})
	}
}

func TestWindows_EachWindowForgetsWhatIsOlder(t *testing.T) {
	c := newClock()
	w := windowsAt(c)
	w.Observe(answered("zai", "glm"))
	counts := func() [3]uint64 {
		var out [3]uint64
		for i, d := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour} {
			out[i] = w.Stats(Scope{"zai", "glm"}, d).Requests
		}
		return out
	}
	for _, step := range []struct {
		pass time.Duration
		want [3]uint64
	}{
		{0, [3]uint64{1, 1, 1}},
		{49 * time.Second, [3]uint64{1, 1, 1}},
		{12 * time.Second, [3]uint64{0, 1, 1}},
		{3 * time.Minute, [3]uint64{0, 1, 1}},
		{time.Minute, [3]uint64{0, 0, 1}},
		{49 * time.Minute, [3]uint64{0, 0, 1}},
		{6 * time.Minute, [3]uint64{0, 0, 0}},
	} {
		c.pass(step.pass)
		if got := counts(); got != step.want {
			t.Errorf("at %v: %v, want %v", c.at.Format(time.TimeOnly), got, step.want)
		}
	}
}

func TestWindows_NamesNobodyConfiguredCountOnlyForAll(t *testing.T) {
	w := windowsAt(newClock())
	for range 1000 {
		r := answered("made-up", "made-up")
		r.Provider, r.Target = "zai", "made-up"
		w.Observe(r)
	}
	if got := len(w.series); got != 5 {
		t.Errorf("%d series, want 5: all, two providers, two targets", got)
	}
	if all := w.Stats(Scope{}, time.Hour); all.Requests != 1000 {
		t.Errorf("all: %d", all.Requests)
	}
	if s := w.Stats(Scope{"zai", "made-up"}, time.Hour); s.Requests != 0 || w.History(Scope{"zai", "made-up"}, time.Second) != nil {
		t.Errorf("a target of that name: %+v", s)
	}
}

func TestWindows_AReloadKeepsWhatStays(t *testing.T) {
	w := windowsAt(newClock())
	w.Observe(answered("zai", "glm"))
	w.Observe(answered("oa", "gpt"))
	n := names()
	n.Providers, n.Targets = n.Providers[:1], n.Targets[:1]
	w.Configure(n)
	if got := w.Stats(Scope{"zai", "glm"}, time.Minute).Requests; got != 1 {
		t.Errorf("the target that stayed has %d requests", got)
	}
	w.Configure(names())
	if got := w.Stats(Scope{"oa", "gpt"}, time.Minute).Requests; got != 0 {
		t.Errorf("the target that went and came has %d requests", got)
	}
}

func TestWindows_AWallClockThatJumpsDoesNoHarm(t *testing.T) {
	c := newClock()
	w := windowsAt(c)
	w.Observe(answered("zai", "glm"))
	c.pass(-24 * time.Hour)
	w.Observe(answered("zai", "glm"))
	if got := w.Stats(Scope{}, time.Minute).Requests; got != 2 {
		t.Errorf("after a jump back: %d requests in the last minute, want 2", got)
	}
	c.pass(20 * 365 * 24 * time.Hour)
	w.Observe(answered("zai", "glm"))
	if got := w.Stats(Scope{}, time.Minute).Requests; got != 1 {
		t.Errorf("after a jump ahead: %d requests in the last minute, want 1", got)
	}
	history := w.History(Scope{}, 10*time.Second)
	if last := history[len(history)-1]; last.Requests != 1 || last.Time.After(c.at) || c.at.Sub(last.Time) >= 10*time.Second {
		t.Errorf("the present step is %+v at %v", last, c.at)
	}
}

func TestStopwatch_FollowsTheMonotonicClockUnlessTheMachineSlept(t *testing.T) {
	for name, test := range map[string]struct{ monotonic, wall, want time.Duration }{
		"together":                {time.Minute, time.Minute, time.Minute},
		"wall clock set back":     {time.Minute, -time.Hour, time.Minute},
		"wall clock corrected":    {time.Minute, time.Minute + 900*time.Millisecond, time.Minute},
		"machine slept":           {time.Minute, 8 * time.Hour, 8 * time.Hour},
		"no monotonic clock, set": {-time.Hour, -time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := passed(test.monotonic, test.wall); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestWindows_HistoryHasEveryStepAndTheTotalsAddUp(t *testing.T) {
	c := newClock()
	w := windowsAt(c)
	n, lately := 0, 0
	for i := range 90 * 6 { // an hour and a half
		for range i % 3 {
			w.Observe(answered("zai", "glm"))
			n++
			if i >= 90*6-359 {
				lately++
			}
		}
		if i%7 == 0 {
			w.Stats(Scope{}, time.Hour) // looking changes nothing
		}
		c.pass(10 * time.Second)
	}
	day := w.History(Scope{}, time.Minute)
	hour := w.History(Scope{}, 10*time.Second)
	sum := func(points []Point) (n int) {
		for _, p := range points {
			n += int(p.Requests)
		}
		return n
	}
	if len(day) != 1440 || sum(day) != n {
		t.Errorf("day: %d steps with %d requests, want 1440 with %d", len(day), sum(day), n)
	}
	if len(hour) != 360 || sum(hour) != lately {
		t.Errorf("hour: %d steps with %d requests, want 360 with %d", len(hour), sum(hour), lately)
	}
	busy := hour[len(hour)-2]
	if want := c.at.Add(-10 * time.Second); !busy.Time.Equal(want) || busy.Requests != 2 || busy.TokensOut != 202 || busy.Cost != 5000 {
		t.Errorf("the last whole step is %+v, want two requests at %v", busy, want)
	}
	if busy.TTFT95 < 180*time.Millisecond || busy.TTFT95 > 220*time.Millisecond {
		t.Errorf("its 95th percentile is %v", busy.TTFT95)
	}
}

// TestWindows_AgreeWithCountingByHand plays random traffic against a list of
// everything that happened.
func TestWindows_AgreeWithCountingByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		w := windowsAt(c)
		var ends []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.pass(time.Duration(rapid.Int64Range(0, int64(8*time.Minute)).Draw(t, "pause")))
			if rapid.Bool().Draw(t, "look") {
				w.History(Scope{}, time.Minute)
			}
			w.Observe(answered("zai", "glm"))
			ends = append(ends, c.at)
		}
		within := func(step time.Duration, n int) (want uint64) {
			first := c.at.UnixNano()/int64(step) - int64(n) + 1
			for _, at := range ends {
				if at.UnixNano()/int64(step) >= first {
					want++
				}
			}
			return want
		}
		for _, test := range []struct {
			window, step time.Duration
			n            int
		}{{time.Minute, 10 * time.Second, 6}, {5 * time.Minute, time.Minute, 5}, {time.Hour, 5 * time.Minute, 12}} {
			if got, want := w.Stats(Scope{"zai", "glm"}, test.window).Requests, within(test.step, test.n); got != want {
				t.Fatalf("%v: %d requests, want %d", test.window, got, want)
			}
		}
		if total, _ := w.Totals(Scope{}); total.Requests != uint64(len(ends)) {
			t.Fatalf("total %d, want %d", total.Requests, len(ends))
		}
	})
}

func TestWindows_MemoryIsBounded(t *testing.T) {
	slots := 23 * unsafe.Sizeof(slot{})
	history := (360 + 1440) * unsafe.Sizeof(point{})
	if slots > 48<<10 || history > 118<<10 {
		t.Errorf("a series takes up to %d bytes of slots and %d of history", slots, history)
	}
	c := newClock()
	w := windowsAt(c)
	for range 2000 {
		w.Observe(answered("zai", "glm"))
		c.pass(61 * time.Second)
	}
	if s := w.series[Scope{}]; len(s.fine.kept) != 360 || len(s.coarse.kept) != 1440 {
		t.Errorf("%d and %d points are kept", len(s.fine.kept), len(s.coarse.kept))
	}
}

func TestWindows_MayBeUsedFromAnywhere(t *testing.T) {
	w := NewWindows(nil)
	w.Configure(names())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				w.Observe(failedOver())
				w.Stats(Scope{Provider: "oa"}, time.Hour)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			w.Configure(names())
			w.History(Scope{}, time.Minute)
		}
	})
	wg.Wait()
	if total, _ := w.Totals(Scope{}); total.TokensOut != 800*101 || total.Cost != 800*2500 {
		t.Errorf("in all %+v", total)
	}
	if total, codes := w.Totals(Scope{Provider: "zai"}); total.Failed != 800 || codes["overloaded"] != 800 {
		t.Errorf("%d failed, codes %v", total.Failed, codes)
	}
}
