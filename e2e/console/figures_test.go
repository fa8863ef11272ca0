package console

import (
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func TestFirstPaint_IsQuickOnLoopback(t *testing.T) {
	s := start(t, harness.Config{})
	p := open(t)
	var all []float64
	for range 5 {
		p.goTo("about:blank")
		p.goTo(s.Console() + "/")
		p.until("a first paint", "performance.getEntriesByName('first-contentful-paint').length")
		all = append(all, js[float64](p, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
	}
	slices.Sort(all)
	weight := js[float64](p, "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((n, e) => n + e.transferSize, 0)")
	t.Logf("first contentful paint: least %.0f ms, median %.0f ms, most %.0f ms; %.0f bytes were transferred", all[0], all[2], all[4], weight)
	if all[0] > 1500 {
		t.Errorf("the quickest of five first paints took %.0f ms", all[0])
	}
}

// load is how the figures are taken: everything in one run, the two states by
// turns, so that what else the machine does weighs on both.
const (
	consoles    = 20
	turns       = 6
	perSecond   = 1000
	turnSeconds = 10
)

// TestFigures_TwentyConsoles measures what open consoles cost. It takes two
// minutes and says little on a busy machine, so it is asked for.
func TestFigures_TwentyConsoles(t *testing.T) {
	if os.Getenv("AIMUX_CONSOLE_FIGURES") == "" {
		t.Skip("asked for by AIMUX_CONSOLE_FIGURES=1")
	}
	up := harness.NewUpstream(t, simulator.Options{Name: "one", MaxRecords: -1})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	cookie := s.login(t)
	s.serve(t, 3*time.Second) // to warm up
	var cpu, done [2]float64
	var memory [2]int64
	for turn := range turns {
		with := turn % 2
		closeAll := func() {}
		if with == 1 {
			closeAll = s.watch(t, cookie)
		}
		before, err := s.Usage()
		must(t, "reading what the gateway used", err)
		done[with] += float64(s.serve(t, turnSeconds*time.Second))
		after, err := s.Usage()
		must(t, "reading what the gateway used", err)
		cpu[with] += (after.CPU - before.CPU).Seconds()
		memory[with] = max(memory[with], after.RSS)
		closeAll()
	}
	without, with := cpu[0]/done[0]*1e6, cpu[1]/done[1]*1e6
	t.Logf("requests a second: %.0f without, %.0f with %d consoles", done[0]/(turns/2*turnSeconds), done[1]/(turns/2*turnSeconds), consoles)
	t.Logf("CPU for each request: %.1f µs without, %.1f µs with; %+.1f %%", without, with, (with/without-1)*100)
	t.Logf("memory: %.1f MB without, %.1f MB with; %.0f kB for each console at most", float64(memory[0])/1e6, float64(memory[1])/1e6, float64(memory[1]-memory[0])/consoles/1e3)
}

// login returns the cookie of a session.
func (s *site) login(t *testing.T) string {
	t.Helper()
	r := s.Visitor(t).Must(t, "POST", "/api/login", map[string]string{"user": "admin", "password": password})
	cookies := (&http.Response{Header: r.Header}).Cookies()
	return cookies[0].Name + "=" + cookies[0].Value
}

// watch opens live feeds that are read as fast as they speak.
func (s *site) watch(t *testing.T, cookie string) (closeAll func()) {
	t.Helper()
	var open []*websocket.Conn
	var reading sync.WaitGroup
	for range consoles {
		c, _, err := websocket.Dial(t.Context(), "ws"+s.Console()[len("http"):]+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookie}, "Origin": {s.Console()}}})
		must(t, "opening a feed", err)
		c.SetReadLimit(1 << 20)
		open = append(open, c)
		reading.Go(func() {
			for {
				if _, _, err := c.Read(t.Context()); err != nil {
					return
				}
			}
		})
	}
	return func() {
		for _, c := range open {
			_ = c.CloseNow()
		}
		reading.Wait()
	}
}

// serve has the gateway answer requests at an even pace, and returns how many.
func (s *site) serve(t *testing.T, d time.Duration) (done int) {
	t.Helper()
	work := make(chan struct{}, perSecond)
	var workers sync.WaitGroup
	var mu sync.Mutex
	for range 32 {
		workers.Go(func() {
			for range work {
				if a := s.Ask(t, harness.Ask{}); a.Status == http.StatusOK {
					mu.Lock()
					done++
					mu.Unlock()
				}
			}
		})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		for range perSecond / 100 {
			select {
			case work <- struct{}{}:
			default: // the machine cannot keep the pace
			}
		}
	}
	close(work)
	workers.Wait()
	return done
}
