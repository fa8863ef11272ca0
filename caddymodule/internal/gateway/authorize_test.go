package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/google/go-cmp/cmp"
)

// guests are clients by credential, for tests.
type guests map[string]*guest

func (g guests) Identify(credential string, from netip.Addr) (Client, *llm.Error) {
	if c := g[credential]; c != nil {
		c.from = from
		return c, nil
	}
	return nil, &llm.Error{Type: llm.ErrUnauthenticated, Status: http.StatusUnauthorized, Message: "no such key"}
}

type guest struct {
	models  string
	denial  *Denial
	from    netip.Addr
	asked   []Ask
	settled [][2]int64
}

func (*guest) Name() string                              { return "ann" }
func (*guest) Team() string                              { return "red" }
func (c *guest) Allows(model string, _ llm.Dialect) bool { return strings.Contains(c.models, model) }
func (c *guest) Settle(tokens, cost int64, _ time.Time) {
	c.settled = append(c.settled, [2]int64{tokens, cost})
}
func (c *guest) Reserve(a Ask) (Grant, *Denial) {
	c.asked = append(c.asked, a)
	return c, c.denial
}

func TestAuthorize_StrangersGetNoFurtherThanTheirHeader(t *testing.T) {
	h := build(t, Limits{Body: 10}, seat{name: "a"})
	h.Clients = guests{}
	for _, path := range []string{"/v1/messages", "/v1/chat/completions", "/v1/responses", "/anthropic/v1/messages"} {
		if w := h.post(path, `not json, and longer than limits.body`); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401 before the body is looked at: %s", path, w.Code, w.Body)
		}
	}
	if n := h.sims["a"].Count(); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestAuthorize_OutsideTheScopeIs403AndSaysNothingOfWhatExists(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Clients = guests{"k": {models: "other"}}
	for _, model := range []string{"m", "no-such-model"} {
		w := h.post("/v1/chat/completions", `{"model":"`+model+`","messages":[]}`, "Authorization", "Bearer k")
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "did you mean") {
			t.Errorf("%s: status %d: %s", model, w.Code, w.Body)
		}
	}
}

func TestReserve_TakesTheMostARequestMayComeToAndSettlesWhatItDid(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Router.Targets()[0].Caps.Price = provider.Price{Input: 1_000_000, Output: 10_000_000}
	c := &guest{models: "m"}
	h.Clients = guests{"k": c}
	body := `{"model":"m","max_tokens":500,"messages":[{"role":"user","content":"` + strings.Repeat("x", 400) + `"}]}`
	if w := h.post("/v1/messages", body, "X-Api-Key", "k"); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	in := int64(len(body) / 4)
	if got, want := c.asked[0].Tokens, in+500; got != want {
		t.Errorf("%d tokens reserved, want %d", got, want)
	}
	if got, want := c.asked[0].Cost, in+5000; got != want {
		t.Errorf("%d micro-dollars reserved, want %d", got, want)
	}
	r := h.records[0]
	want := [][2]int64{{int64(r.Usage.Input + r.Usage.Output), r.Cost}}
	if d := cmp.Diff(want, c.settled); d != "" || r.Cost == 0 || r.Client != "ann" || r.Team != "red" {
		t.Errorf("settled otherwise than recorded: %s\n%+v", d, r)
	}
}

func TestReserve_ADenialIsA429InTheClientsDialect(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		denial Denial
		path   string
		want   map[string]string
		text   string
	}{
		"requests, Chat": {Denial{Kind: "requests", Limit: 60, Reset: 1500 * time.Millisecond}, "/v1/chat/completions",
			map[string]string{"X-Ratelimit-Limit-Requests": "60", "X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1.5s", "Retry-After": "2"}, "60 requests a minute"},
		"tokens, Messages": {Denial{Kind: "tokens", Team: true, Limit: 1000, Remaining: 7, Reset: 3 * time.Second}, "/v1/messages",
			map[string]string{"Anthropic-Ratelimit-Tokens-Limit": "1000", "Anthropic-Ratelimit-Tokens-Remaining": "7", "Anthropic-Ratelimit-Tokens-Reset": "2026-05-01T00:00:03Z", "Retry-After": "3"}, "the team of this client key"},
		"streams": {Denial{Kind: "streams", Limit: 4, Reset: time.Second}, "/v1/responses", map[string]string{"Retry-After": "1"}, "4 requests under way"},
		"spend": {Denial{Kind: "daily_spend", Limit: 5_000_000, Remaining: 12_000, Reset: time.Hour}, "/v1/chat/completions",
			map[string]string{"X-Should-Retry": "false", "X-Ratelimit-Limit-Requests": ""}, "the daily spend limit of this client key, $5.00"},
	} {
		h := build(t, Limits{}, seat{name: "a"})
		h.Now = func() time.Time { return now }
		h.Clients = guests{"k": {models: "m", denial: &tc.denial}}
		w := h.post(tc.path, `{"model":"m","max_tokens":1,"messages":[],"input":"x"}`, "X-Api-Key", "k")
		if w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), tc.text) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		for header, value := range tc.want {
			if got := w.Header().Get(header); got != value {
				t.Errorf("%s: %s is %q, want %q", name, header, got, value)
			}
		}
		if r := h.records[0]; r.Reason != "client_"+tc.denial.Kind || len(r.Attempts) > 0 {
			t.Errorf("%s: recorded as %q after %d attempts", name, r.Reason, len(r.Attempts))
		}
	}
}

func TestModels_AreThoseTheClientMayAskFor(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Clients = guests{"k": {models: "m"}}
	get := func(path, key string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, "http://aimux.example"+path, nil)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if code, body := get("/v1/models", "k"); code != 200 || !strings.Contains(body, `"m"`) || strings.Contains(body, "a/model-a") {
		t.Error(code, body)
	}
	for path, want := range map[string]int{"/v1/models/m": 200, "/v1/models/a/model-a": 404} {
		if code, body := get(path, "k"); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	for _, path := range []string{"/v1/models", "/v1/models/m", "/models", "//v1/models"} {
		if code, body := get(path, ""); code != 401 && code != 404 {
			t.Errorf("%s without a key: %d %s", path, code, body)
		}
	}
}

func TestTally_AChatStreamIsAskedForItsTokensAndTheClientDoesNotSeeIt(t *testing.T) {
	for asks, body := range map[string]string{
		"not asked": `{"stream":true,"model":"m","messages":[{"role":"user","content":"hi"}]}`,
		"refused":   `{"stream":true,"model":"m","messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":false}}`,
		"asked":     `{"stream":true,"model":"m","messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true}}`,
	} {
		h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
		h.AskUsage = true
		w := h.post("/v1/chat/completions", body)
		r := h.records[0]
		if seen := strings.Contains(w.Body.String(), `"usage":{`); seen != (asks == "asked") {
			t.Errorf("%s: the client sees usage: %v\n%s", asks, seen, w.Body)
		}
		if !strings.HasSuffix(w.Body.String(), "data: [DONE]\n\n") {
			t.Errorf("%s: the end is missing: %s", asks, w.Body)
		}
		if r.Estimated != (asks == "refused") || r.Usage.Output == 0 || r.Usage.Input == 0 {
			t.Errorf("%s: %+v estimated %v", asks, r.Usage, r.Estimated)
		}
	}
}

func TestTraceparent_OnlyTheStandardsFormIsTaken(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for value, want := range map[string]string{
		good: good, "": "", good + "x": "", strings.ToUpper(good): "", strings.Replace(good, "-", "_", 1): "", strings.Repeat("0", 55): "",
	} {
		if got := traceparent(http.Header{"Traceparent": {value}}); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestReserve_TheDearestTargetAndHugeAnswersStayWithinTheArithmetic(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	for i, target := range h.Router.Targets() {
		target.Caps.Price = provider.Price{Output: int64(1+i) * 1_000_000}
	}
	c := &guest{models: "m"}
	h.Clients = guests{"k": c}
	for _, most := range []string{"1000", "-5", "9223372036854775807", "1e300"} {
		h.post("/v1/chat/completions", `{"model":"m","messages":[],"max_tokens":`+most+`}`, "X-Api-Key", "k")
	}
	if got := c.asked[0].Cost; got != 2000 {
		t.Errorf("%d micro-dollars reserved, want those of the dearer target, 2000", got)
	}
	for i, ask := range c.asked {
		if ask.Tokens <= 0 || ask.Cost <= 0 || ask.Tokens > 2*mostOutput {
			t.Errorf("request %d reserves %+v", i, ask)
		}
	}
}

func TestAuthenticate_PagesOfOtherSitesSpendNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"a program", nil, 200},
		{"a page of the console's own origin", []string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-origin"}, 200},
		{"an extension", []string{"Origin", "chrome-extension://abc", "Sec-Fetch-Site", "none"}, 200},
		{"an editor's view", []string{"Origin", "vscode-webview://abc"}, 200},
		{"another site", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"another port of this machine", []string{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"}, 403},
		{"another site, in an old browser", []string{"Origin", "https://evil.example"}, 403},
	} {
		h := build(t, Limits{}, seat{name: "a"})
		if w := h.post("/v1/messages", calls[llm.Anthropic].body, c.header...); w.Code != c.want || h.sims["a"].Count() != c.want/200%2 {
			t.Errorf("%s: status %d, the provider was asked %d times: %s", c.name, w.Code, h.sims["a"].Count(), w.Body)
		}
	}
	h := build(t, Limits{}, seat{name: "a"})
	h.Clients = guests{}
	if w := h.post("/v1/messages", calls[llm.Anthropic].body, "Sec-Fetch-Site", "cross-site"); w.Code == http.StatusForbidden {
		t.Errorf("with client keys, pages are told from others by these: %s", w.Body)
	}
}

func TestTally_CountingIsFreeAndVectorsAreNoTokens(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.post("/v1/messages/count_tokens", calls[llm.Anthropic].body)
	h.post("/v1/embeddings", `{"model":"m","input":"hello"}`)
	if count := h.records[0]; count.Usage != (llm.Usage{}) || count.Cost != 0 || count.Estimated {
		t.Errorf("to count costs %+v", count.Usage)
	}
	if got := h.records[1]; got.Status != 200 || got.Usage.Output != 0 || got.Usage.Input == 0 || got.Estimated {
		t.Errorf("embeddings: status %d, %+v, estimated %t", got.Status, got.Usage, got.Estimated)
	}
}

func TestReserve_EveryAnswerAskedForCounts(t *testing.T) {
	x := &Exchange{outline: outline{maxTokens: 1000, choices: 64}}
	if tokens, _ := x.most(&provider.Model{}); tokens != 64_000 {
		t.Errorf("%d tokens for 64 answers of 1000", tokens)
	}
}
