package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// trouble is what a bad line does to one row of the fault matrix.
type trouble struct {
	kind string
	with map[string]int
}

// ill runs a row against an upstream behind a bad line. The upstream itself is
// healthy.
func (r row) ill(all ...trouble) {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad", Tokens: 16})
	line := harness.NewLine(GinkgoT(), up.Listener.Addr())
	p := r.start(line.URL())
	for _, t := range all {
		line.Trouble(t.kind, t.with)
	}
	r.verify(p)
}

var _ = Describe("The fault matrix, on bad lines", func() {
	DescribeTable("a line that breaks before the first event moves to another target", func(number int, more string, all ...trouble) {
		row{number: number, stream: ok, whole: ok, untranslated: true, more: more}.ill(all...)
	},
		Entry("8 reset at once", 8, "", trouble{"reset_peer", map[string]int{"timeout": 0}}),
		Entry("8 reset after 50 ms of nothing", 8, "", trouble{"latency", map[string]int{"latency": 400}}, trouble{"reset_peer", map[string]int{"timeout": 50}}),
		Entry("10 cut within the header", 10, "", trouble{"limit_data", map[string]int{"bytes": 60}}),
		Entry("20 everything vanishes", 20, quick, trouble{"timeout", map[string]int{"timeout": 0}}),
		Entry("20 everything vanishes, then the line closes", 20, quick, trouble{"timeout", map[string]int{"timeout": 300}}),
		Entry("20 later than the first event may be", 20, quick, trouble{"latency", map[string]int{"latency": 1200}}),
		Entry("19 a header that trickles", 19, quick, trouble{"slicer", map[string]int{"average_size": 1, "size_variation": 0, "delay": 20_000}}),
	)

	DescribeTable("a line that is only bad makes an answer slow, not broken", func(number int, all ...trouble) {
		row{number: number, stream: ok, whole: ok, by: "bad"}.ill(all...)
	},
		Entry("24 4 KB/s", 24, trouble{"bandwidth", map[string]int{"rate": 4}}),
		Entry("23 150 ms away, and unsteadily", 23, trouble{"latency", map[string]int{"latency": 150, "jitter": 100}}),
		Entry("63 cut into pieces of three bytes", 63, trouble{"slicer", map[string]int{"average_size": 3, "size_variation": 2, "delay": 200}}),
		Entry("63 one byte at a time", 63, trouble{"slicer", map[string]int{"average_size": 1, "size_variation": 0, "delay": 10}}),
		Entry("67 slow to close", 67, trouble{"slow_close", map[string]int{"delay": 2000}}),
	)

	// How much of an answer a line lets through before it breaks is counted in
	// bytes, header included; content has begun after the first 900 of them in
	// every dialect.
	DescribeTable("a line that breaks in the middle of a stream ends it with the dialect's error", func(d harness.Dialect, bytes int) {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad", Tokens: 400})
		line := harness.NewLine(GinkgoT(), up.Listener.Addr())
		line.Trouble("limit_data", map[string]int{"bytes": bytes})
		good := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "good"})
		bad := up.As("bad", "simulator", "k")
		bad.URL = line.URL()
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{bad, good.As("good", "simulator", "k")}})
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
		Expect(a.Outcome(0)).To(Equal(harness.EVT), shorten(a))
		Expect(good.Count()).To(BeZero(), "no failover after content")
	}, func(d harness.Dialect, bytes int) string { return fmt.Sprintf("58 %s after %d bytes", d, bytes) },
		Entry(nil, harness.Chat, 3000), Entry(nil, harness.Chat, 20_011), Entry(nil, harness.Messages, 3000), Entry(nil, harness.Messages, 20_011),
		Entry(nil, harness.Responses, 6000), Entry(nil, harness.Responses, 20_011),
	)

	It("21 a line that falls silent in the middle of a stream ends it with the dialect's error", func() {
		for _, d := range harness.Dialects {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "bad", TokensPerSecond: 40, Tokens: 400})
			line := harness.NewLine(GinkgoT(), up.Listener.Addr())
			p := up.As("bad", "simulator", "k")
			p.URL = line.URL()
			gw := harness.Start(GinkgoT(), harness.Config{More: quick, Providers: []harness.Provider{p}})
			s := gw.Open(GinkgoT(), harness.Ask{Dialect: d, Stream: true})
			Expect(s.Words(3)).To(BeTrue())
			line.Trouble("timeout", map[string]int{"timeout": 0})
			begun := time.Now()
			Expect(s.Finish().Outcome(0)).To(Equal(harness.EVT))
			Expect(time.Since(begun)).To(BeNumerically("<", 3*time.Second))
			up.WaitCancel(GinkgoT())
		}
	})

	It("58 a server that takes all its streams along is asked again at once", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: "only", TokensPerSecond: 40, Tokens: 400})
		line := harness.NewLine(GinkgoT(), up.Listener.Addr())
		p := up.As("only", "simulator", "k")
		p.URL = line.URL()
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		var streams []*harness.Stream
		for i := range 30 {
			s := gw.Open(GinkgoT(), harness.Ask{Dialect: harness.Dialects[i%3], Stream: true})
			Expect(s.Words(3)).To(BeTrue())
			streams = append(streams, s)
		}
		line.Break()
		for _, s := range streams {
			Expect(s.Finish().Outcome(0)).To(Equal(harness.EVT))
		}
		next := gw.Open(GinkgoT(), harness.Ask{Stream: true})
		Expect(next.Words(3)).To(BeTrue(), "%d %s", next.Answer().Status, next.Answer().Body)
	})
})
