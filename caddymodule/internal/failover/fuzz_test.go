package failover

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

var fuzzKinds = [...]string{
	"", "cerebras", "zai", "zai-coding", "minimax", "synthetic", "openai", "anthropic", "openrouter", "groq", "deepseek", "moonshot",
	"kimi-coding", "ollama", "llamacpp", "openai-compatible",
}

// FuzzClassify holds that any answer of any vendor gets a whole verdict: one
// of the known reasons, no key in what is said, nothing tried after content,
// no provider's 401 for a client.
func FuzzClassify(f *testing.F) {
	for _, body := range []string{
		"", "<html>", "plain", `{"error":{"code":"1302","message":"x"}}`, `{"error":"text"}`, `{"base_resp":{"status_code":1008,"status_msg":"x"}}`,
		`{"message":"m","type":"t","param":"quota","code":"request_quota_exceeded"}`, `[{"error":{"code":429,"details":[{"retryDelay":"34s"}]}}]`,
		`{"choices":[{"finish_reason":"network_error"}]}`, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
		`{"type":"response.failed","response":{"error":{"code":"server_is_overloaded"}}}`, `{"error":{"message":"[1305][x][y]"}}`,
		`{"error":{"message":"prompt is too long: 9 tokens > 3 maximum"}}`, `{"error":{"message":"Limit 1, Requested 99999999999999999999"}}`,
		"\xef\xbb\xbf{}", "\xff\xfe", `{"error":{"message":"Incorrect API key provided: sk-proj-abcdef0123456789"}}`, strings.Repeat("[", 3000),
	} {
		f.Add(uint16(200), body, uint8(2), uint8(5), "")
		f.Add(uint16(429), body, uint8(7), uint8(0), "")
		f.Add(uint16(400), body, uint8(11), uint8(14), "")
	}
	f.Add(uint16(0), "", uint8(0), uint8(1), "dial tcp 10.0.0.1:443: connect: connection refused")
	f.Add(uint16(0), "", uint8(0), uint8(3), "http2: server sent GOAWAY and closed the connection")
	f.Fuzz(func(t *testing.T, status uint16, body string, kind, flags uint8, text string) {
		a := Answer{
			Status: int(status % 600), Body: []byte(body), Now: noon, Phase: Phase(flags % 7), InStream: flags&8 != 0, Reused: flags&16 != 0,
		}
		if text != "" {
			a.Err = errors.New(text)
		}
		d := Classify(vendor(t, fuzzKinds[int(kind)%len(fuzzKinds)]), a)
		if !slices.Contains(Reasons(), d.Reason) {
			t.Fatalf("unknown reason %q", d.Reason)
		}
		checkVerdict(t, &d)
		if a.Phase == PhaseStream && (d.RetrySame || d.TryNextKey || d.TryNextTarget) {
			t.Fatalf("something is tried after content: %+v", d)
		}
		for _, said := range []string{d.Message, d.Err.Message} {
			if len(said) > 2*maxMessage || strings.Contains(said, "sk-proj-abcdef0123456789") || strings.ContainsAny(said, "\x00\x1b\r") {
				t.Fatalf("said %q", said)
			}
		}
		if d.Scope > ScopeTarget || d.Tokens < 0 || d.Limit < 0 {
			t.Fatalf("odd verdict: %+v", d)
		}
		if d.Class == llm.ClassContext && !strings.Contains(d.Err.Message, "prompt is too long") && !strings.Contains(d.Err.Message, "exceed context limit") {
			t.Fatalf("a client would not understand %q", d.Err.Message)
		}
	})
}

func FuzzScrub(f *testing.F) {
	for _, s := range []string{
		"", "key sk-proj-abcdef0123456789 is wrong", "10.1.2.3:443", "a.b..c...", "…", "\xff", "host db.internal:5432.", "eyJhbGciOi1.eyJzdWIi.x1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Scrub(s)
		if len(got) > maxMessage+len("…") || strings.ContainsAny(got, "\x00\x1b\r") {
			t.Fatalf("%q gave %q", s, got)
		}
		with := Scrub("x " + s[:min(len(s), 100)] + " sk-ant-api03-AbCd1234EfGh5678 y")
		if strings.Contains(with, "sk-ant-api03-AbCd1234EfGh5678") {
			t.Fatalf("the key stayed in %q", with)
		}
	})
}
