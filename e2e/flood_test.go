package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// guess posts a hundred logins a second to a console, for users that are and
// that are not, until stop. away counts those that are turned away unread, and
// refused the others.
func guess(console string) (refused, away *atomic.Int64, stop func()) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	done := make(chan struct{})
	var group sync.WaitGroup
	refused, away = new(atomic.Int64), new(atomic.Int64)
	places := make(chan struct{}, 200)
	group.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			select {
			case places <- struct{}{}:
			default:
				continue // the console makes them wait
			}
			group.Go(func() {
				defer func() { <-places }()
				user := "admin"
				if i%2 == 1 {
					user = fmt.Sprintf("user%d", i)
				}
				r, err := client.Post(console+"/api/login", "application/json", strings.NewReader(fmt.Sprintf(`{"user":%q,"password":"guess-%d"}`, user, i)))
				if err != nil {
					return
				}
				r.Body.Close()
				if r.StatusCode == http.StatusTooManyRequests {
					away.Add(1)
				} else {
					refused.Add(1)
				}
			})
		}
	})
	return refused, away, func() {
		close(done)
		group.Wait()
		client.CloseIdleConnections()
	}
}

var _ = Describe("Guessing passwords", Serial, func() {
	It("T25 a hundred times a second does not slow requests down, nor take much memory", func() {
		gw, _ := withClients()
		Eventually(gw.Password).ShouldNot(BeEmpty())
		before, err := gw.Usage()
		if err != nil {
			Skip("no /proc here: " + err.Error())
		}
		body := `{"model":"any-model","messages":[{"role":"user","content":"hi"}]}`
		var p99 []float64
		var lines []string
		peak := before.RSS
		for range 3 {
			without := measure("gateway", gw.URL, gw, body)
			refused, away, stop := guess(gw.Console())
			Eventually(away.Load).WithTimeout(20*time.Second).ShouldNot(BeZero(), "the first guesses, which are the dearest, are done")
			with := measure("gateway", gw.URL, gw, body)
			now, err := gw.Usage()
			Expect(err).NotTo(HaveOccurred())
			peak = max(peak, now.RSS)
			stop()
			p99 = append(p99, ratio(with.p99, without.p99))
			lines = append(lines, fmt.Sprintf("p50 %s, under guesses %s; p99 %s, under them %s; %d guesses refused, %d turned away",
				without.p50.Round(time.Microsecond), with.p50.Round(time.Microsecond), without.p99.Round(time.Microsecond), with.p99.Round(time.Microsecond), refused.Load(), away.Load()))
		}
		slices.Sort(p99)
		lines = append(lines, fmt.Sprintf("RSS %d MiB, at most %d MiB", before.RSS>>20, peak>>20))
		AddReportEntry("guesses", ReportEntryVisibilityAlways, strings.Join(lines, "\n"))
		Expect(p99[0]).To(BeNumerically("<=", 2), strings.Join(lines, "\n"))
		Expect(peak-before.RSS).To(BeNumerically("<=", 40<<20), strings.Join(lines, "\n"))
	})
})
