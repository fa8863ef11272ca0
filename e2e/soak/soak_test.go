package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.RemoveBuilt()
	os.Exit(code)
}

// TestSoak_AMinuteOfEverything is the soak in small: what it can tell about
// growth is little, but every part of it runs. AIMUX_SOAK=5m makes it longer.
func TestSoak_AMinuteOfEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of traffic is left out of -short")
	}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("descriptors and memory are read from /proc, which is not here")
	}
	p := plan{length: time.Minute, rate: 40, streams: 20}
	if length, err := time.ParseDuration(os.Getenv("AIMUX_SOAK")); err == nil {
		p.length = length
	}
	b := &bench{}
	defer b.end()
	r, err := p.run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + r.markdown())
	if !r.good() {
		t.Error("not all is well")
	}
	if path, err := r.save(t.TempDir()); err != nil {
		t.Error(err)
	} else if page, err := os.ReadFile(path); err != nil || strings.Count(string(page), "<svg") != len(figures) {
		t.Errorf("%s: %d plots, %v", filepath.Base(path), strings.Count(string(page), "<svg"), err)
	}
}

// made returns samples ten seconds apart of a heap that begins at 10 MiB, grows
// by so much an hour and trembles.
func made(n int, perHour float64) []sample {
	out := make([]sample, n)
	for i := range out {
		at := time.Duration(i) * 10 * time.Second
		out[i] = sample{at: at, heap: 10<<20 + perHour*at.Hours() + 20e3*math.Sin(float64(i))}
	}
	return out
}

func TestHeapVerdict_TellsALeakFromATremble(t *testing.T) {
	for name, test := range map[string]struct {
		samples []sample
		ok      bool
	}{
		"flat for an hour":                         {made(360, 0), true},
		"a hundred KiB an hour":                    {made(360, 100<<10), true},
		"a hundred bytes a request at 60 a second": {made(360, 100*60*3600), false},
		"the same seen for five minutes":           {made(30, 100*60*3600), true},
		"a kilobyte a request for five minutes":    {made(30, 1024*60*3600), false},
	} {
		if v := heapVerdict(test.samples); v.ok != test.ok {
			t.Errorf("%s: %t, want %t (%s)", name, v.ok, test.ok, v.got)
		}
	}
}

func TestFit_FindsSlopeMeanAndItsOwnError(t *testing.T) {
	l := fit(made(360, 36e6), func(s sample) float64 { return s.heap })
	if math.Abs(l.slope-1e4) > 3*l.error || l.error <= 0 || l.seconds != 3590 {
		t.Errorf("%+v", l)
	}
	if l := fit(nil, func(sample) float64 { return 0 }); !math.IsInf(l.error, 1) {
		t.Errorf("of nothing: %+v", l)
	}
}

func TestTally_OnlyShortRequestsMayEndWithAnErrorEvent(t *testing.T) {
	good := tally{short: {harness.OK: 5, harness.EVT: 1}, long: {harness.OK: 2}}
	if n, lost := good.lost(); n != 0 || len(lost) != 0 {
		t.Error(n, lost)
	}
	for _, bad := range []tally{{short: {harness.ERR(503): 3}}, {long: {harness.EVT: 3}}, {slow: {"LOST: gone": 3}}} {
		if n, lost := bad.lost(); n != 3 || len(lost) != 1 {
			t.Errorf("%v: %d, %v", bad, n, lost)
		}
	}
}

func TestReport_ShowsWhatWasNotMet(t *testing.T) {
	r := &report{plan: plan{length: time.Hour}, samples: made(360, 1<<30), tally: tally{short: {harness.ERR(503): 3}}, changes: &changes{}}
	if r.good() {
		t.Error("good")
	}
	for _, want := range []string{"3 × " + short, "**not met**", fmt.Sprintf("| %s | ERR 503 | 3 |", short)} {
		if !strings.Contains(r.markdown(), want) {
			t.Errorf("no %q in\n%s", want, r.markdown())
		}
	}
}

func TestLastingAsk_LeavesRoomForEveryWord(t *testing.T) {
	p := plan{length: time.Hour}
	up := harness.NewUpstream(t, simulator.Options{TokensPerSecond: 1e6, Tokens: p.words()})
	gw := harness.Start(t, harness.Config{Providers: []harness.Provider{up.As("lasting", "simulator", "k")}})
	for _, d := range harness.Dialects {
		if out := gw.Ask(t, p.lastingAsk(d)).Outcome(p.words()); out != harness.OK {
			t.Errorf("%v: %s", d, out)
		}
	}
}
