package schema

import "testing"

func TestLooksSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"sk-ant-api03-AbCdEfGhIj":                           true,
		"sk-proj-AbCdEfGhIjKl":                              true,
		"csk-abcdefghijklmnop":                              true,
		"0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp": true,
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0":              true,
		"abcdef0123456789abcdef0123456789":                  true,
		"Bearer abcdefgh":                                   true,
		"":                                                  false,
		"sk-":                                               false,
		"zai":                                               false,
		"glm-5.2":                                           false,
		"claude-sonnet-4-5-20250929":                        false,
		"hf:moonshotai/Kimi-K3":                             false,
		"https://llm.example.com/v1":                        false,
		"550e8400-e29b-41d4-a716-446655440000":              false,
		"meta-llama-3.1-405b-instruct-turbo-fp8":            false,
		"a sentence of several words, 1234 of them":         false,
	} {
		if got := looksSecret(text); got != want {
			t.Errorf("looksSecret(%q) = %t", text, got)
		}
	}
}

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		`the row zai,main,sk-proj-AbCdEfGhIjKl here`: `the row zai,main,[redacted] here`,
		`a="sk-proj-AbCdEfGhIjKl"`:                   `a="[redacted]"`,
		"nothing to hide":                            "nothing to hide",
		"":                                           "",
		"é sk-proj-AbCdEfGhIjKl é":                   "é [redacted] é",
	} {
		if got := scrub(text); got != want {
			t.Errorf("scrub(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCheckURL_TakesRealAddresses(t *testing.T) {
	for _, raw := range []string{
		"https://api.z.ai/api/coding/paas/v4",
		"https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/main/openai",
		"https://my-resource-name-2024.openai.azure.com/openai/v1/",
		"https://abc123def456ghi7.us-east-1.aws.endpoints.huggingface.cloud/v1",
		"https://[2001:db8::1]:8443/v1",
	} {
		if msg, _ := checkURL(raw, false, false); msg != "" {
			t.Errorf("%s: %s", raw, msg)
		}
	}
	for _, raw := range []string{"http://127.0.0.1:11434", "http://localhost:11434/v1", "http://[::1]:8000"} {
		if msg, _ := checkURL(raw, false, true); msg != "" {
			t.Errorf("%s of a local kind: %s", raw, msg)
		}
		if msg, _ := checkURL(raw, false, false); msg == "" {
			t.Errorf("%s without allow_http passes", raw)
		}
		if msg, _ := checkURL(raw, true, false); msg != "" {
			t.Errorf("%s with allow_http: %s", raw, msg)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"zai", "zai-coding", "minimax", "cerebras", "openai", "anthropic"}
	for name, want := range map[string]string{
		"zia": "zai", "zaj": "zai", "ZAI": "zai", "minmax": "minimax", "cerebas": "cerebras", "open": "openai", "antropic": "anthropic", "zai-code": "zai-coding",
		"xyzzy": "", "": "", "q": "",
	} {
		got, _ := nearest(name, func(yield func(string) bool) {
			for _, n := range names {
				if !yield(n) {
					return
				}
			}
		})
		if got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}
