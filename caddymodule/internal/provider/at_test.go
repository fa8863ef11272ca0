package provider

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func TestAt_MovesEndpointsWhereTheConfigSays(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		bases      Bases
		want       map[llm.Dialect]string
	}{
		{"nothing given", "minimax", Bases{}, map[llm.Dialect]string{
			llm.OpenAI: "https://api.minimax.io/v1/chat/completions", llm.Anthropic: "https://api.minimax.io/anthropic/v1/messages",
			llm.Responses: "https://api.minimax.io/v1/responses"}},
		{"the vendor's bare host", "zai-coding", Bases{Main: "https://api.z.ai/"}, map[llm.Dialect]string{
			llm.OpenAI: "https://api.z.ai/api/coding/paas/v4/chat/completions", llm.Anthropic: "https://api.z.ai/api/anthropic/v1/messages",
			llm.Responses: "https://api.z.ai/api/v1/responses"}},
		{"a mirror's bare host", "minimax", Bases{Main: "http://127.0.0.1:9000"}, map[llm.Dialect]string{
			llm.OpenAI: "http://127.0.0.1:9000/v1/chat/completions", llm.Anthropic: "http://127.0.0.1:9000/anthropic/v1/messages",
			llm.Responses: "http://127.0.0.1:9000/v1/responses"}},
		{"the Anthropic address of the same host", "minimax", Bases{Main: "https://api.minimax.io/anthropic"}, map[llm.Dialect]string{
			llm.OpenAI: "https://api.minimax.io/v1/chat/completions", llm.Anthropic: "https://api.minimax.io/anthropic/v1/messages",
			llm.Responses: "https://api.minimax.io/v1/responses"}},
		{"a proxy's path drops what it does not name", "minimax", Bases{Main: "https://proxy.example/mm/anthropic"}, map[llm.Dialect]string{
			llm.Anthropic: "https://proxy.example/mm/anthropic/v1/messages"}},
		{"endpoints side by side move together", "openai", Bases{Main: "https://proxy.example/oai/v1"}, map[llm.Dialect]string{
			llm.OpenAI: "https://proxy.example/oai/v1/chat/completions", llm.Responses: "https://proxy.example/oai/v1/responses"}},
		{"a local server with its version", "ollama", Bases{Main: "http://10.0.0.5:11434/v1"}, map[llm.Dialect]string{
			llm.OpenAI: "http://10.0.0.5:11434/v1/chat/completions", llm.Anthropic: "http://10.0.0.5:11434/v1/messages",
			llm.Responses: "http://10.0.0.5:11434/v1/responses"}},
		{"a local server with a whole path", "vllm", Bases{Main: "http://127.0.0.1:8000/v1/chat/completions"}, map[llm.Dialect]string{
			llm.OpenAI: "http://127.0.0.1:8000/v1/chat/completions", llm.Anthropic: "http://127.0.0.1:8000/v1/messages",
			llm.Responses: "http://127.0.0.1:8000/v1/responses"}},
		{"generic", "openai-compatible", Bases{Main: "http://127.0.0.1:1234"}, map[llm.Dialect]string{
			llm.OpenAI: "http://127.0.0.1:1234/v1/chat/completions"}},
		{"generic with a second dialect", "openai-compatible", Bases{Main: "https://h/v1", Anthropic: "https://h/anthropic", Responses: "https://h/v1"},
			map[llm.Dialect]string{llm.OpenAI: "https://h/v1/chat/completions", llm.Anthropic: "https://h/anthropic/v1/messages", llm.Responses: "https://h/v1/responses"}},
		{"generic Anthropic", "anthropic-compatible", Bases{Main: "https://h/v1/messages"}, map[llm.Dialect]string{
			llm.Anthropic: "https://h/v1/messages"}},
		{"one endpoint of its own", "zai", Bases{Anthropic: "https://api.z.ai/api/anthropic"}, map[llm.Dialect]string{
			llm.OpenAI: "https://api.z.ai/api/paas/v4/chat/completions", llm.Anthropic: "https://api.z.ai/api/anthropic/v1/messages"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := vendor(t, c.kind).At(c.bases)
			if err != nil {
				t.Fatal(err)
			}
			got := map[llm.Dialect]string{}
			for d, e := range v.Endpoints {
				got[d] = e.URL(d, CallMain)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAt_KeyNeverGoesToAnOriginThatIsNotConfigured(t *testing.T) {
	for _, kind := range kinds {
		v, err := vendor(t, kind).At(Bases{Main: "https://proxy.example/some/path/v1"})
		if err != nil {
			t.Fatal(kind, err)
		}
		for d, e := range v.Endpoints {
			if !strings.HasPrefix(e.URL(d, CallMain), "https://proxy.example/") {
				t.Errorf("%s/%s would send the key to %s", kind, d, e.URL(d, CallMain))
			}
		}
		if v.Quota != nil {
			t.Errorf("%s would send the key to %s", kind, v.Quota.URL)
		}
	}
}

func TestAt_LeavesTheCatalogueAlone(t *testing.T) {
	v := vendor(t, "synthetic")
	moved, err := v.At(Bases{Main: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	if v.Endpoints[llm.OpenAI].BaseURL != "https://api.synthetic.new/openai/v1" || v.Quota.URL != "https://api.synthetic.new/v2/quotas" {
		t.Error("the catalogue changed")
	}
	if moved.Quota.URL != "http://127.0.0.1:9/v2/quotas" || moved.Ping != "http://127.0.0.1:9/openai/v1/models" {
		t.Errorf("quota %s, ping %s", moved.Quota.URL, moved.Ping)
	}
}

func TestAt_SaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		bases      Bases
		want       string
	}{
		{"generic without a URL", "openai-compatible", Bases{}, "needs a base_url"},
		{"no URL", "zai", Bases{Main: "api.z.ai"}, "base_url: not an absolute URL"},
		{"no Anthropic URL", "zai", Bases{Anthropic: "x"}, "anthropic_base_url: not"},
		{"no Responses URL", "zai", Bases{Responses: "x"}, "responses_base_url: not"},
	} {
		if _, err := vendor(t, c.kind).At(c.bases); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAuthorize_SendsOneCredentialAndNoOther(t *testing.T) {
	for _, c := range []struct {
		name string
		auth AuthStyle
		key  string
		want http.Header
	}{
		{"bearer", AuthBearer, "k", http.Header{"Authorization": {"Bearer k"}, "Anthropic-Version": {"2023-06-01"}}},
		{"x-api-key", AuthAPIKey, "k", http.Header{"X-Api-Key": {"k"}, "Anthropic-Version": {"2023-06-01"}}},
		{"none", AuthNone, "k", http.Header{"Anthropic-Version": {"2023-06-01"}}},
		{"no key", AuthBearer, "", http.Header{"Anthropic-Version": {"2023-06-01"}}},
		{"OAuth token", AuthAPIKey, "sk-ant-oat01-x", http.Header{
			"Authorization": {"Bearer sk-ant-oat01-x"}, "Anthropic-Version": {"2023-06-01"}, "Anthropic-Beta": {"oauth-2025-04-20"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{"Authorization": {"Bearer client"}, "X-Api-Key": {"client"}}
			Endpoint{Auth: c.auth, Headers: map[string]string{"Anthropic-Version": "2023-06-01"}}.Authorize(h, c.key)
			if diff := cmp.Diff(c.want, h); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthorize_KeepsTheClientsVersionAndBetas(t *testing.T) {
	h := http.Header{"Anthropic-Version": {"2026-10-21"}, "Anthropic-Beta": {"a", "b"}}
	Endpoint{Auth: AuthAPIKey, Headers: map[string]string{"Anthropic-Version": "2023-06-01"}}.Authorize(h, "sk-ant-oat01-x")
	if h.Get("Anthropic-Version") != "2026-10-21" || h.Get("Anthropic-Beta") != "a,b,oauth-2025-04-20" {
		t.Errorf("got %v", h)
	}
}
