package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// heap returns how many bytes of a gateway's heap are in use after a collection.
func heap(gw *harness.Gateway) float64 {
	GinkgoHelper()
	var text []byte
	for range 2 { // what has a finalizer goes with the second collection
		answer, err := http.Get(gw.Admin + "/debug/pprof/heap?gc=1&debug=1")
		Expect(err).NotTo(HaveOccurred())
		text, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		Expect(err).NotTo(HaveOccurred())
	}
	_, rest, found := strings.Cut(string(text), "\n# HeapAlloc = ")
	Expect(found).To(BeTrue(), "the profile says nothing of HeapAlloc")
	number, _, _ := strings.Cut(rest, "\n")
	bytes, err := strconv.ParseFloat(number, 64)
	Expect(err).NotTo(HaveOccurred())
	return bytes
}

var _ = Describe("The memory of many reloads", func() {
	It("T8 after a hundred more it is what it was after twenty", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		config := func(i int) harness.Config {
			c := harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "a", "b")}, More: fmt.Sprintf("limits:\n  body: %dMiB\nlog:\n  decisions: 20\n", 8+i%7)}
			if i%2 == 1 { // a provider and a key come and go
				c.Providers[0].Keys = c.Providers[0].Keys[:1]
				c.Providers = append(c.Providers, up.As("extra", "simulator", "x"))
			}
			// A heap that is collected early lets what is resident show what is in use.
			c.Env = []string{"E2E_EXTRA_KEY_1=x", "E2E_ONE_KEY_2=b", "GOGC=20"}
			return c
		}
		gw := harness.Start(GinkgoT(), config(0))
		if _, err := gw.Usage(); err != nil {
			Skip("no /proc here: " + err.Error())
		}
		done := 0
		reload := func(times int) {
			GinkgoHelper()
			for range times {
				s := gw.Open(GinkgoT(), harness.Ask{Dialect: harness.Dialects[done%3], Stream: true})
				done++
				Expect(gw.Reload(config(done))).To(Succeed())
				a := s.Finish()
				if a.Status == 0 { // it met the listener that gave way, and is asked again as SDKs do
					a = gw.AskAnew(context.Background(), harness.Ask{Stream: true})
				}
				Expect(a.Outcome(16)).To(Equal(harness.OK), "%d %v %s", a.Status, a.Err, a.Body)
			}
		}
		resident := func() int64 {
			GinkgoHelper()
			u, err := gw.Usage()
			Expect(err).NotTo(HaveOccurred())
			return u.RSS
		}
		reload(20)
		heapBefore, before := heap(gw), resident()
		reload(100)
		heapAfter := heap(gw)
		Expect(heapAfter/heapBefore).To(BeNumerically("<=", 1.1), "the heap was %.0f bytes and is %.0f", heapBefore, heapAfter)
		after := resident()
		Expect(float64(after)/float64(before)).To(BeNumerically("<=", 1.1), "RSS was %d bytes and is %d", before, after)
		AddReportEntry(fmt.Sprintf("100 reloads: heap %.2f MiB, then %.2f MiB; RSS %d MiB, then %d MiB",
			heapBefore/(1<<20), heapAfter/(1<<20), before>>20, after>>20))
	})
})
