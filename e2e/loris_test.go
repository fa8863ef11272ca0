package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// dribble opens so many connections to a server and sends a byte a second on
// each: half of them in a header, half in a body that is said to be long. What
// it returns ends them.
func dribble(url string, n int) (stop func()) {
	GinkgoHelper()
	host := strings.TrimPrefix(url, "http://")
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", host)
		Expect(err).NotTo(HaveOccurred())
		begin := "POST /v1/chat/completions HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\n"
		if i%2 == 0 {
			begin += "X-Long: "
		} else {
			begin += "Content-Length: 50000\r\n\r\n{\"model\":\""
		}
		_, err = c.Write([]byte(begin))
		Expect(err).NotTo(HaveOccurred())
		conns[i] = c
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(n))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
				_, _ = conns[i%n].Write([]byte("a")) // the server may have had enough of it
			}
		}
	})
	return func() {
		close(done)
		group.Wait()
		for _, c := range conns {
			c.Close()
		}
	}
}

var _ = Describe("Slow clients", Serial, func() {
	It("T25 a thousand that send a byte a second do not slow the others down", func() {
		const slow, rounds = 1000, 3
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		proxy := plainProxy(up)
		body := `{"model":"any-model","messages":[{"role":"user","content":"hi"}]}`
		var p50, p99 [2][]float64 // of the gateway and of the proxy: with, as a ratio of without
		var lines []string
		for range rounds {
			for i, server := range []*harness.Gateway{gw, proxy} {
				name := [...]string{"gateway", "reverse_proxy"}[i]
				without := measure(name, server.URL, server, body)
				stop := dribble(server.URL, slow)
				with := measure(name, server.URL, server, body)
				stop()
				p50[i], p99[i] = append(p50[i], ratio(with.p50, without.p50)), append(p99[i], ratio(with.p99, without.p99))
				lines = append(lines, fmt.Sprintf("%-13s p50 %s, with the slow ones %s; p99 %s, with them %s", name,
					without.p50.Round(time.Microsecond), with.p50.Round(time.Microsecond), without.p99.Round(time.Microsecond), with.p99.Round(time.Microsecond)))
			}
		}
		for i := range p50 {
			slices.Sort(p50[i])
			slices.Sort(p99[i])
		}
		lines = append(lines, fmt.Sprintf("medians of %d rounds: gateway p50 ×%.2f, p99 ×%.2f; reverse_proxy p50 ×%.2f, p99 ×%.2f",
			rounds, p50[0][rounds/2], p99[0][rounds/2], p50[1][rounds/2], p99[1][rounds/2]))
		AddReportEntry("slow clients", ReportEntryVisibilityAlways, strings.Join(lines, "\n"))
		// Neighbours slow single rounds down; slow clients would slow all of them.
		Expect(p50[0][0]).To(BeNumerically("<=", 2), strings.Join(lines, "\n"))
		Expect(p99[0][0]).To(BeNumerically("<=", 2), strings.Join(lines, "\n"))
	})
})
