package provider

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestURL_BaseURLsJoinTolerantly(t *testing.T) {
	for _, c := range []struct {
		name, base string
		dialect    llm.Dialect
		call       Call
		want       string
	}{
		{"as documented", "https://api.cerebras.ai/v1", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"slash at the end", "https://api.cerebras.ai/v1/", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"slashes and blanks", "  https://api.cerebras.ai//v1// ", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"without version", "https://api.cerebras.ai", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"whole path pasted", "https://api.cerebras.ai/v1/chat/completions", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"other call pasted", "https://api.cerebras.ai/v1/models", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"old completions pasted", "https://api.cerebras.ai/v1/completions/", llm.OpenAI, CallMain, "https://api.cerebras.ai/v1/chat/completions"},
		{"version that is not v1", "https://api.z.ai/api/paas/v4", llm.OpenAI, CallMain, "https://api.z.ai/api/paas/v4/chat/completions"},
		{"version in the middle", "https://generativelanguage.googleapis.com/v1beta/openai/", llm.OpenAI, CallMain, "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"},
		{"pasted without version", "https://models.example/inference/chat/completions", llm.OpenAI, CallMain, "https://models.example/inference/chat/completions"},
		{"query stays", "https://x.example/openai/deployments/d/chat/completions?api-version=2025-01-01", llm.OpenAI, CallMain, "https://x.example/openai/deployments/d/chat/completions?api-version=2025-01-01"},
		{"anthropic base without version", "https://api.z.ai/api/anthropic", llm.Anthropic, CallMain, "https://api.z.ai/api/anthropic/v1/messages"},
		{"anthropic base with version", "https://api.anthropic.com/v1/", llm.Anthropic, CallMain, "https://api.anthropic.com/v1/messages"},
		{"anthropic messages pasted", "https://api.anthropic.com/v1/messages", llm.Anthropic, CallCountTokens, "https://api.anthropic.com/v1/messages/count_tokens"},
		{"count tokens pasted", "https://api.anthropic.com/v1/messages/count_tokens", llm.Anthropic, CallMain, "https://api.anthropic.com/v1/messages"},
		{"responses", "https://api.openai.com/v1", llm.Responses, CallMain, "https://api.openai.com/v1/responses"},
		{"responses input tokens", "https://api.openai.com/v1/responses", llm.Responses, CallInputTokens, "https://api.openai.com/v1/responses/input_tokens"},
		{"embeddings", "https://api.synthetic.new/openai/v1", llm.OpenAI, CallEmbeddings, "https://api.synthetic.new/openai/v1/embeddings"},
		{"models", "http://127.0.0.1:11434", llm.OpenAI, CallModels, "http://127.0.0.1:11434/v1/models"},
		{"upper case host", "HTTPS://API.OpenAI.com/v1", llm.OpenAI, CallMain, "https://api.openai.com/v1/chat/completions"},
		{"IPv6", "http://[::1]:8000/v1", llm.OpenAI, CallMain, "http://[::1]:8000/v1/chat/completions"},
		{"escaped path", "https://h.example/a%20b/v1", llm.OpenAI, CallMain, "https://h.example/a%20b/v1/chat/completions"},
		{"a word that begins with v", "https://h.example/vertex", llm.OpenAI, CallMain, "https://h.example/vertex/v1/chat/completions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Endpoint{BaseURL: c.base}).URL(c.dialect, c.call); got != c.want {
				t.Errorf("URL(%q)\n got %s\nwant %s", c.base, got, c.want)
			}
		})
	}
}

func TestParseBase_SaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, base, want string }{
		{"empty", " ", "no base URL"},
		{"no scheme", "api.cerebras.ai/v1", "not an absolute URL"},
		{"other scheme", "ftp://h/v1", "not an absolute URL"},
		{"no host", "https:///v1", "not an absolute URL"},
		{"port without a host", "https://:443/v1", "not an absolute URL"},
		{"password", "https://u:hunter2@h/v1", "user name or password"},
		{"climbing path", "https://h/a/../b", "cannot be"},
		{"no URL", "https://h\x7f/", "not a URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseBase(c.base)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error repeats the password")
			}
			if got := (Endpoint{BaseURL: c.base}).URL(llm.OpenAI, CallMain); got != "" {
				t.Errorf("URL gave %q for a base that cannot be", got)
			}
		})
	}
}

// A URL made by URL is understood as a base again, and means the same.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"https://api.openai.com/v1", "https://api.z.ai/api/anthropic/", "http://127.0.0.1:8080", "https://h/v1/messages?x=1",
		"https://h//a///v2beta/", "https://[::1]/", "https://h/chat/completions/chat/completions", "https://u:p@h/", "h", "https://h/%2f/v1",
		"https://h/models/models", "https://h/a#frag",
	} {
		f.Add(s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, base string, n uint8) {
		call := Call(n % 5)
		d := [...]llm.Dialect{llm.Anthropic, llm.OpenAI, llm.Responses}[int(n/5)%3]
		got := (Endpoint{BaseURL: base}).URL(d, call)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Host == "" || strings.Contains(u.EscapedPath(), "//") || u.User != nil {
			t.Fatalf("%q gave %q: %v", base, got, err)
		}
		if again := (Endpoint{BaseURL: got}).URL(d, call); again != got {
			t.Fatalf("%q gave %q, which gave %q", base, got, again)
		}
	})
}

func BenchmarkURL(b *testing.B) {
	e := vendor(b, "zai-coding").Endpoints[llm.Anthropic]
	b.ReportAllocs()
	for b.Loop() {
		e.URL(llm.Anthropic, CallMain)
	}
}
