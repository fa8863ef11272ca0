package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// doorwayCaddyfile serves an inherited socket, as deploy/systemd/aimux.socket
// says to.
const doorwayCaddyfile = `{
	aimux aimux.toon
	grace_period 4s
	admin {$AIMUX_ADMIN}
}
{$AIMUX_SITE} {
	bind fd/3
	aimux
}
`

// visitor asks again and again, each time on a connection of its own. Told to
// come again, it does.
type visitor struct {
	mu       sync.Mutex
	outcomes map[harness.Outcome]int
	examples []string
	took     []time.Duration
	again    int // were told to come again, and did
}

// come asks rate times a second until the context ends, and returns when all
// answers are there.
func (v *visitor) come(ctx context.Context, gw *harness.Gateway, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var wait sync.WaitGroup
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			wait.Wait()
			return
		case <-tick.C:
			wait.Go(func() { v.ask(gw, i) })
		}
	}
}

func (v *visitor) ask(gw *harness.Gateway, i int) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ask := harness.Ask{Dialect: harness.Dialects[i%3], Stream: i%2 == 0, Model: "one/quick"}
	begun := time.Now()
	a := gw.AskAnew(ctx, ask)
	again := 0
	for ; a.Status >= 500 && a.Header.Get("Retry-After") != "" && again < 3; again++ {
		time.Sleep(time.Second) // what the answer asks for; SDKs do the same
		a = gw.AskAnew(ctx, ask)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.again += min(again, 1)
	o := a.Outcome(16)
	v.outcomes[o]++
	v.took = append(v.took, time.Since(begun))
	if o != harness.OK && len(v.examples) < 5 {
		v.examples = append(v.examples, fmt.Sprintf("%s after %s: %v %s", o, a.Took, a.Err, shorten(a)))
	}
}

var _ = Describe("A socket that outlives the process", func() {
	DescribeTable("is handed from one process to the next under load without a lost request", func(rate, handovers int) {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		up.Script(simulator.Selector{Model: "short"}, forever("slow;ttft=50ms;rate=20;tokens=20"))
		up.Script(simulator.Selector{Model: "long"}, forever("slow;ttft=50ms;rate=20;tokens=4000"))
		door := harness.NewDoorway(GinkgoT(), harness.Config{Caddyfile: doorwayCaddyfile, Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		old := door.Serve(GinkgoT())
		v := &visitor{outcomes: map[harness.Outcome]int{}}
		ctx, enough := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { v.come(ctx, old, rate); close(done) }()
		whole, told := 0, 0
		for range handovers {
			time.Sleep(time.Second) // load on a process that is at rest
			short, long := open(old, "short"), open(old, "long")
			Expect(old.Stop()).To(Succeed())
			old = door.Serve(GinkgoT())
			for _, s := range short {
				Expect(s.Finish().Outcome(20)).To(Equal(harness.OK), "a stream that fits into the grace period")
				whole++
			}
			for _, s := range long {
				Expect(s.Finish().Outcome(0)).To(Equal(harness.EVT), "a stream that does not")
				told++
			}
		}
		time.Sleep(time.Second)
		enough()
		<-done
		Expect(v.outcomes).To(Equal(map[harness.Outcome]int{harness.OK: len(v.took)}), "%v", v.examples)
		Expect(v.again).To(BeZero(), "told to come again")
		slices.Sort(v.took)
		AddReportEntry(fmt.Sprintf("%d hand-overs under %d requests a second: %d requests, 0 failed, %d told to come again; p50 %s, the longest took %s; %d streams finished, %d ended with their dialect's error",
			handovers, rate, len(v.took), v.again, quantile(v.took, 0.5).Round(time.Microsecond), v.took[len(v.took)-1].Round(time.Millisecond), whole, told), ReportEntryVisibilityAlways)
	}, Entry("50 a second", 50, 3))
})

// tardy connects, waits as long as a request from far away takes to come, and
// then asks, on a connection that the process had accepted meanwhile. It returns
// what came of it, empty if it was answered.
func tardy(gw *harness.Gateway, away time.Duration) string {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(gw.URL, "http://"), 20*time.Second)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	time.Sleep(away)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err.Error()
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return answer.Status
	}
	return ""
}

var _ = Describe("A socket that outlives the process", func() {
	It("loses no request of clients that are 30 ms away, however often it is handed over", func() {
		const handovers, away, rate = 5, 30 * time.Millisecond, 300
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		door := harness.NewDoorway(GinkgoT(), harness.Config{Caddyfile: doorwayCaddyfile, Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		old := door.Serve(GinkgoT())
		visited := old // any of them: the address is the door's
		var (
			mu    sync.Mutex
			wait  sync.WaitGroup
			asked int
			lost  []string
		)
		ctx, enough := context.WithCancel(context.Background())
		DeferCleanup(enough)
		wait.Go(func() {
			tick := time.NewTicker(time.Second / rate)
			defer tick.Stop()
			for ctx.Err() == nil {
				<-tick.C
				asked++
				wait.Go(func() {
					if came := tardy(visited, away); came != "" {
						mu.Lock()
						lost = append(lost, came)
						mu.Unlock()
					}
				})
			}
		})
		for range handovers {
			time.Sleep(500 * time.Millisecond)
			Expect(old.Stop()).To(Succeed())
			old = door.Serve(GinkgoT())
		}
		time.Sleep(500 * time.Millisecond)
		enough()
		wait.Wait()
		Expect(lost).To(BeEmpty(), "of %d", asked)
		AddReportEntry(fmt.Sprintf("%d hand-overs, %d clients 30 ms away: 0 lost", handovers, asked), ReportEntryVisibilityAlways)
	})
})

// open begins a stream of each dialect and waits for its first words.
func open(gw *harness.Gateway, model string) []*harness.Stream {
	GinkgoHelper()
	var out []*harness.Stream
	for _, d := range harness.Dialects {
		out = append(out, gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true, Model: "one/" + model}))
	}
	for _, s := range out {
		Expect(s.Words(1)).To(BeTrue())
	}
	return out
}
