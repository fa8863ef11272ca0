package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat_ReadsUserAndSystemTime(t *testing.T) {
	for _, test := range []struct {
		name, stat string
		want       time.Duration
		fails      bool
	}{
		{name: "plain", stat: "7 (aimux) S 1 7 7 0 -1 4194560 100 0 0 0 12 34 5 6 20 0 9", want: 460 * time.Millisecond},
		{name: "name with blanks and parentheses", stat: "7 (a) b (c) R 1 7 7 0 -1 0 1 0 0 0 1 2 9 9 20", want: 30 * time.Millisecond},
		{name: "too short", stat: "7 (aimux) S 1 7", fails: true},
		{name: "no name", stat: "7 aimux S 1 7 7 0 -1 0 1 0 0 0 1 2 9 9", fails: true},
		{name: "no number", stat: "7 (a) S 1 7 7 0 -1 0 1 0 0 0 x 2 9 9 20", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseStat([]byte(test.stat))
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("got %s, %v; want %s, failing: %t", got, err, test.want, test.fails)
			}
		})
	}
}

func TestParseStatus_ReadsKibibytes(t *testing.T) {
	for _, test := range []struct {
		name, status string
		want         int64
	}{
		{"usual", "Name:\taimux\nVmHWM:\t   70000 kB\nVmRSS:\t   61234 kB\nThreads:\t9\n", 61234 << 10},
		{"kernel thread", "Name:\tkworker\n", 0},
		{"garbage", "VmRSS:\tmany kB\n", 0},
		{"negative", "VmRSS:\t-5 kB\n", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parseStatus([]byte(test.status), resident); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestProc_KnowsThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc on this system")
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if got := memoryOf(os.Getpid(), resident); got < 1<<20 {
		t.Errorf("this process has %d resident bytes", got)
	}
}

func TestCPUClock_AgreesWithProc(t *testing.T) {
	before, ok := cpuClock(os.Getpid())
	if !ok {
		t.Skip("no clock of a process's CPU time on this system")
	}
	for until := time.Now().Add(30 * time.Millisecond); time.Now().Before(until); {
	}
	after, _ := cpuClock(os.Getpid())
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Skip("no /proc on this system")
	}
	listed, err := parseStat(b)
	if err != nil || after <= before || (listed-after).Abs() > 500*time.Millisecond {
		t.Errorf("the clock went from %s to %s, /proc says %s (%v)", before, after, listed, err)
	}
	if _, ok := cpuClock(1<<22 + 1); ok { // above the largest that Linux gives out
		t.Error("a process that does not exist has a clock")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (aimux) S 1 7 7 0 -1 4194560 100 0 0 0 12 34 5 6 20 0 9"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := parseStat(b); d < 0 || err != nil && d != 0 {
			t.Errorf("%q: %s, %v", b, d, err)
		}
	})
}
