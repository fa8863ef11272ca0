package usage

import (
	"testing"
	"time"
)

func TestHealth_WhatIsOverIsSaidForFiveMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		h      Health
		after  time.Duration
		wanted bool
	}{
		"all is well":                 {Health{}, 0, false},
		"failing":                     {Health{Failing: true, LastError: "no room"}, 24 * time.Hour, true},
		"rows were lost just now":     {Health{Dropped: 3, LostAt: noon}, 0, true},
		"rows were lost long ago":     {Health{Dropped: 3, LostAt: noon}, fresh, false},
		"a file was put aside":        {Health{Found: Found{Aside: "x", Damage: "y"}, Opened: noon}, time.Minute, true},
		"a file was put aside before": {Health{Found: Found{Aside: "x", Damage: "y"}, Opened: noon}, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			if text := c.h.Trouble(noon.Add(c.after)); (text != "") != c.wanted {
				t.Errorf("said %q", text)
			}
		})
	}
}

func TestLedger_KnowsWhenItLastLostARow(t *testing.T) {
	c := &clock{at: noon}
	o := quiet(tempPath(t))
	o.Queue, o.Now, o.Flush = 1, c.now, 100*time.Millisecond
	l := open(t, o)
	c.set(noon.Add(time.Minute))
	for range 100 {
		l.Record(Exchange{ID: "r"})
	}
	if h := l.Health(); h.Dropped == 0 || !h.LostAt.Equal(noon.Add(time.Minute)) || h.Trouble(noon.Add(time.Minute)) == "" {
		t.Errorf("%+v", h)
	}
}
