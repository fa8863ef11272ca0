package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

var _ = Describe("Ceilings", func() {
	It("88 short of descriptors new requests are refused, live streams go on, and all is well afterwards", func() {
		slow := harness.NewUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 25, Tokens: 100})
		quickOne := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{Files: 128, Providers: []harness.Provider{slow.As("one", "simulator", "k"), quickOne.As("two", "simulator", "k")}})
		var live []*harness.Stream
		for range 20 {
			s := gw.Open(GinkgoT(), harness.Ask{Stream: true})
			live = append(live, s)
		}
		// Connections that do nothing fill what is left, until the gateway says
		// that there is no room for another request.
		var idle []net.Conn
		refused := func() bool {
			return gw.Ask(GinkgoT(), harness.Ask{Model: "two/m"}).Outcome(0) == harness.ERR(503)
		}
		for range 85 {
			if refused() {
				break
			}
			c, err := net.Dial("tcp", strings.TrimPrefix(gw.URL, "http://"))
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(func() { c.Close() })
			idle = append(idle, c)
			time.Sleep(20 * time.Millisecond)
		}
		Expect(refused()).To(BeTrue(), "with %d idle connections", len(idle))
		for _, s := range live {
			Expect(s.Finish().Outcome(100)).To(Equal(harness.OK))
		}
		for _, c := range idle {
			c.Close()
		}
		Eventually(func() harness.Outcome { return gw.Ask(GinkgoT(), harness.Ask{Model: "two/m"}).Outcome(16) }).Should(Equal(harness.OK))
		Expect(gw.Key(GinkgoT(), "one", "k1").Resting()).To(BeFalse())
	})

	It("89 short of memory the largest requests are refused, and the others served", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{More: "limits:\n  memory: 48MiB\n", Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		large := harness.Ask{Dialect: harness.Chat, Prompt: strings.Repeat("x", 24<<20)}
		a := gw.Ask(GinkgoT(), large)
		Expect(a.Outcome(0)).To(Equal(harness.ERR(503)), "%.200s", a.Body)
		Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty())
		asks(gw, 20, harness.Ask{Stream: true})
		asks(gw, 5, harness.Ask{Prompt: strings.Repeat("x", 1<<20)})
	})

	It("more requests than may be under way wait in turn, and more than may wait are refused", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TTFT: 300 * time.Millisecond})
		gw := harness.Start(GinkgoT(), harness.Config{More: "limits:\n  in_flight: 2\n  queue: 4\n  queue_wait: 5s\n", Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		outcomes := together(10, func() *harness.Answer { return gw.Ask(GinkgoT(), harness.Ask{}) })
		count := map[harness.Outcome]int{}
		for _, o := range outcomes {
			count[o]++
		}
		Expect(count).To(Equal(map[harness.Outcome]int{harness.OK: 6, harness.ERR(503): 4}))
		for i, r := range up.Requests()[2:] {
			Expect(r.Time.Sub(up.Requests()[i].Time)).To(BeNumerically(">=", 250*time.Millisecond), "two at a time")
		}
	})

	It("more streams than may be open are refused at once, and the open ones end whole", func() {
		crowd, words := size("AIMUX_E2E_OVERFLOW", 250), size("AIMUX_E2E_WORDS", 60)
		room := crowd * 2 / 5
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 30, Tokens: words, MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{
			More: fmt.Sprintf("limits:\n  in_flight: %d\n  streams: %d\n", 2*crowd, room), Providers: []harness.Provider{up.As("one", "simulator", "k")},
		})
		before, usageErr := gw.Usage()
		begun := time.Now()
		answers := make([]*harness.Answer, crowd)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Dialects[i%3], Stream: true}) })
		}
		all.Wait()
		whole, slowest := 0, time.Duration(0)
		for _, a := range answers {
			if a.Outcome(words) == harness.OK {
				whole++
				continue
			}
			Expect(a.Outcome(0)).To(BeElementOf(harness.ERR(503), harness.ERR(529)), "%s", a.Body)
			Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty())
			slowest = max(slowest, a.Headers)
		}
		Expect(whole).To(BeNumerically(">=", room))
		Expect(whole).To(BeNumerically("<", crowd))
		wantNothingInFlight(gw)
		if after, err := gw.Usage(); usageErr == nil && err == nil {
			AddReportEntry(fmt.Sprintf("%d streams at once where %d may be: %d whole, %d refused, the slowest refusal after %s; all in %s; RSS %d MiB before, %d MiB after", crowd, room, whole,
				crowd-whole, slowest.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond), before.RSS>>20, after.RSS>>20))
		}
		Expect(gw.Ask(GinkgoT(), harness.Ask{Stream: true}).Outcome(words)).To(Equal(harness.OK))
	})

	It("a provider with as many requests as it bears is passed over for the next", func() {
		first := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "first", TTFT: time.Second})
		second := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "second"})
		one := first.As("one", "simulator", "k")
		one.More = []string{"max_in_flight: 2"}
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{one, second.As("two", "simulator", "k")}})
		Expect(together(8, func() *harness.Answer { return gw.Ask(GinkgoT(), harness.Ask{}) })).To(HaveEach(harness.OK))
		Expect(first.Count()).To(Equal(2))
		Expect(second.Count()).To(Equal(6))
	})

	It("74 a client that opens and resets streams without end does not hold the gateway up", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TTFT: 20 * time.Millisecond, MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{
			Caddyfile: "{\n\taimux aimux.toon\n\tadmin {$AIMUX_ADMIN}\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n}\n{$AIMUX_SITE} {\n\tbind 127.0.0.1\n\taimux\n}\n",
			Providers: []harness.Provider{up.As("one", "simulator", "k")},
		})
		opened := resets(gw, size("AIMUX_E2E_RESETS", 3000))
		begun := time.Now()
		asks(gw, 10, harness.Ask{})
		took := time.Since(begun)
		Expect(took).To(BeNumerically("<", 5*time.Second))
		wantNothingInFlight(gw)
		before, err := gw.Usage()
		if err != nil {
			Skip("no /proc here: " + err.Error())
		}
		time.Sleep(time.Second) // in which an idle process uses next to nothing
		after, _ := gw.Usage()
		Expect(after.CPU - before.CPU).To(BeNumerically("<", 200*time.Millisecond))
		AddReportEntry(fmt.Sprintf("%d streams opened and reset on one connection; ten requests after it took %s", opened, took.Round(time.Millisecond)))
	})
})

// resets opens and resets n streams on one connection and returns how many the
// server let pass before it closed the connection, if it did.
func resets(gw *harness.Gateway, n int) int {
	GinkgoHelper()
	host := strings.TrimPrefix(gw.URL, "http://")
	c, err := net.Dial("tcp", host)
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	Expect(c.SetDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
	go func() { _, _ = io.Copy(io.Discard, c) }()
	_, err = io.WriteString(c, http2.ClientPreface)
	Expect(err).NotTo(HaveOccurred())
	framer := http2.NewFramer(c, nil)
	Expect(framer.WriteSettings()).To(Succeed())
	body := []byte(`{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	var block bytes.Buffer
	pack := hpack.NewEncoder(&block)
	for i := range n {
		block.Reset()
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", host}, {":path", "/v1/chat/completions"}, {"content-type", "application/json"}} {
			_ = pack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		stream := uint32(2*i + 1)
		if framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}) != nil ||
			framer.WriteData(stream, true, body) != nil || framer.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
			return i
		}
	}
	return n
}
