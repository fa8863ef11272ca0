package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// canned answers every request with the same bytes at once, so that what is
// measured is the gateway.
type canned struct {
	status int
	header http.Header
	body   string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	header := http.Header{"Content-Type": c.header["Content-Type"]}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(strings.NewReader(c.body)), ContentLength: -1}, nil
}

var (
	whole = canned{200, http.Header{"Content-Type": {"application/json"}},
		`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":2}}`}
	events = canned{200, http.Header{"Content-Type": {"text/event-stream"}}, anthropicStream(50)}
)

func anthropicStream(deltas int) string {
	var b strings.Builder
	b.WriteString("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n")
	b.WriteString("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n")
	for range deltas {
		b.WriteString("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n")
	}
	b.WriteString("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":50}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
	return b.String()
}

// sink is a response writer that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Flush()                      {}

func sized(kb int, stream bool) []byte {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog.\\n", kb*1024/46)
	body := `{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"` + text + `"}]}`
	if stream {
		body = streaming(body)
	}
	return []byte(body)
}

// quick is a house whose providers answer with canned bytes.
func quick(t testing.TB, dialects []llm.Dialect, answers ...canned) *house {
	seats := make([]seat, len(answers))
	for i := range answers {
		seats[i] = seat{name: string(rune('a' + i)), dialects: dialects}
	}
	h := build(t, Limits{}, seats...)
	h.Observer = nobody{}
	for i, a := range answers {
		h.Providers[seats[i].name].Client = upstream.New(upstream.Timeouts{}, a)
	}
	return h
}

func (h *house) run(body []byte) { h.runAs("", body) }

// runAs is run by a client with that key.
func (h *house) runAs(key string, body []byte) {
	r := httptest.NewRequest(http.MethodPost, "/v1/messages", bytes.NewReader(body))
	if key != "" {
		r.Header.Set("X-Api-Key", key)
	}
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(&sink{header: http.Header{}}, r)
}

func TestServe_PassthroughAllocatesTheSameForAnySize(t *testing.T) {
	h := quick(t, []llm.Dialect{llm.Anthropic}, whole)
	small, large := sized(1, false), sized(200, false)
	few := testing.AllocsPerRun(50, func() { h.run(small) })
	many := testing.AllocsPerRun(50, func() { h.run(large) })
	if many > few+4 {
		t.Errorf("%.0f allocations for 1 KB, %.0f for 200 KB", few, many)
	}
}

func BenchmarkServe(b *testing.B) {
	anthropic, openai := []llm.Dialect{llm.Anthropic}, []llm.Dialect{llm.OpenAI}
	chat := canned{200, http.Header{"Content-Type": {"application/json"}},
		`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`}
	overloaded := canned{529, http.Header{"Content-Type": {"application/json"}}, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`}
	for name, bench := range map[string]struct {
		house *house
		body  []byte
	}{
		"passthrough/1KB":        {quick(b, anthropic, whole), sized(1, false)},
		"passthrough/200KB":      {quick(b, anthropic, whole), sized(200, false)},
		"passthrough/50 events":  {quick(b, anthropic, events), sized(1, true)},
		"translated/1KB":         {quick(b, openai, chat), sized(1, false)},
		"translated/200KB":       {quick(b, openai, chat), sized(200, false)},
		"failover/1KB, one down": {quick(b, anthropic, overloaded, whole), sized(1, false)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.house.run(bench.body)
			}
		})
	}
}
