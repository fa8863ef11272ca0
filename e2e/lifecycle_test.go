package e2e

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// storm is traffic that goes on until it is stopped: streams that last, and
// requests at a steady rate.
type storm struct {
	gw     *harness.Gateway
	stop   context.CancelFunc
	wait   sync.WaitGroup
	mu     sync.Mutex
	asked  map[harness.Outcome]int
	lasted map[harness.Outcome]int
	again  int // requests that met a connection at its end
}

// begin starts so many lasting streams, which begin anew when they end, and so
// many requests a second.
func begin(gw *harness.Gateway, streams, rate, words int) *storm {
	ctx, cancel := context.WithCancel(context.Background())
	s := &storm{gw: gw, stop: cancel, asked: map[harness.Outcome]int{}, lasted: map[harness.Outcome]int{}}
	DeferCleanup(cancel)
	for i := range streams {
		s.wait.Go(func() {
			for ctx.Err() == nil {
				ask := harness.Ask{Dialect: harness.Dialects[i%3], Stream: true, Model: "slow/m"}
				s.note(s.lasted, s.ask(ask), words)
			}
		})
	}
	s.wait.Go(func() { s.steady(ctx, rate) })
	return s
}

func (s *storm) steady(ctx context.Context, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.wait.Go(func() {
			ask := harness.Ask{Dialect: harness.Dialects[i%3], Stream: i%2 == 0, Model: "quick/m"}
			s.note(s.asked, s.ask(ask), 16)
		})
	}
}

// ask asks again on a new connection, as SDKs do, if the connection was closed
// before any of an answer came, which a process that ends cannot always help. No
// request of these was begun.
func (s *storm) ask(a harness.Ask) *harness.Answer {
	answer := s.gw.AskContext(context.Background(), a)
	for try := time.Duration(1); try <= 4 && answer.Status == 0; try++ {
		s.mu.Lock()
		s.again++
		s.mu.Unlock()
		time.Sleep(try * 100 * time.Millisecond) // SDKs wait half a second, then longer
		answer = s.gw.AskAnew(context.Background(), a)
	}
	return answer
}

func (s *storm) note(in map[harness.Outcome]int, a *harness.Answer, words int) {
	o := a.Outcome(words)
	s.mu.Lock()
	defer s.mu.Unlock()
	in[o]++
}

// end stops the storm when all that is under way has ended.
func (s *storm) end() {
	s.stop()
	s.wait.Wait()
}

var _ = Describe("The life cycle", func() {
	It("76, 78 reloads under load harm no stream and set no counter back", func() {
		reloads, streams, rate := size("AIMUX_E2E_RELOADS", 20), size("AIMUX_E2E_STREAMS", 60), size("AIMUX_E2E_RATE", 50)
		const words = 120 // at 30 a second: four seconds, over several reloads
		slow := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "slow", TokensPerSecond: 30, Tokens: words, MaxRecords: -1})
		quickOne := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "quick", MaxRecords: -1})
		config := func(i int) harness.Config {
			c := harness.Config{Providers: []harness.Provider{slow.As("slow", "simulator", "a", "b"), quickOne.As("quick", "simulator", "a")},
				More: fmt.Sprintf("limits:\n  body: %dMiB\n", 8+i%7)}
			if i%2 == 1 { // a provider and a key come and go
				c.Providers = append(c.Providers, quickOne.As("extra", "simulator", "x"))
				c.Providers[0].Keys = c.Providers[0].Keys[:1]
			}
			c.Env = []string{"E2E_EXTRA_KEY_1=x", "E2E_SLOW_KEY_2=b"}
			return c
		}
		gw := harness.Start(GinkgoT(), config(0))
		before, usageErr := gw.Usage()
		s := begin(gw, streams, rate, words)
		counters := gw.Counters(GinkgoT())
		begun := time.Now()
		for i := range reloads {
			if wait := time.Until(begun.Add(time.Duration(i) * 600 * time.Millisecond)); wait > 0 {
				time.Sleep(wait) // a reload every 0.6 s is the rate that is asked for
			}
			Expect(gw.Reload(config(i + 1))).To(Succeed())
			now := gw.Counters(GinkgoT())
			for name, was := range counters {
				Expect(now[name]).To(BeNumerically(">=", was), name)
			}
			counters = now
		}
		took := time.Since(begun)
		s.end()
		Expect(s.lasted).To(HaveLen(1))
		Expect(s.lasted).To(HaveKey(harness.OK))
		Expect(s.asked).To(HaveLen(1))
		Expect(s.asked).To(HaveKey(harness.OK))
		wantNothingInFlight(gw)
		after, _ := gw.Usage()
		line := fmt.Sprintf("%d reloads in %s under %d streams and %d requests a second: %d streams and %d requests, all whole; %d met a closed connection and asked again",
			reloads, took.Round(time.Millisecond), streams, rate, s.lasted[harness.OK], s.asked[harness.OK], s.again)
		if usageErr == nil {
			line += fmt.Sprintf("; RSS %d MiB, then %d MiB", before.RSS>>20, after.RSS>>20)
		}
		AddReportEntry(line)
		if runtime.GOOS == "linux" { // elsewhere connections do not outlive a reload
			all := s.lasted[harness.OK] + s.asked[harness.OK]
			Expect(s.again).To(BeNumerically("<=", all/200), "of %d, one in twenty before connections outlived a reload", all)
		}
	})

	It("79 asked to end, short streams finish, long ones end with the dialect's error, and the process is gone in time", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 20, Tokens: 40, MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{
			Caddyfile: "{\n\taimux aimux.toon\n\tgrace_period 5s\n\tadmin {$AIMUX_ADMIN}\n}\n{$AIMUX_SITE} {\n\tbind 127.0.0.1\n\taimux\n}\n",
			Providers: []harness.Provider{up.As("one", "simulator", "k")},
		})
		up.Script(simulator.Selector{Model: "long"}, forever("slow;rate=20;tokens=4000"))
		var short, long [6]*harness.Stream
		var wait sync.WaitGroup
		for i := range 6 {
			d := harness.Dialects[i%3]
			wait.Go(func() {
				defer GinkgoRecover()
				short[i] = gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true, Model: "one/m"})
				long[i] = gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true, Model: "one/long"})
				Expect(short[i].Words(1) && long[i].Words(1)).To(BeTrue())
			})
		}
		wait.Wait()
		begun := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- gw.Stop() }()
		for i := range 6 {
			wait.Go(func() {
				defer GinkgoRecover()
				Expect(short[i].Finish().Outcome(40)).To(Equal(harness.OK))
			})
			wait.Go(func() {
				defer GinkgoRecover()
				a := long[i].Finish()
				Expect(a.Outcome(0)).To(Equal(harness.EVT), shorten(a))
				Expect(a.Message()).To(ContainSubstring("going down"))
			})
		}
		wait.Wait()
		Expect(<-stopped).To(Succeed())
		took := time.Since(begun)
		Expect(took).To(BeNumerically("<=", 6*time.Second), "the grace period and a second")
		AddReportEntry(fmt.Sprintf("grace 5 s: gone after %s", took.Round(10*time.Millisecond)))
	})

	It("79 a request that comes while the process ends is refused or never accepted", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 10, Tokens: 20})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		s := gw.Open(GinkgoT(), harness.Ask{Stream: true})
		Expect(s.Words(1)).To(BeTrue())
		stopped := make(chan error, 1)
		go func() { stopped <- gw.Stop() }()
		Eventually(func() int { return readiness(gw) }).ShouldNot(Equal(http.StatusOK), "the end has begun")
		for range 5 {
			Expect(gw.Ask(GinkgoT(), harness.Ask{}).Status).To(BeElementOf(0, http.StatusServiceUnavailable))
		}
		Expect(s.Finish().Outcome(20)).To(Equal(harness.OK))
		Expect(<-stopped).To(Succeed())
		Expect(up.Count()).To(Equal(1))
	})

	It("80 killed under load, it serves again within two seconds", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("quick", "simulator", "a", "b"), up.As("slow", "simulator", "c")}})
		var stop atomic.Bool
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				for !stop.Load() {
					gw.AskContext(context.Background(), harness.Ask{Stream: i%2 == 0, Model: "quick/m"})
				}
			})
		}
		time.Sleep(300 * time.Millisecond)
		Expect(syscall.Kill(gw.Pid(), syscall.SIGKILL)).To(Succeed())
		stop.Store(true)
		wait.Wait()
		begun := time.Now()
		Expect(gw.Restart(GinkgoT())).To(Succeed())
		took := time.Since(begun)
		Expect(gw.Ask(GinkgoT(), harness.Ask{}).Outcome(16)).To(Equal(harness.OK))
		Expect(took).To(BeNumerically("<", 2*time.Second))
		Expect(strings.Contains(gw.Log(), "panic")).To(BeFalse())
	})
})

// readiness is the status of /readyz, 0 if nobody answers.
func readiness(gw *harness.Gateway) int {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	r, err := c.Get(gw.URL + "/readyz")
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}
