package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// fetch gets a page with headers given in pairs.
func fetch(method, url string, headers ...string) (*http.Response, []byte) {
	GinkgoHelper()
	r, err := http.NewRequest(method, url, nil)
	Expect(err).NotTo(HaveOccurred())
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return response, body
}

var _ = Describe("Model names", func() {
	// two starts a gateway with one provider and the aliases coder and coder-fast.
	two := func(more ...harness.Route) (*harness.Gateway, *harness.Upstream) {
		GinkgoHelper()
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{
			Providers: []harness.Provider{up.As("one", "simulator", "k")},
			Models: append([]harness.Route{
				{Alias: "coder", Provider: "one", Model: "big"}, {Alias: "coder-fast", Provider: "one", Model: "small"},
			}, more...),
		})
		return gw, up
	}

	It("lists aliases and models in OpenAI's shape", func() {
		gw, up := two()
		r, body := fetch(http.MethodGet, gw.URL+"/v1/models", "Authorization", "Bearer x")
		Expect(r.StatusCode).To(Equal(200))
		var list struct {
			Object string
			Data   []struct{ ID, Object, OwnedBy string }
		}
		Expect(json.Unmarshal(body, &list)).To(Succeed())
		Expect(list.Object).To(Equal("list"))
		var ids []string
		for _, m := range list.Data {
			Expect(m.Object).To(Equal("model"))
			ids = append(ids, m.ID)
		}
		Expect(ids).To(ContainElements("coder", "coder-fast", "one/big", "one/small"))
		Expect(up.Count()).To(BeZero(), "the list comes from memory")
	})

	It("lists them in Anthropic's shape, aliases under ids that Claude Code keeps", func() {
		gw, _ := two()
		begun := time.Now()
		r, body := fetch(http.MethodGet, gw.URL+"/v1/models?limit=1000", "x-api-key", "x", "anthropic-version", "2023-06-01")
		Expect(r.StatusCode).To(Equal(200), "and no redirect")
		Expect(time.Since(begun)).To(BeNumerically("<", 3*time.Second))
		var list struct {
			Data []struct {
				ID, Type    string
				DisplayName string `json:"display_name"`
			}
			HasMore bool   `json:"has_more"`
			FirstID string `json:"first_id"`
		}
		Expect(json.Unmarshal(body, &list)).To(Succeed())
		Expect(list.Data[0].ID).To(Equal("claude-aimux-coder"))
		Expect(list.Data[0].Type).To(Equal("model"))
		Expect(list.Data[0].DisplayName).To(Equal("coder"))
		Expect(list.FirstID).To(Equal(list.Data[0].ID))
		Expect(list.HasMore).To(BeFalse())
	})

	It("takes the name of the list, also with Claude Code's window mark", func() {
		gw, up := two()
		for _, name := range []string{"claude-aimux-coder", "claude-aimux-coder[1m]", "coder", "Coder", "one/big"} {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Model: name})
			Expect(a.Outcome(16)).To(Equal(harness.OK), "%s: %s", name, a.Body)
			Expect(up.Last(GinkgoT()).Model).To(Equal("big"))
		}
	})

	It("shows one model", func() {
		gw, _ := two()
		r, body := fetch(http.MethodGet, gw.URL+"/v1/models/coder")
		Expect(r.StatusCode).To(Equal(200))
		Expect(string(body)).To(ContainSubstring(`"id":"coder"`))
		r, body = fetch(http.MethodGet, gw.URL+"/v1/models/one/big", "anthropic-version", "2023-06-01")
		Expect(r.StatusCode).To(Equal(200))
		Expect(string(body)).To(ContainSubstring(`"type":"model"`))
		r, _ = fetch(http.MethodGet, gw.URL+"/v1/models/nothing")
		Expect(r.StatusCode).To(Equal(404))
	})

	DescribeTable("answers an unknown name with 404 and near names, in the client's dialect", func(d harness.Dialect, stream bool) {
		gw, up := two()
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: d, Model: "codr", Stream: stream})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(404)), "%s", a.Body)
		Expect(a.Message()).To(ContainSubstring("coder"))
		Expect(up.Count()).To(BeZero())
	},
		Entry("Chat", harness.Chat, false), Entry("Chat stream", harness.Chat, true),
		Entry("Messages", harness.Messages, false), Entry("Messages stream", harness.Messages, true),
		Entry("Responses", harness.Responses, false), Entry("Responses stream", harness.Responses, true),
	)

	It("takes any name when there is an alias *", func() {
		gw, up := two(harness.Route{Alias: "*", Provider: "one", Model: "rest"}, harness.Route{Alias: "gpt-*", Provider: "one", Model: "gpts"})
		for name, want := range map[string]string{"no-such": "rest", "gpt-9": "gpts", "coder": "big"} {
			a := gw.Ask(GinkgoT(), harness.Ask{Model: name})
			Expect(a.Outcome(16)).To(Equal(harness.OK))
			Expect(up.Last(GinkgoT()).Model).To(Equal(want), name)
		}
	})
})
