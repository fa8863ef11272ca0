package clock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fake returns a clock that began at noon and the two clocks it reads.
func fake() (c *Clock, wall, mono *time.Duration) {
	wall, mono = new(time.Duration), new(time.Duration)
	c = &Clock{base: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), read: func() (time.Duration, time.Duration) { return *wall, *mono }}
	return c, wall, mono
}

func TestNow_StepsOfTheWallClock(t *testing.T) {
	for name, tc := range map[string]struct {
		step time.Duration // after one minute
		want time.Duration // since the beginning, a second later
	}{
		"none":                  {0, 61 * time.Second},
		"a small correction":    {time.Second, 61 * time.Second},
		"an hour back":          {-time.Hour, 61 * time.Second},
		"a day back":            {-24 * time.Hour, 61 * time.Second},
		"to 1970":               {-56 * 365 * 24 * time.Hour, 61 * time.Second},
		"an hour of sleep":      {time.Hour, time.Hour + 61*time.Second},
		"a day forward":         {24 * time.Hour, 24*time.Hour + 61*time.Second},
		"just within the slack": {Slack, 61 * time.Second},
		"just beyond it":        {Slack + 1, 61*time.Second + Slack + 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, wall, mono := fake()
			c.Now()
			*wall, *mono = time.Minute+tc.step, time.Minute
			c.Now()
			*wall, *mono = *wall+time.Second, *mono+time.Second
			if got := c.Now().Sub(c.base); got != tc.want {
				t.Errorf("%v since the beginning, want %v", got, tc.want)
			}
		})
	}
}

func TestNow_NeverGoesBackAndNeverRunsSlow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, wall, mono := fake()
		last := c.Now()
		for range 50 {
			d := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "passes"))
			step := time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "step"))
			*mono += d
			*wall += d + step
			now := c.Now()
			if now.Sub(last) < d {
				t.Fatalf("%v passed, the clock shows %v", d, now.Sub(last))
			}
			last = now
		}
	})
}

func TestNow_IsTheWallClocksWhenNothingHappens(t *testing.T) {
	if d := time.Since(Now()).Abs(); d > Slack {
		t.Errorf("%v apart", d)
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		_ = Now()
	}
}
