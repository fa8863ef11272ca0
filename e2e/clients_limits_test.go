package e2e

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// priced starts a gateway whose model costs $1 per million tokens in and $100
// out: an answer of 40 tokens comes to about 4,000 millionths.
func priced(more ...string) (*harness.Gateway, *harness.Upstream, harness.Config) {
	GinkgoHelper()
	up := harness.NewUpstream(GinkgoT(), simulator.Options{})
	c := guardedConfig(up, more...)
	c.Providers[0].More = append(c.Providers[0].More, "models[1]{id,input_price,output_price}:", "  m,1,100")
	return harness.Start(GinkgoT(), c), up, c
}

// spent is what a client has spent today, as the API shows it.
func spent(gw *harness.Gateway, id string) int64 {
	GinkgoHelper()
	var all struct {
		Clients []struct {
			ID         string
			SpentToday int64 `json:"spent_today_microusd"`
		}
	}
	gw.Local().Must(GinkgoT(), http.MethodGet, "/api/clients", nil).Into(GinkgoT(), &all)
	for _, c := range all.Clients {
		if c.ID == id {
			return c.SpentToday
		}
	}
	Fail("there is no client " + id)
	return 0
}

var _ = Describe("The limits of a client key", func() {
	// until asks until the answer is 429, and returns that answer and how many
	// came before it.
	until := func(gw *harness.Gateway, a harness.Ask) (*harness.Answer, int) {
		GinkgoHelper()
		for n := range 100 {
			answer := gw.Ask(GinkgoT(), a)
			if answer.Status != http.StatusOK {
				Expect(answer.Outcome(0)).To(Equal(limited), "%s", answer.Body)
				return answer, n
			}
		}
		Fail("no limit was met in 100 requests")
		return nil, 0
	}

	DescribeTable("of requests and tokens answer 429 in the dialect of the client, with its headers", func(d harness.Dialect) {
		gw, up, _ := priced()
		token := client(gw, map[string]any{"name": "few", "requests_per_minute": 3}).Token
		answer, n := until(gw, harness.Ask{Dialect: d, Header: bearer(token)})
		Expect(n).To(Equal(3))
		wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		Expect(err).NotTo(HaveOccurred())
		Expect(wait).To(BeNumerically("~", 20, 3), "one of three a minute comes back")
		names := map[harness.Dialect][3]string{
			harness.Messages: {"Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Reset"},
		}
		want, known := names[d]
		if !known {
			want = [3]string{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"}
		}
		Expect(answer.Header.Get(want[0])).To(Equal("3"))
		Expect(answer.Header.Get(want[1])).To(Equal("0"))
		Expect(answer.Header.Get(want[2])).NotTo(BeEmpty())
		Expect(up.Count()).To(Equal(3), "no upstream is asked beyond the limit")

		thrifty := client(gw, map[string]any{"name": "thrifty", "tokens_per_minute": 400}).Token
		answer, n = until(gw, harness.Ask{Dialect: d, Header: bearer(thrifty), More: limitOutput(d, 100)})
		Expect(n).To(BeNumerically(">=", 2))
		Expect(string(answer.Body)).To(ContainSubstring("400 tokens a minute"))
	}, Entry(nil, harness.Chat), Entry(nil, harness.Messages), Entry(nil, harness.Responses))

	It("of requests under way end with the requests, however they end", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{TokensPerSecond: 20, Tokens: 200})
		gw := harness.Start(GinkgoT(), guardedConfig(up))
		token := client(gw, map[string]any{"name": "anna", "max_streams": 2}).Token
		for range 2 { // the second time after both clients have hung up
			one, two := gw.Open(GinkgoT(), harness.Ask{Stream: true, Header: bearer(token)}), gw.Open(GinkgoT(), harness.Ask{Stream: true, Header: xkey(token)})
			Expect(one.Words(1)).To(BeTrue())
			Expect(two.Words(1)).To(BeTrue())
			Expect(try(gw, token, harness.Ask{Stream: true})).To(Equal(limited))
			one.Close()
			two.Close()
			Eventually(func() bool {
				s := gw.Open(GinkgoT(), harness.Ask{Stream: true, Header: bearer(token)})
				defer s.Close()
				return s.Words(1)
			}).Should(BeTrue())
			Eventually(func() int { return streams(gw) }).Should(BeZero())
		}
	})

	It("of money are reserved before and settled after, to the millionth, for the key and its team", func() {
		gw, up, _ := priced("teams[1]{name,daily_usd}:\n  lab,0.05")
		anna := client(gw, map[string]any{"name": "anna", "daily_microusd": 20_000})
		bert, cleo := client(gw, map[string]any{"name": "bert", "team": "lab"}), client(gw, map[string]any{"name": "cleo", "team": "lab"})
		ask := func(token string) harness.Ask {
			return harness.Ask{Header: bearer(token), More: map[string]any{"max_tokens": 60}}
		}
		answer, n := until(gw, ask(anna.Token))
		Expect(n).To(BeNumerically(">", 2))
		Expect(string(answer.Body)).To(SatisfyAll(ContainSubstring("daily spend limit"), ContainSubstring("insufficient_quota"), ContainSubstring("$0.02")))
		Expect(spent(gw, anna.Client.ID)).To(SatisfyAll(BeNumerically(">", 10_000), BeNumerically("<=", 20_000)))

		count := up.Count()
		_, b := until(gw, ask(bert.Token))
		Expect(try(gw, cleo.Token, harness.Ask{More: map[string]any{"max_tokens": 60}})).To(Equal(limited), "what one of a team spends the other lacks")
		Expect(up.Count()).To(Equal(count + b))
		Expect(spent(gw, bert.Client.ID)).To(BeNumerically("<=", 50_000))
		Expect(spent(gw, cleo.Client.ID)).To(BeZero())
	})

	It("of money hold for many at once", func() {
		gw, _, _ := priced()
		anna := client(gw, map[string]any{"name": "anna", "daily_microusd": 100_000})
		var wait sync.WaitGroup
		for range 60 {
			wait.Go(func() {
				gw.Ask(GinkgoT(), harness.Ask{Header: bearer(anna.Token), More: map[string]any{"max_tokens": 60}})
			})
		}
		wait.Wait()
		Expect(spent(gw, anna.Client.ID)).To(SatisfyAll(BeNumerically(">", 20_000), BeNumerically("<=", 100_000)))
	})

	It("of money hold for requests that fail and for those that claim too much", func() {
		gw, up, _ := priced()
		anna := client(gw, map[string]any{"name": "anna", "daily_microusd": 1_000_000})
		up.Script(simulator.Selector{}, simulator.Fail("400"))
		Expect(try(gw, anna.Token)).NotTo(Equal(harness.OK))
		Expect(spent(gw, anna.Client.ID)).To(BeZero(), "nothing was answered")
		Expect(gw.Reload(guardedAgain(gw))).To(Succeed())
		Eventually(func() harness.Outcome { return try(gw, anna.Token) }).Should(Equal(harness.OK))
		before := spent(gw, anna.Client.ID)
		Expect(before).To(BeNumerically(">", 1_000))
		// A claim far beyond any answer does not overflow into a credit.
		for _, most := range []any{9e18, 1 << 62, -5, "many"} {
			_ = gw.Ask(GinkgoT(), harness.Ask{Header: bearer(anna.Token), More: map[string]any{"max_tokens": most}})
			Expect(spent(gw, anna.Client.ID)).To(BeNumerically(">=", before))
		}
	})

	It("are the API's to change while requests run, and take effect at once", func() {
		gw, _, _ := priced()
		anna := client(gw, map[string]any{"name": "anna"})
		Expect(try(gw, anna.Token)).To(Equal(harness.OK))
		gw.Local().Must(GinkgoT(), http.MethodPut, "/api/clients/"+anna.Client.ID, map[string]any{"name": "anna", "requests_per_minute": 1})
		Eventually(func() harness.Outcome { return try(gw, anna.Token) }).Should(Equal(limited))
		gw.Local().Must(GinkgoT(), http.MethodPut, "/api/clients/"+anna.Client.ID, map[string]any{"name": "anna"})
		Expect(try(gw, anna.Token)).To(Equal(harness.OK))
		for _, bad := range []map[string]any{
			{"name": "anna", "requests_per_minute": -1}, {"name": "anna", "daily_microusd": -1}, {"name": "anna", "daily_microusd": 9.3e18},
			{"name": "", "requests_per_minute": 1}, {"name": "anna", "networks": []string{"everywhere"}}, {"name": "anna", "dialects": []string{"latin"}},
			{"name": "anna", "role": "admin"}, {"name": "anna", "spent_today_microusd": 0},
		} {
			r := gw.Local().Do(GinkgoT(), http.MethodPut, "/api/clients/"+anna.Client.ID, bad)
			Expect(r.Status).To(BeElementOf(400, 422), "%v: %s", bad, r.Body)
		}
	})
})

// limitOutput bounds the answer in the words of a dialect.
func limitOutput(d harness.Dialect, tokens int) map[string]any {
	if d == harness.Responses {
		return map[string]any{"max_output_tokens": tokens}
	}
	return map[string]any{"max_tokens": tokens}
}

// streams is how many requests of clients run now.
func streams(gw *harness.Gateway) (n int) {
	GinkgoHelper()
	var all struct{ Clients []struct{ Streams int } }
	gw.Local().Must(GinkgoT(), http.MethodGet, "/api/clients", nil).Into(GinkgoT(), &all)
	for _, c := range all.Clients {
		n += c.Streams
	}
	return n
}

// guardedAgain is the gateway's own configuration with a change that matters to
// nobody, so that a reload is one.
func guardedAgain(gw *harness.Gateway) harness.Config {
	c := gw.Config()
	c.More += "\nlimits:\n  body: " + strconv.Itoa(int(time.Now().UnixMilli()%1000)+8000) + "KiB\n"
	return c
}
