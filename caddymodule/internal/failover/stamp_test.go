package failover

import (
	"math"
	"testing"
	"time"
)

func TestReadStamp_UnderstandsEveryForm(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"7", 7 * time.Second, true},
		{"1.5", 1500 * time.Millisecond, true},
		{"11.382867", 11382867 * time.Microsecond, true},
		{"0", 0, true},
		{"-3", 0, true},
		{" 34 ", 34 * time.Second, true},
		{"86400", 24 * time.Hour, true},
		{"1e99", forever, true},
		{"1e999", forever, true},
		{"inf", forever, true},
		{"nan", 0, false},
		{"6m0s", 6 * time.Minute, true},
		{"20ms", 20 * time.Millisecond, true},
		{"1s", time.Second, true},
		{"2m59.56s", 179560 * time.Millisecond, true},
		{"7.66s", 7660 * time.Millisecond, true},
		{"34s", 34 * time.Second, true},
		{"1h30m", 90 * time.Minute, true},
		{"2d", 48 * time.Hour, true},
		{"500µs", 500 * time.Microsecond, true},
		{"1786521630", 30 * time.Second, true},
		{"1786521630500", 30500 * time.Millisecond, true},
		{"1786521630.25", 30250 * time.Millisecond, true},
		{"1786521600", 0, true},
		{"1000000000", 0, true},
		{"2026-08-12T08:00:30Z", 30 * time.Second, true},
		{"2026-08-12T16:00:30.5+08:00", 30500 * time.Millisecond, true},
		{"2026-08-12T07:00:00Z", 0, true},
		{"9999-12-31T23:59:59Z", forever, true},
		{"Wed, 12 Aug 2026 08:01:00 GMT", time.Minute, true},
		{"Wednesday, 12-Aug-26 08:01:00 GMT", time.Minute, true},
		{"Tue, 11 Aug 2026 08:01:00 GMT", 0, true},
		{"", 0, false},
		{"soon", 0, false},
		{"5 apples", 0, false},
		{"5x", 0, false},
		{"2026-08-12", 0, false},
	} {
		got, ok := readStamp(c.in, noon)
		if got != c.want || ok != c.ok {
			t.Errorf("%q: got %s %v, want %s %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestReadDuration_UnderstandsWords(t *testing.T) {
	for _, c := range []struct {
		in, rest string
		want     time.Duration
		ok       bool
	}{
		{"1.574s.", ".", 1574 * time.Millisecond, true},
		{"20 seconds", "", 20 * time.Second, true},
		{"2 hours 30 minutes left", " left", 150 * time.Minute, true},
		{"1 hour, 5 minutes and 3 seconds", "", time.Hour + 5*time.Minute + 3*time.Second, true},
		{"1 day", "", 24 * time.Hour, true},
		{"3 minutes", "", 3 * time.Minute, true},
		{"30", "30", 0, false},
		{"3 month", "3 month", 0, false},
		{"x", "x", 0, false},
		{"99999999999999999999h", "", forever, true},
	} {
		got, rest, ok := readDuration(c.in)
		if got != c.want || ok != c.ok || rest != c.rest {
			t.Errorf("%q: got %s %q %v, want %s %q %v", c.in, got, rest, ok, c.want, c.rest, c.ok)
		}
	}
}

func FuzzReadStamp(f *testing.F) {
	for _, s := range []string{"7", "1.5", "6m0s", "20ms", "1786521630", "2026-08-12T08:00:30Z", "Wed, 12 Aug 2026 08:01:00 GMT", "1e99", "-1", "NaN", "1h1h1h", "9e18s", ".5s", "0x10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := readStamp(s, noon)
		if d < 0 || d > forever || !ok && d != 0 {
			t.Fatalf("%q: %s %v", s, d, ok)
		}
		if d, rest, ok := readDuration(s); d < 0 || d > forever || len(rest) > len(s) || !ok && rest != s {
			t.Fatalf("%q: %s %q %v", s, d, rest, ok)
		}
		if d, ok := saidWait(s); d < 0 || d > forever || !ok && d != 0 {
			t.Fatalf("%q: said %s", s, d)
		}
		if d, ok := saidReset(s, time.UTC, noon); ok && (d <= 0 || d > farReset) {
			t.Fatalf("%q: said reset in %s", s, d)
		}
	})
}

func TestSeconds_NeverOverflows(t *testing.T) {
	for _, f := range []float64{math.MaxFloat64, math.Inf(1), 1e19, forever.Seconds()} {
		if d, ok := seconds(f); d != forever || !ok {
			t.Errorf("%g: %s", f, d)
		}
	}
}
