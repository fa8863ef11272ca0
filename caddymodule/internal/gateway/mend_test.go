package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/simulator"
)

func TestMend_ThinkingOfAnotherProviderIsTakenOutOnceAndTheTargetAnswers(t *testing.T) {
	body := `{"model":"m","max_tokens":2048,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"hi"},` +
		`{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"Zm9yZWlnbg=="},{"type":"text","text":"hello"}]},{"role":"user","content":"again"}]}`
	h := build(t, Limits{}, seat{name: "a", kind: "anthropic", options: simulator.Options{Vendor: "anthropic", Strict: true}})
	w := h.post("/v1/messages", body)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	requests := h.sims["a"].Requests()
	if len(requests) != 2 || !strings.Contains(string(requests[0].Body), "Zm9y") || strings.Contains(string(requests[1].Body), "Zm9y") {
		t.Errorf("%d requests went upstream", len(requests))
	}
	if _, class, resting := h.Providers["a"].Keys.Resting("model-a"); resting {
		t.Errorf("the key rests: %s", class)
	}
}

func TestMend_HappensOnceARequest(t *testing.T) {
	body := strings.Replace(calls[llm.Anthropic].body, `{"role":"user","content":"hi"}`, `{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"eA=="}]},{"role":"user","content":"hi"}`, 1)
	h := build(t, Limits{}, seat{name: "a", kind: "anthropic"})
	refusal := simulator.Reply(400, "application/json", `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `+"`signature` in `thinking`"+` block"}}`)
	refusal.Forever = true
	h.sims["a"].Script(simulator.Selector{}, refusal)
	if w := h.post("/v1/messages", body); w.Code != http.StatusBadRequest {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if n := h.sims["a"].Count(); n != 2 {
		t.Errorf("%d requests went upstream, want 2", n)
	}
}
