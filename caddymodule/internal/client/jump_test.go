package client

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBucket_IsFilledAtMidnightUTC(t *testing.T) {
	east := time.FixedZone("east", 9*3600)
	for name, tc := range map[string]struct {
		now        time.Time
		day, month bool // whether the bucket is filled anew
	}{
		"later that day":      {morning.Add(13 * time.Hour), false, false},
		"the last nanosecond": {time.Date(2026, 11, 20, 23, 59, 59, 999_999_999, time.UTC), false, false},
		"midnight":            {time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), true, false},
		"midnight elsewhere":  {time.Date(2026, 11, 21, 0, 0, 0, 0, east), false, false},
		"the end of November": {time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), true, false},
		"December":            {time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), true, true},
		"the next year":       {time.Date(2027, 11, 20, 10, 0, 0, 0, time.UTC), true, true},
	} {
		var a account
		a.turn(a.at(morning))
		a.day.spent, a.month.spent = 5, 5
		a.turn(a.at(tc.now))
		if day, month := a.day.spent == 0, a.month.spent == 0; day != tc.day || month != tc.month {
			t.Errorf("%s: filled day %v, month %v", name, day, month)
		}
	}
}

func TestCalendar_EveryMomentIsInItsPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(-62_000_000_000, 250_000_000_000).Draw(t, "seconds"), 0)
		for _, c := range []*calendar{&days, &months} {
			p := c.period(now)
			start, end := c.start(p), c.start(p+1)
			if now.Before(start) || !now.Before(end) || end.Sub(start) > c.window {
				t.Fatalf("%v is in %v to %v", now, start, end)
			}
		}
	})
}

// step is a moment: so long after the beginning, with a calendar that is so far off.
type step struct{ mono, off time.Duration }

const day = 24 * time.Hour

func TestBucket_WallClockJumps(t *testing.T) {
	start := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	to1970 := -start.Sub(time.Unix(0, 0))
	for name, tc := range map[string]struct {
		steps []step
		fills int // beyond the first
	}{
		"an hour ahead over midnight, and back": {[]step{{1, time.Hour}, {2, 0}, {29 * time.Minute, 0}, {31 * time.Minute, 0}, {day, 0}}, 1},
		"an hour back":                          {[]step{{1, -time.Hour}, {2, 0}}, 0},
		"an hour back after midnight":           {[]step{{31 * time.Minute, 0}, {32 * time.Minute, -time.Hour}, {33 * time.Minute, 0}}, 1},
		"an hour back for good":                 {[]step{{31 * time.Minute, 0}, {32 * time.Minute, -time.Hour}, {91 * time.Minute, -time.Hour}, {day + time.Hour, -time.Hour}}, 1},
		"to and fro over midnight":              {[]step{{1, time.Hour}, {2, 0}, {3, time.Hour}, {4, 0}, {5, time.Hour}, {6, 0}}, 1},
		"a day ahead and back":                  {[]step{{1, day}, {2, 0}, {31 * time.Minute, 0}, {day - 1, 0}}, 1},
		"a day ahead for good":                  {[]step{{1, day}, {31 * time.Minute, day}}, 2},
		"a day back":                            {[]step{{1, -day}, {31 * time.Minute, -day}, {32 * time.Minute, -day}}, 0},
		"a day back for good":                   {[]step{{1, -day}, {day - 1, -day}, {day + time.Hour, -day}, {2 * day, -day}}, 1},
		"1970 and back":                         {[]step{{1, to1970}, {time.Minute, to1970}, {2 * time.Minute, 0}}, 0},
		"1970 for two hours over midnight":      {[]step{{1, to1970}, {2 * time.Hour, to1970}, {2*time.Hour + 1, 0}, {3 * time.Hour, to1970}, {4 * time.Hour, 0}}, 1},
		"1970 for three days":                   {[]step{{1, to1970}, {day - 1, to1970}, {day + 1, to1970}, {2*day + 1, to1970}, {3*day - 1, to1970}}, 2},
		"1970 for a day, and back":              {[]step{{1, to1970}, {day + 1, to1970}, {day + time.Hour, 0}, {day + 2*time.Hour, 0}, {2 * day, 0}, {2*day + 2, 0}, {2*day + time.Hour, 0}}, 3},
		"1970 for a day, and just back":         {[]step{{1, to1970}, {day + 1, to1970}, {day + time.Hour, 0}}, 1},
		"a year ahead for a minute":             {[]step{{1, 365 * day}, {time.Minute, 0}, {day - 1, 0}, {day + time.Minute, 0}, {day + time.Hour, 0}}, 2},
	} {
		var b bucket
		b.turn(&days, instant{start, 0})
		first := b.filling
		for _, s := range tc.steps {
			now := instant{start.Add(s.mono + s.off), s.mono}
			b.turn(&days, now)
			if r := b.reset(&days, now); r < 0 || r > day {
				t.Errorf("%s: at %v the reset is in %v", name, s, r)
			}
		}
		if got := int(b.filling - first); got != tc.fills {
			t.Errorf("%s: filled %d times, want %d", name, got, tc.fills)
		}
	}
}

// TestBucket_IsNeitherFilledTwiceNorKeptShut lets the calendar jump about the true
// time, at random, and return. Except for its first appearance, a day of the
// calendar never fills the bucket, and a full day of true time always does.
func TestBucket_IsNeitherFilledTwiceNorKeptShut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bucket
		latest, mono, filledAt := int64(-1), time.Duration(0), time.Duration(0)
		for range 200 {
			mono += time.Duration(rapid.Int64Range(0, int64(8*time.Hour)).Draw(t, "passes"))
			off := time.Duration(rapid.SampledFrom([]time.Duration{0, 0, time.Hour, -time.Hour, day, -day, -20000 * day}).Draw(t, "calendar off"))
			now := instant{morning.Add(mono + off), mono}
			before := b.filling
			b.turn(&days, now)
			p := days.period(now.wall)
			filled := b.filling > before
			if filled && before > 0 && p <= latest && mono-filledAt < day {
				t.Fatalf("day %d filled the bucket again after %v", p, mono-filledAt)
			}
			if !filled && mono-filledAt > 2*day {
				t.Fatalf("not filled for %v", mono-filledAt)
			}
			if filled {
				filledAt = mono
			}
			latest = max(latest, p)
		}
	})
}

func TestMeter_ClockThatRunsBackKeepsTheWait(t *testing.T) {
	var m meter
	m.leak(0, 60)
	m.add(60, 60, 60)
	for _, at := range []time.Duration{0, -time.Hour, -day, -20000 * day, -20000*day + time.Second} {
		m.leak(at, 60)
		if w := m.wait(1, 60, 60); w > time.Second {
			t.Errorf("at %v: waits %v", at, w)
		}
	}
	m.leak(-20000*day+time.Minute, 60)
	if m.level > 1 {
		t.Errorf("a minute later %v are still there", m.level)
	}
}

// TestBucket_ClockWithoutMonotonicReading runs back with the calendar.
func TestBucket_ClockWithoutMonotonicReading(t *testing.T) {
	var b bucket
	at := func(d time.Duration) instant { return instant{morning.Add(d), d} }
	b.turn(&days, at(0))
	b.turn(&days, at(365*day))
	b.spent = 5
	for _, d := range []time.Duration{0, time.Hour, day - time.Hour} {
		if b.turn(&days, at(d)); b.spent != 5 {
			t.Errorf("filled after %v", d)
		}
	}
	if b.turn(&days, at(day+time.Hour)); b.spent != 0 {
		t.Error("shut for a year")
	}
}
