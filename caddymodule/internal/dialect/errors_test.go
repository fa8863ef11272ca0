package dialect

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func TestReadError_EveryKnownBodyShape(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   llm.Error
	}{
		{"OpenAI", 401, `{"error":{"message":"bad key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`,
			llm.Error{Class: llm.ClassAuth, Message: "bad key", Wire: "invalid_request_error", Code: "invalid_api_key"}},
		{"Anthropic with details", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"no","details":{"error_code":"thread_unsupported_request"}},"request_id":"req_1"}`,
			llm.Error{Class: llm.ClassBadRequest, Message: "no", Wire: "invalid_request_error", Details: "thread_unsupported_request"}},
		{"flat Cerebras", 429, `{"message":"Requests per minute limit exceeded","type":"too_many_requests_error","param":"quota","code":"request_quota_exceeded"}`,
			llm.Error{Class: llm.ClassRate, Message: "Requests per minute limit exceeded", Wire: "too_many_requests_error", Param: "quota", Code: "request_quota_exceeded"}},
		{"string of Synthetic", 402, `{"error":"Insufficient quota and token balance"}`,
			llm.Error{Class: llm.ClassBalance, Message: "Insufficient quota and token balance"}},
		{"Z.AI nested code", 429, `{"error":{"code":"1302","message":"Rate limit reached for requests"},"request_id":"2026"}`,
			llm.Error{Class: llm.ClassRate, Message: "Rate limit reached for requests", Code: "1302"}},
		{"Z.AI code in type", 429, `{"type":"error","error":{"type":"1113","message":"Insufficient balance"}}`,
			llm.Error{Class: llm.ClassRate, Message: "Insufficient balance", Wire: "1113", Code: "1113"}},
		{"Z.AI bracketed", 529, `{"type":"error","error":{"type":"overloaded_error","message":"[1305][The service may be temporarily overloaded][2026]"}}`,
			llm.Error{Class: llm.ClassOverload, Message: "The service may be temporarily overloaded", Wire: "overloaded_error", Code: "1305"}},
		{"Z.AI msg and success", 0, `{"code":500,"msg":"404 NOT_FOUND","success":false}`,
			llm.Error{Status: 500, Class: llm.ClassTransient, Message: "404 NOT_FOUND", Code: "500"}},
		{"MiniMax base_resp", 0, `{"id":"x","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`,
			llm.Error{Class: llm.ClassTransient, Message: "insufficient balance", Code: "1008"}},
		{"MiniMax code at the end", 429, `{"type":"error","error":{"type":"rate_limit_error","message":"limit reached (2056)","http_code":"429"}}`,
			llm.Error{Class: llm.ClassRate, Message: "limit reached (2056)", Wire: "rate_limit_error", Code: "2056"}},
		{"integer code", 0, `{"error":{"code":429,"message":"slow"}}`,
			llm.Error{Status: 429, Class: llm.ClassRate, Message: "slow", Code: "429"}},
		{"web page", 503, `<html><body>nginx</body></html>`,
			llm.Error{Class: llm.ClassOverload, Message: "the provider answered with status 503 and a web page"}},
		{"nothing", 500, ``, llm.Error{Class: llm.ClassTransient, Message: "the provider answered with status 500 and no message"}},
		{"plain text", 502, `bad gateway`, llm.Error{Class: llm.ClassTransient, Message: "bad gateway"}},
		{"cut JSON", 400, `{"error":{"mess`, llm.Error{Class: llm.ClassBadRequest, Message: `{"error":{"mess`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.Status == 0 {
				tt.want.Status = tt.status
			}
			if diff := cmp.Diff(&tt.want, ReadError(tt.status, nil, []byte(tt.body))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadError_OverflowIsRecognisedByWording(t *testing.T) {
	for _, msg := range []string{
		"prompt is too long: 215000 tokens > 200000 maximum",
		"input length and `max_tokens` exceed context limit: 1 + 2 > 3",
		"This model's maximum context length is 1048576 tokens.",
		"Please reduce the length of the messages or completion. Current length is 69553 while limit is 65536",
		"tokens in request more than max tokens allowed",
		"invalid params, context window exceeds limit",
		"Error from inference backend: 400 The input (9 tokens) is longer than the model's context length (8 tokens)",
		"Your request exceeded model token limit: 262144 (requested: 269030)",
		"The input token count (9) exceeds the maximum number of tokens",
		"the request exceeds the available context size",
	} {
		e := ReadError(400, nil, []byte(`{"error":"`+msg+`"}`))
		if e.Class != llm.ClassContext {
			t.Errorf("%q: class %v, want context", msg, e.Class)
		}
	}
}

func TestReadError_RetryAfterForms(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"seconds", http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{"fraction", http.Header{"Retry-After": {"1.5"}}, 1500 * time.Millisecond},
		{"milliseconds win", http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"250"}}, 250 * time.Millisecond},
		{"date against the answer's own", http.Header{"Retry-After": {"Sat, 21 Nov 2026 10:00:30 GMT"}, "Date": {"Sat, 21 Nov 2026 10:00:00 GMT"}}, 30 * time.Second},
		{"negative", http.Header{"Retry-After": {"-3"}}, 0},
		{"nonsense", http.Header{"Retry-After": {"soon"}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReadError(429, tt.header, nil).RetryAfter; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzReadError(f *testing.F) {
	for _, s := range []string{`{"error":{"message":"x"}}`, `{"error":"x"}`, `[1][2]`, `{"base_resp":{"status_code":1}}`, "", "<html>", `{"message":"[1305][a][b]"}`, `{"message":"(1234)"}`} {
		f.Add(400, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := ReadError(status, nil, body)
		if e.Message == "" || len(e.Message) > len(body)+maxMessage {
			t.Errorf("message %q", e.Message)
		}
		if strings.ContainsRune(e.Message, 0xD800) {
			t.Error("surrogate in message")
		}
	})
}
