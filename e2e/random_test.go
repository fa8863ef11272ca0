package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// randomRequests is how many requests the random run sends. AIMUX_E2E_RANDOM
// says otherwise.
func randomRequests() int {
	if n, err := strconv.Atoi(os.Getenv("AIMUX_E2E_RANDOM")); err == nil && n > 0 {
		return n
	}
	return 2000
}

// The faults of the random run. Those before the first event have to go
// unnoticed; those after it may end a stream with an error event.
var (
	early = []string{
		"500", "502;body=html", "503;retry-after=1", "529", "504;body=empty", "429;retry-after-ms=30", "429;retry-after-ms=80", "reset", "reset-headers",
		"close", "error-first", "error-200;after=0", "html", "empty", "no-content", "cut;after=0", "408", "interim;bytes=3", "stale", "slow;ttft=20ms;rate=2000", "no-blank-line",
	}
	late = []string{"cut", "cut-fin", "cut-rst", "cut-event", "error-mid"}
)

// faultyScript returns n steps, about share of which fail.
func faultyScript(r *rand.Rand, n int, share float64) []simulator.Step {
	steps := make([]simulator.Step, n)
	for i := range steps {
		switch at := r.Float64(); {
		case at < share*0.8:
			steps[i] = simulator.Fail(early[r.IntN(len(early))])
		case at < share:
			steps[i] = simulator.Fail(late[r.IntN(len(late))])
		}
	}
	return steps
}

// tally counts how the requests of a run ended.
type tally struct {
	mu    sync.Mutex
	count map[harness.Outcome]int
	lost  []string
}

func (t *tally) add(a *harness.Answer, stream bool) {
	out := a.Outcome(16)
	t.mu.Lock()
	defer t.mu.Unlock()
	if out != harness.OK && (out != harness.EVT || !stream) {
		t.lost = append(t.lost, fmt.Sprintf("%s: %s %s", out, a.Header.Get("X-Aimux-Request-Id"), a.Message()))
		out = "lost"
	}
	t.count[out]++
}

var _ = Describe("A run of random faults", func() {
	It("loses no request as long as one target is healthy", func() {
		const workers = 16
		n, seed := randomRequests(), GinkgoRandomSeed()
		models := max(20, n/100) // breakers are kept by model: with few they would soon all be open
		ups := []*harness.Upstream{}
		c := harness.Config{Strategy: "round_robin"}
		for i, name := range []string{"a", "b", "healthy"} {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: name, MaxRecords: 20 * n})
			if name != "healthy" {
				up.Script(simulator.Selector{}, faultyScript(rand.New(rand.NewPCG(uint64(seed), uint64(i))), 3*n, 0.45)...)
			}
			ups = append(ups, up)
			c.Providers = append(c.Providers, up.As(name, "simulator", name+"-1", name+"-2", name+"-3"))
		}
		for m := range models {
			for _, p := range c.Providers {
				c.Models = append(c.Models, harness.Route{Alias: fmt.Sprintf("r%d", m), Provider: p.Name, Model: fmt.Sprintf("m%d", m)})
			}
		}
		gw := harness.Start(GinkgoT(), c)
		begun := time.Now()
		t := &tally{count: map[harness.Outcome]int{}}
		var next atomic.Int64
		var wait sync.WaitGroup
		for range workers {
			wait.Go(func() {
				for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
					ask := harness.Ask{Dialect: harness.Dialects[i%3], Stream: i/3%2 == 0, Model: fmt.Sprintf("r%d", i%models)}
					t.add(gw.Ask(GinkgoT(), ask), ask.Stream)
				}
			})
		}
		wait.Wait()
		faulted := 0
		for _, up := range ups {
			for _, r := range up.Requests() {
				if r.Fault != "" {
					faulted++
				}
			}
		}
		AddReportEntry("random run", ReportEntryVisibilityAlways, fmt.Sprintf("seed %d: %d requests in %s, %d faults (%.0f %%), %d whole, %d ended by an error event, %d lost",
			seed, n, time.Since(begun).Round(time.Millisecond), faulted, 100*float64(faulted)/float64(n), t.count[harness.OK], t.count[harness.EVT], t.count["lost"]))
		Expect(t.lost).To(BeEmpty())
		wantNothingInFlight(gw)
		Expect(faulted).To(BeNumerically(">=", n/5), "at least a fifth is to be faulted")
	})

	It("of streams at once ends without an error", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TTFT: 50 * time.Millisecond, TokensPerSecond: 100, Tokens: 60, MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "a", "b")}})
		before, usageErr := gw.Usage()
		var wait sync.WaitGroup
		outcomes := make([]harness.Outcome, size("AIMUX_E2E_CROWD", 200))
		for i := range outcomes {
			wait.Go(func() {
				outcomes[i] = gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Dialects[i%3], Stream: true}).Outcome(60)
			})
		}
		wait.Wait()
		Expect(outcomes).To(HaveEach(harness.OK))
		if after, err := gw.Usage(); usageErr == nil && err == nil {
			AddReportEntry(fmt.Sprintf("%d streams at once, all whole; RSS %d MiB before, %d MiB after", len(outcomes), before.RSS>>20, after.RSS>>20))
		}
		wantNothingInFlight(gw)
	})
})

// wantNothingInFlight wants every lease returned, soon after the last answer.
func wantNothingInFlight(gw *harness.Gateway) {
	GinkgoHelper()
	Eventually(func() (busy []harness.Key) {
		for _, k := range gw.Keys(GinkgoT()) {
			if k.InFlight != 0 {
				busy = append(busy, k)
			}
		}
		return busy
	}).Should(BeEmpty())
}
