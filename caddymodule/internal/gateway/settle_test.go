package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/google/go-cmp/cmp"
)

// line is what the log says of an exchange's decision and attempts.
type line struct {
	Msg        string
	Attempts   int
	Strategy   string
	Candidates int
	Sticky     bool
	Tried      []struct {
		Provider, Model, Key, Class, Code string
		Status                            int
	}
}

func TestSettle_TheLineHasTheDecisionAndSeveralAttempts(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	var out bytes.Buffer
	h.Gateway.Logger = slog.New(slog.NewJSONHandler(&out, nil))
	h.sims["a"].Script(simulator.Selector{}, simulator.Fail("429;retry-after=60"))
	for range 2 {
		if w := h.post("/v1/messages", calls[llm.Anthropic].body); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	var lines []line
	for in := json.NewDecoder(&out); in.More(); {
		var l line
		if err := in.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 2 {
		t.Fatalf("%d lines for two exchanges", len(lines))
	}
	failed, well := lines[0], lines[1]
	if failed.Attempts != 2 || len(failed.Tried) != 2 || failed.Tried[0].Class != "rate_limited" || failed.Tried[0].Status != 429 || failed.Tried[1].Class != "ok" {
		t.Errorf("two attempts: %+v", failed)
	}
	if failed.Candidates != 2 || failed.Strategy == "" {
		t.Errorf("the decision: %+v", failed)
	}
	if well.Attempts != 1 || len(well.Tried) != 0 {
		t.Errorf("one attempt: %+v", well)
	}
}

// Messages states tokens at the beginning of a stream, and for good at its end.
func TestSettle_TheCountAtTheBeginningOfAStreamIsNotTheEnd(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.sims["a"].Script(simulator.Selector{}, simulator.Fail("cut;after=5"), simulator.Step{})
	for range 2 {
		h.post("/v1/messages", streaming(calls[llm.Anthropic].body))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	cut, whole := h.records[0], h.records[1]
	if !cut.Estimated || cut.Usage.Output < 5 || cut.Usage.Input != whole.Usage.Input {
		t.Errorf("cut: %+v estimated %v", cut.Usage, cut.Estimated)
	}
	if whole.Estimated || !whole.Usage.Known {
		t.Errorf("whole: %+v estimated %v", whole.Usage, whole.Estimated)
	}
}

func TestSettle_TellsWhatATranslationTook(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
	for path, d := range map[string]llm.Dialect{"/v1/messages": llm.Anthropic, "/v1/chat/completions": llm.OpenAI} {
		if w := h.post(path, calls[d].body); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	got := map[llm.Dialect]bool{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		got[r.Dialect] = r.Attempts[0].Encode > 0
	}
	if d := cmp.Diff(map[llm.Dialect]bool{llm.Anthropic: true, llm.OpenAI: false}, got); d != "" {
		t.Errorf("translations that took time (-want +got)\n%s", d)
	}
}
