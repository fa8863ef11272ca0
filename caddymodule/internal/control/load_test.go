package control_test

import (
	"math"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/control"
)

func TestLoad_RemembersTheMostOfEachStepForADay(t *testing.T) {
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return begin.Add(d) }
	var l control.Load
	if got := l.Most(begin, at(time.Hour)); !math.IsNaN(got) {
		t.Errorf("nothing was noted, but there were %v", got)
	}
	l.Note(at(time.Second), 3)
	l.Note(at(2*time.Second), 7)
	l.Note(at(3*time.Second), 5)
	l.Note(at(41*time.Second), 0)
	for name, c := range map[string]struct {
		from, until time.Duration
		want        float64
	}{
		"the most of a step":          {0, 10 * time.Second, 7},
		"nobody looked":               {10 * time.Second, 40 * time.Second, math.NaN()},
		"nothing under way":           {40 * time.Second, 50 * time.Second, 0},
		"a step that begins between":  {-5 * time.Second, 5 * time.Second, 7},
		"a minute of steps":           {0, time.Minute, 7},
		"the future":                  {time.Hour, 2 * time.Hour, math.NaN()},
		"a day before the first note": {-25 * time.Hour, -24 * time.Hour, math.NaN()},
	} {
		if got := l.Most(at(c.from), at(c.until)); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	l.Note(at(24*time.Hour+15*time.Second), 1)
	if got := l.Most(begin, at(10*time.Second)); !math.IsNaN(got) {
		t.Errorf("a day later the first step is %v", got)
	}
	l.Note(begin, 9) // a clock that was set back
	if got := l.Most(begin, at(24*time.Hour+time.Minute)); got != 1 {
		t.Errorf("after the clock was set back: %v", got)
	}
	l.Note(at(1000*time.Hour), 2)
	if got := l.Most(at(976*time.Hour+time.Minute), at(1001*time.Hour)); got != 2 {
		t.Errorf("after a long sleep: %v", got)
	}
}

func BenchmarkLoad_Note(b *testing.B) {
	var l control.Load
	now := time.Now()
	for b.Loop() {
		l.Note(now, 5)
	}
}
