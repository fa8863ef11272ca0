package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// figure is what a number of requests, one after the other, took by one way.
type figure struct {
	name     string
	p50, p99 time.Duration
	cpu      time.Duration // of the process in between, per request; 0: unknown
}

const measured = 600

// measure sends requests to url and times them. gw is the process in between.
func measure(name, url string, gw *harness.Gateway, body string) figure {
	GinkgoHelper()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	send := func() time.Duration {
		begun := time.Now()
		r, err := client.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		defer r.Body.Close()
		Expect(r.StatusCode).To(Equal(200))
		buf := make([]byte, 16<<10)
		for err == nil {
			_, err = r.Body.Read(buf)
		}
		return time.Since(begun)
	}
	for range 100 {
		send()
	}
	used := func() (u harness.Usage) {
		if gw != nil {
			u, _ = gw.Usage()
		}
		return u
	}
	before, times := used(), make([]time.Duration, measured)
	for i := range times {
		times[i] = send()
	}
	slices.Sort(times)
	return figure{name: name, p50: times[measured/2], p99: times[measured*99/100], cpu: (used().CPU - before.CPU) / measured}
}

// plainProxy starts the same program as a plain reverse proxy before up.
func plainProxy(up *harness.Upstream) *harness.Gateway {
	GinkgoHelper()
	return harness.Start(GinkgoT(), harness.Config{Caddyfile: "{\n\tadmin off\n}\n{$AIMUX_SITE} {\n\tbind 127.0.0.1\n\trespond /readyz 200\n\treverse_proxy " + up.Listener.Addr() + "\n}\n"})
}

var _ = Describe("Figures", Serial, func() {
	It("of the gateway beside a direct call and a plain reverse proxy, in one run", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{MaxRecords: -1})
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "k")}})
		idle, err := gw.Usage()
		if err != nil {
			Skip("no /proc here: " + err.Error())
		}
		proxy := plainProxy(up)
		var lines []string
		for _, size := range []int{1 << 10, 100 << 10} {
			body := `{"model":"any-model","messages":[{"role":"user","content":"` + strings.Repeat("x", size) + `"}]}`
			direct := measure("direct", up.URL(), nil, body)
			plain, through := measure("reverse_proxy", proxy.URL, proxy, body), measure("gateway", gw.URL, gw, body)
			for _, f := range []figure{direct, plain, through} {
				lines = append(lines, fmt.Sprintf("%3d KB %-13s p50 %6s (×%.2f)  p99 %6s (×%.2f)  CPU/request %s", size>>10, f.name,
					f.p50.Round(time.Microsecond), ratio(f.p50, direct.p50), f.p99.Round(time.Microsecond), ratio(f.p99, direct.p99), f.cpu.Round(time.Microsecond)))
			}
		}
		lines = append(lines, fmt.Sprintf("start to first answer: gateway %s, reverse_proxy %s; idle RSS of the gateway %.1f MiB",
			gw.StartTime().Round(time.Millisecond), proxy.StartTime().Round(time.Millisecond), float64(idle.RSS)/(1<<20)))
		AddReportEntry("figures", ReportEntryVisibilityAlways, strings.Join(lines, "\n"))
	})
})

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
