package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/tidwall/gjson"
)

// Real complaints about other gateways that concern the pipeline rather than a
// dialect; the others stand beside the dialects. The numbers are those of the
// project's list.

// compressed answers with gzip although identity was asked for.
type compressed struct{ canned }

func (c compressed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.canned.RoundTrip(r)
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.Copy(w, resp.Body)
	w.Close()
	resp.Body = io.NopCloser(&out)
	resp.Header.Set("Content-Encoding", "gzip")
	return resp, err
}

func TestKnownFailure_23_CompressedStreamIsDecodedAndItsHeaderDropped(t *testing.T) {
	h := quick(t, []llm.Dialect{llm.Anthropic}, events)
	h.Providers["a"].Client = upstream.New(upstream.Timeouts{}, compressed{events})
	w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body), "Accept-Encoding", "gzip")
	if got := w.Body.String(); got != events.body || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("header %v, body %.200q", w.Header(), got)
	}
}

func TestKnownFailure_38And39_BetasFieldsAndVersionsGoOnVerbatim(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", kind: "anthropic"})
	body := `{"model":"m","max_tokens":64,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"context_management":{"edits":[]},"brand_new":{"x":1},"messages":[{"role":"user","content":"hi"}]}`
	h.post("/v1/messages?beta=true", body, "Anthropic-Beta", "made-up-2099-01-01,other", "Anthropic-Version", "2026-10-21", "X-Claude-Code-Session-Id", "s")
	record := h.sims["a"].Requests()[0]
	if got := string(record.Body); got != strings.Replace(body, `"m"`, `"model-a"`, 1) {
		t.Errorf("body %s", got)
	}
	for name, want := range map[string]string{"Anthropic-Beta": "made-up-2099-01-01,other", "Anthropic-Version": "2026-10-21", "X-Claude-Code-Session-Id": "s"} {
		if got := record.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestKnownFailure_48_ABodyBeyondTheLimitIs413AndNeverReadWhole(t *testing.T) {
	h := build(t, Limits{Body: 1 << 20}, seat{name: "a"})
	var read int
	r := httptest.NewRequest(http.MethodPost, "/v1/messages", counted{&read})
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || gjson.Get(w.Body.String(), "error.type").Str != "request_too_large" || read > 2<<20 {
		t.Errorf("status %d after %d bytes: %s", w.Code, read, w.Body)
	}
}

// counted is a body without end.
type counted struct{ n *int }

func (c counted) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*c.n += len(p)
	return len(p), nil
}

func TestKnownFailure_52_CodexIsServedInTheOnlyDialectItSpeaks(t *testing.T) {
	for server := range calls {
		h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{server}})
		w := h.post("/v1/responses", streaming(calls[llm.Responses].body), "Originator", "codex_exec")
		if !strings.Contains(w.Body.String(), "event: response.completed") {
			t.Errorf("before %s: %s", server, w.Body)
		}
	}
}

// estimate is a token counter that always says the same.
type estimate int

func (e estimate) Estimate(string, []byte, llm.Dialect) int { return int(e) }
func (estimate) Learn(string, []byte, llm.Dialect, int)     {}

func TestKnownFailure_91_TokensAreCountedWhereverTheModelIs(t *testing.T) {
	body := `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	native := build(t, Limits{}, seat{name: "a"})
	if w := native.post("/v1/messages/count_tokens", body); w.Code != 200 || gjson.Get(w.Body.String(), "input_tokens").Int() == 0 || native.sims["a"].Count() != 1 {
		t.Errorf("asked of the provider: status %d: %s", w.Code, w.Body)
	}
	local := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
	local.Tokens = estimate(7)
	if w := local.post("/v1/messages/count_tokens", body); w.Code != 200 || gjson.Get(w.Body.String(), "input_tokens").Int() != 7 || local.sims["a"].Count() != 0 {
		t.Errorf("estimated: status %d: %s", w.Code, w.Body)
	}
}

func TestKnownFailure_92_ModelListNeedsNoProviderAndNoRedirect(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	r := httptest.NewRequest(http.MethodGet, "/v1/models?limit=1000", nil)
	r.Header.Set("X-Api-Key", "any")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	id := gjson.Get(w.Body.String(), "data.0.id").Str
	if w.Code != http.StatusOK || !strings.Contains(id, "claude") || h.sims["a"].Count() != 0 {
		t.Errorf("status %d, first id %q", w.Code, id)
	}
}

func TestKnownFailure_93_ProbesMakeNoNoise(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/api/hello", nil))
	if w.Code != http.StatusOK || len(h.records) != 0 {
		t.Errorf("status %d, %d exchanges recorded", w.Code, len(h.records))
	}
}

func TestKnownFailure_97_EveryAttemptIsAccountedAndUsageIsTheWinners(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	h.sims["a"].Script(simulator.Selector{}, simulator.Fail("529"))
	w := h.post("/v1/messages", calls[llm.Anthropic].body)
	got := h.records[0]
	if len(got.Attempts) != 2 || got.Attempts[0].Class != llm.ClassOverload || got.Provider != "b" {
		t.Fatalf("attempts %+v", got.Attempts)
	}
	if want := gjson.Get(w.Body.String(), "usage.output_tokens").Int(); int64(got.Usage.Output) != want || want == 0 {
		t.Errorf("usage %+v, the answer says %d", got.Usage, want)
	}
}
