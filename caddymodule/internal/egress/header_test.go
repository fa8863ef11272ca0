package egress

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestHeaders_RealClients(t *testing.T) {
	for name, tc := range map[string]struct{ src, want http.Header }{
		"Claude Code": {
			http.Header{
				"Authorization": {"Bearer amx_x"}, "X-Api-Key": {"amx_x"}, "X-App": {"cli"}, "User-Agent": {"claude-cli/2.1.330"},
				"X-Claude-Code-Session-Id": {"s"}, "Anthropic-Version": {"2023-06-01"}, "Anthropic-Beta": {"a", "b"},
				"Anthropic-Dangerous-Direct-Browser-Access": {"true"}, "X-Stainless-Os": {"Linux"}, "X-Stainless-Retry-Count": {"0"},
				"Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "Content-Length": {"5"},
			},
			http.Header{
				"X-App": {"cli"}, "User-Agent": {"claude-cli/2.1.330"}, "X-Claude-Code-Session-Id": {"s"}, "Anthropic-Version": {"2023-06-01"},
				"Anthropic-Beta": {"a", "b"}, "Anthropic-Dangerous-Direct-Browser-Access": {"true"},
			},
		},
		"Codex": {
			http.Header{
				"Originator": {"codex_exec"}, "Session-Id": {"s"}, "Thread-Id": {"s"}, "X-Client-Request-Id": {"s"}, "X-Codex-Window-Id": {"w"},
				"X-Codex-Beta-Features": {"f"}, "X-Codex-Turn-Metadata": {"{}"}, "Accept": {"text/event-stream"},
			},
			http.Header{
				"Originator": {"codex_exec"}, "Session-Id": {"s"}, "Thread-Id": {"s"}, "X-Client-Request-Id": {"s"}, "X-Codex-Window-Id": {"w"},
				"X-Codex-Beta-Features": {"f"}, "X-Codex-Turn-Metadata": {"{}"},
			},
		},
		"OpenAI SDK": {
			http.Header{"Openai-Beta": {"assistants=v2"}, "Openai-Organization": {"org-1"}, "Openai-Project": {"p"}, "Idempotency-Key": {"k"}},
			http.Header{"Openai-Beta": {"assistants=v2"}},
		},
		"opencode": {http.Header{"X-Session-Affinity": {"s"}, "X-Session-Id": {"s"}}, http.Header{}},
	} {
		got := http.Header{}
		RequestHeaders(got, tc.src)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRequestHeaders_WhatTellsWhoAsksStays(t *testing.T) {
	dst := http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"the provider's"}}
	src := http.Header{}
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "X-Api-Key", "X_api_key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Set-Cookie", "Host", "Forwarded", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Real-Ip", "Via", "Cf-Connecting-Ip", "True-Client-Ip", "X-Amz-Security-Token", "Connection", "Keep-Alive", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Proxy-Connection", "Http2-Settings", "Expect", "Range", "Content-Encoding", "Content-Length", "Content-Type", "Accept-Encoding",
		"Idempotency-Key", "X-Idempotency-Key", "Origin", "Referer", "Sec-Fetch-Mode", "Traceparent", "Baggage", "X-Stainless-Arch", "X-Aimux-Client", "X-Http-Method-Override",
		"Openai-Organization", "Openai_organization", "Openai-Project", "Anthropic_beta", "Anthropic-Api-Key", "Anthropic-Auth_Token", "Anthropic-Organization-Id",
		"Anthropic-Workspace-Id", "X-Codex-Access-Token", "X-Codex-Account-Id", "X-Claude-Code-Cookie", "Anthropic-", "X-Codex-Bad Name", "X-Codex-\u212a", "X-Codex-" + strings.Repeat("a", 200),
		"User_agent", "User-Agent ", "", "Anthropic", "Xanthropic-Beta",
	} {
		src[name] = []string{"the client's"}
	}
	RequestHeaders(dst, src)
	if diff := cmp.Diff(http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"the provider's"}}, dst); diff != "" {
		t.Error(diff)
	}
}

func TestRequestHeaders_WhatConnectionListsWasMeantForUs(t *testing.T) {
	for _, listed := range []string{"Anthropic-Beta", "close, anthropic-beta", "keep-alive ,\tANTHROPIC-BETA\t", "anthropic_beta", ",,anthropic-beta,,"} {
		dst := http.Header{}
		RequestHeaders(dst, http.Header{"Connection": {"close", listed}, "Anthropic-Beta": {"x"}, "Anthropic-Version": {"2023-06-01"}})
		if diff := cmp.Diff(http.Header{"Anthropic-Version": {"2023-06-01"}}, dst); diff != "" {
			t.Errorf("%q: %s", listed, diff)
		}
	}
}

func TestResponseHeaders(t *testing.T) {
	dst := http.Header{"X-Aimux-Provider": {"zai"}}
	ResponseHeaders(dst, http.Header{
		"Request-Id": {"req_1"}, "X-Request-Id": {"r"}, "Openai-Processing-Ms": {"12"}, "Openai-Version": {"2020-10-01"},
		"Set-Cookie": {"__cf_bm=x"}, "Alt-Svc": {"h3"}, "Openai-Organization": {"org-1"}, "Anthropic-Organization-Id": {"o"}, "Server": {"cloudflare"}, "Cf-Ray": {"r"},
		"Strict-Transport-Security": {"max-age=1"}, "Access-Control-Allow-Origin": {"*"}, "Content-Length": {"5"}, "Transfer-Encoding": {"chunked"},
		"X-Ratelimit-Remaining-Requests": {"9"}, "Anthropic-Ratelimit-Tokens-Limit": {"9"}, "Retry-After": {"9"}, "Location": {"http://127.0.0.1"}, "Refresh": {"0"},
		"Clear-Site-Data": {"*"}, "Content-Security-Policy": {"x"}, "X_request_id": {"x"}, "X-Aimux-Provider": {"forged"}, "Report-To": {"x"}, "Nel": {"x"}, "Link": {"x"},
	})
	want := http.Header{"X-Aimux-Provider": {"zai"}, "Request-Id": {"req_1"}, "X-Request-Id": {"r"}, "Openai-Processing-Ms": {"12"}, "Openai-Version": {"2020-10-01"}}
	if diff := cmp.Diff(want, dst); diff != "" {
		t.Error(diff)
	}
	dst = http.Header{}
	ResponseHeaders(dst, http.Header{
		"Request-Id": {strings.Repeat("a", 257)}, "X-Request-Id": {"a", "b"}, "Openai-Version": {"1"}, "Connection": {"Openai-Version"},
	})
	if len(dst) != 0 {
		t.Errorf("long, twofold or hop-by-hop, yet %v", dst)
	}
}

func FuzzRequestHeader(f *testing.F) {
	for _, name := range []string{"Anthropic-Beta", "X_api_key", "Authorization", "x-codex-a_b", "User-Agent", "Connection", "X-Codex-\x00"} {
		f.Add(name, "close")
	}
	f.Fuzz(func(t *testing.T, name, connection string) {
		if RequestHeader(name) {
			folded := strings.ReplaceAll(strings.ToLower(name), "_", "-")
			if strings.ContainsAny(name, "_ \r\n\x00:") || !RequestHeader(folded) || ResponseHeader(name) {
				t.Fatalf("%q passes", name)
			}
			for _, word := range []string{"authorization", "cookie", "api-key", "proxy-", "forwarded"} {
				if strings.Contains(folded, word) {
					t.Fatalf("%q passes", name)
				}
			}
		}
		dst := http.Header{}
		RequestHeaders(dst, http.Header{name: {"x"}, "Connection": {connection, name}})
		if len(dst) != 0 && !strings.ContainsAny(name, ", \t") {
			t.Fatalf("%q passes though Connection lists it", name)
		}
	})
}

func BenchmarkRequestHeaders(b *testing.B) {
	src := http.Header{
		"Authorization": {"Bearer x"}, "User-Agent": {"claude-cli/2.1.330"}, "X-App": {"cli"}, "Anthropic-Version": {"2023-06-01"}, "Anthropic-Beta": {"a"},
		"X-Claude-Code-Session-Id": {"s"}, "Anthropic-Dangerous-Direct-Browser-Access": {"true"}, "Content-Type": {"application/json"}, "Connection": {"keep-alive"},
		"X-Stainless-Os": {"Linux"}, "X-Stainless-Arch": {"x64"}, "X-Stainless-Runtime": {"node"}, "Accept-Encoding": {"gzip"}, "Accept": {"application/json"},
	}
	dst := make(http.Header, 16)
	b.ReportAllocs()
	for b.Loop() {
		RequestHeaders(dst, src)
	}
}
