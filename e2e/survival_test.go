package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// size is how much a spec does: otherwise, unless the environment says more.
func size(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// quantile returns the value below which that share of the sorted values is.
func quantile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// drop asks for something of its own, hangs up once begun, and returns how long
// after that the upstream's request had ended.
func drop(gw *harness.Gateway, up *harness.Upstream, i int) time.Duration {
	GinkgoHelper()
	model := fmt.Sprintf("one/drop-%d", i)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ask := harness.Ask{Dialect: harness.Dialects[i%3], Model: model, Stream: i%4 != 0}
	here := func(all []simulator.Record) *simulator.Record {
		for j := range all {
			if "one/"+all[j].Model == model {
				return &all[j]
			}
		}
		return nil
	}
	s := make(chan *harness.Stream, 1)
	go func() { s <- gw.OpenContext(ctx, ask) }()
	if ask.Stream {
		stream := <-s
		defer stream.Close()
		Expect(stream.Words(2)).To(BeTrue(), "%v", stream.Answer().Err)
	} else {
		up.Wait(GinkgoT(), "request", func(all []simulator.Record) bool { return here(all) != nil })
	}
	gone := time.Now()
	cancel()
	var at time.Time
	up.Wait(GinkgoT(), "cancellation", func(all []simulator.Record) bool {
		r := here(all)
		if r == nil || !r.Canceled {
			return false
		}
		at = r.CanceledAt
		return true
	})
	return at.Sub(gone)
}

var _ = Describe("Clients that misbehave", func() {
	It("68, 75 who hang up end the upstream's work at once, streamed or not", func() {
		drops := size("AIMUX_E2E_DROPS", 120)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TTFT: 30 * time.Millisecond, TokensPerSecond: 40, Tokens: 2000, MaxRecords: 64})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		late := make([]time.Duration, drops)
		var next atomic.Int64
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				defer GinkgoRecover()
				for i := int(next.Add(1)) - 1; i < drops; i = int(next.Add(1)) - 1 {
					late[i] = drop(gw, up, i)
				}
			})
		}
		wait.Wait()
		slices.Sort(late)
		Expect(quantile(late, 0.5)).To(BeNumerically("<=", 100*time.Millisecond))
		Expect(quantile(late, 0.99)).To(BeNumerically("<=", time.Second), "a crowded machine is slow now and then")
		AddReportEntry(fmt.Sprintf("%d drops: upstream ended after p50 %s, p99 %s, at most %s", drops,
			quantile(late, 0.5).Round(10*time.Microsecond), quantile(late, 0.99).Round(10*time.Microsecond), late[drops-1].Round(10*time.Microsecond)))
		wantNothingInFlight(gw)
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
	})

	It("70 who read slowly cost little memory, and nobody else notices", func() {
		readers := size("AIMUX_E2E_READERS", 100)
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Tokens: 20_000, MaxRecords: -1})
		quickOne := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k"), quickOne.As("two", "simulator", "k")}})
		asks(gw, 20, harness.Ask{Model: "two/m"})
		before, err := gw.Usage()
		if err != nil {
			Skip("no /proc here: " + err.Error())
		}
		for range readers {
			crawl(gw)
		}
		time.Sleep(3 * time.Second) // as long as a crowd of slow readers takes to fill all buffers
		var grown int64
		Eventually(func() int64 { // what was needed for a moment is given back soon
			after, err := gw.Usage()
			Expect(err).NotTo(HaveOccurred())
			grown = (after.RSS - before.RSS) / int64(readers)
			return grown
		}).WithTimeout(30 * time.Second).WithPolling(time.Second).Should(BeNumerically("<=", 256<<10))
		AddReportEntry(fmt.Sprintf("%d readers at 1 KB/s of streams of 2.7 MB: %d KiB each", readers, grown>>10))
		// Once what the kernel takes has gone out, they cost nothing any more.
		Eventually(func() time.Duration {
			begun := time.Now()
			asks(gw, 10, harness.Ask{Model: "two/m"})
			return time.Since(begun)
		}).WithTimeout(20 * time.Second).Should(BeNumerically("<", time.Second))
	})

	It("72 who never send their body do not keep others waiting", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		usual := latencies(gw, 200)
		for range size("AIMUX_E2E_LORIS", 300) {
			dawdle(gw)
		}
		with := latencies(gw, 200)
		AddReportEntry(fmt.Sprintf("p99 of others %s without, %s with them", quantile(usual, 0.99), quantile(with, 0.99)))
		Expect(quantile(with, 0.5)).To(BeNumerically("<=", 2*quantile(usual, 0.5)+5*time.Millisecond))
	})
})

// latencies sends requests one after the other and returns what they took,
// sorted.
func latencies(gw *harness.Gateway, n int) []time.Duration {
	GinkgoHelper()
	out := make([]time.Duration, n)
	for i := range out {
		a := gw.Ask(GinkgoT(), harness.Ask{})
		Expect(a.Outcome(16)).To(Equal(harness.OK), "%s", a.Body)
		out[i] = a.Took
	}
	slices.Sort(out)
	return out
}

// crawl asks for a long stream and reads a kilobyte a second of it until the
// spec ends.
func crawl(gw *harness.Gateway) {
	GinkgoHelper()
	c := raw(gw, `{"model":"one/m","stream":true,"max_tokens":99999,"messages":[{"role":"user","content":"hi"}]}`, 0)
	go func() {
		buf := make([]byte, 256)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			time.Sleep(250 * time.Millisecond)
		}
	}()
}

// dawdle begins a request and never sends its body.
func dawdle(gw *harness.Gateway) {
	GinkgoHelper()
	raw(gw, `{"model":`, 5000)
}

// raw writes a request with little receive buffer, of which the body is said to
// be that much longer than it is. The connection ends with the spec.
func raw(gw *harness.Gateway, body string, longer int) net.Conn {
	GinkgoHelper()
	host := strings.TrimPrefix(gw.URL, "http://")
	c, err := net.Dial("tcp", host)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.Close)
	Expect(c.(*net.TCPConn).SetReadBuffer(4 << 10)).To(Succeed())
	_, err = fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, len(body)+longer, body)
	Expect(err).NotTo(HaveOccurred())
	return c
}
