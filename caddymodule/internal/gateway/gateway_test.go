package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/simulator"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a gateway before simulated providers, all in this process.
type house struct {
	*Gateway
	sims    map[string]*simulator.Server
	mu      sync.Mutex
	records []Record
}

func (h *house) Observe(r *Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = append(h.records, *r)
}

// seat describes one simulated provider.
type seat struct {
	name     string
	kind     string // default: simulator, which speaks all dialects
	keys     []string
	dialects []llm.Dialect // default: what the kind speaks
	timeouts upstream.Timeouts
	options  simulator.Options
}

func build(t testing.TB, limits Limits, seats ...seat) *house {
	t.Helper()
	h := &house{sims: map[string]*simulator.Server{}}
	providers := map[string]*Provider{}
	alias := route.Alias{Name: "m", Strategy: route.Ordered}
	var targets []*route.Target
	for _, s := range seats {
		p := h.seat(t, s)
		providers[s.name] = p
		target := &route.Target{Provider: s.name, Model: "model-" + s.name, Tier: 1, Health: health.New(health.Options{}), Keys: p.Keys}
		for d := range p.Vendor.Endpoints {
			target.Dialects = append(target.Dialects, d)
		}
		targets = append(targets, target)
		alias.Members = append(alias.Members, route.Member{Target: target})
	}
	router, err := route.New(route.Config{Targets: targets, Aliases: []route.Alias{alias}, Explore: -1})
	if err != nil {
		t.Fatal(err)
	}
	h.Gateway = New(Options{
		Dialects: dialect.NewSet(anthropic.New(), openai.New(), responses.New()), Router: router, Providers: providers,
		Strippers: map[llm.Dialect]Stripper{llm.Anthropic: {Refused: anthropic.IsThinkingRefused, Strip: anthropic.StripThinking}},
		Budget:    failover.NewBudget(time.Now, failover.Limits{}), Limits: limits, Observer: h,
		Models: []ModelInfo{{ID: "m", Owner: "aimux", Alias: true}, {ID: "a/model-a", Owner: "a", Context: 1000}},
	})
	return h
}

func (h *house) seat(t testing.TB, s seat) *Provider {
	t.Helper()
	if s.kind == "" {
		s.kind = "simulator"
	}
	known, ok := provider.Catalogue().Vendor(s.kind)
	if !ok {
		t.Fatalf("no kind %q", s.kind)
	}
	vendor, err := known.At(provider.Bases{Main: "http://" + s.name + ".example"})
	if err != nil {
		t.Fatal(err)
	}
	for d := range vendor.Endpoints {
		if len(s.dialects) > 0 && !has(s.dialects, d) {
			delete(vendor.Endpoints, d)
		}
	}
	s.options.Name = s.name
	sim := simulator.New(s.options)
	h.sims[s.name] = sim
	if len(s.keys) == 0 {
		s.keys = []string{"key-" + s.name}
	}
	var keys []*keypool.Key
	for _, k := range s.keys {
		keys = append(keys, &keypool.Key{Name: k, Secret: func(context.Context) (string, error) { return k, nil }})
	}
	return &Provider{Name: s.name, Vendor: vendor, Client: upstream.New(s.timeouts, sim.RoundTripper()), Keys: keypool.New("", keys, keypool.Options{})}
}

func has(list []llm.Dialect, d llm.Dialect) bool {
	for _, other := range list {
		if other == d {
			return true
		}
	}
	return false
}

// calls gives each dialect's path and a small request.
var calls = map[llm.Dialect]struct{ path, body string }{
	llm.Anthropic: {"/v1/messages", `{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`},
	llm.OpenAI:    {"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`},
	llm.Responses: {"/v1/responses", `{"model":"m","input":"hi"}`},
}

func streaming(body string) string { return strings.Replace(body, `{`, `{"stream":true,`, 1) }

func (h *house) post(path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// terminal is how a whole stream of each dialect ends, failed how a failed one
// does.
var (
	terminal = map[llm.Dialect]string{llm.Anthropic: "message_stop", llm.OpenAI: "[DONE]", llm.Responses: "response.completed"}
	failed   = map[llm.Dialect]string{llm.Anthropic: "event: error", llm.OpenAI: `data: {"error":`, llm.Responses: "response.failed"}
)

func TestServe_EveryPairOfDialectsStreamingAndNot(t *testing.T) {
	for client, call := range calls {
		for server := range calls {
			for _, stream := range []bool{false, true} {
				h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{server}})
				body := call.body
				if stream {
					body = streaming(body)
				}
				w := h.post(call.path, body)
				text := w.Body.String()
				if w.Code != http.StatusOK || !strings.Contains(text, "simulator") {
					t.Errorf("%s to %s, stream %t: status %d: %s", client, server, stream, w.Code, text)
				}
				if stream && !strings.Contains(text, terminal[client]) {
					t.Errorf("%s to %s: the stream lacks %q: %s", client, server, terminal[client], text)
				}
				// A Chat client that does not ask for usage gets its stream untouched, without usage.
				silentUsage := stream && client == llm.OpenAI && server == llm.OpenAI
				if got := h.records[0]; got.Provider != "a" || got.Reason != "ok" || got.Usage.Output == 0 && !silentUsage {
					t.Errorf("%s to %s, stream %t: record %+v", client, server, stream, got)
				}
			}
		}
	}
}

func TestServe_SameDialectGoesOutByteForByteButTheModel(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	body := "{ \"unknown\" : {\"deep\":[1, 2.50,\"\\u00e9\"]},\n\t\"model\" :\"m\" , \"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\",\"x\":null}]}]}"
	if w := h.post("/v1/chat/completions", body); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	want := strings.Replace(body, `"m"`, `"model-a"`, 1)
	if got := string(h.sims["a"].Requests()[0].Body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestServe_ProviderSeesItsOwnKeyAndNothingOfTheClients(t *testing.T) {
	for client, call := range calls {
		h := build(t, Limits{}, seat{name: "a"})
		h.post(call.path, call.body, "Authorization", "Bearer client-secret", "X-Api-Key", "client-secret", "Cookie", "c=client-secret",
			"X-Forwarded-For", "10.0.0.1", "X-Stainless-Os", "Linux", "User-Agent", "agent/1", "Anthropic-Beta", "one,two")
		record := h.sims["a"].Requests()[0]
		if record.Key != "key-a" || record.BothKeys {
			t.Errorf("%s: key %q, both %t", client, record.Key, record.BothKeys)
		}
		for name, values := range record.Header {
			if strings.Contains(strings.Join(values, ","), "client-secret") || name == "X-Forwarded-For" || name == "X-Stainless-Os" {
				t.Errorf("%s: %s: %v reached the provider", client, name, values)
			}
		}
		if record.Header.Get("User-Agent") != "agent/1" || record.Header.Get("Anthropic-Beta") != "one,two" {
			t.Errorf("%s: header %v", client, record.Header)
		}
	}
}

func TestServe_PanicInAStageEndsOnlyThatRequest(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Providers["a"].Client = nil
	w := h.post("/v1/messages", calls[llm.Anthropic].body)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"api_error"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if len(h.records) != 1 || h.records[0].Reason != "panic" {
		t.Errorf("records %+v", h.records)
	}
}

func TestServe_WhatATargetCannotTakeIsSaid(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", kind: "cerebras"})
	w := h.post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}],"store":false,"made_up":1}`)
	if got := w.Header().Get("X-Aimux-Dropped"); w.Code != http.StatusOK || !strings.Contains(got, "made_up") {
		t.Errorf("status %d, dropped %q: %s", w.Code, got, w.Body)
	}
	if got := h.records[0].Attempts[0].Dropped; !slices.Contains(got, "made_up") {
		t.Errorf("recorded as dropped: %q", got)
	}
	if strings.Contains(string(h.sims["a"].Requests()[0].Body), "made_up") {
		t.Error("it went upstream")
	}
}
