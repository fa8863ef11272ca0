package openai

import (
	"errors"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
)

func event(data string) *sse.Event { return &sse.Event{Data: []byte(data)} }

func TestInspect_KindsOfChunks(t *testing.T) {
	usage := &llm.Usage{Input: 9, Output: 7, Known: true}
	content := dialect.Inspection{Kind: dialect.EventContent}
	tests := []struct {
		name, data string
		want       dialect.Inspection
	}{
		{"DONE", `[DONE]`, dialect.Inspection{Kind: dialect.EventTerminal, Finished: true}},
		{"role", `{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, dialect.Inspection{Kind: dialect.EventPreamble}},
		{"text", `{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}`, content},
		{"reasoning", `{"choices":[{"delta":{"content":null,"reasoning":"Hm"}}]}`, content},
		{"reasoning_content", `{"choices":[{"delta":{"content":"","reasoning_content":"Hm"}}]}`, content},
		{"tool call", `{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"ls","arguments":""}}]}}]}`, content},
		{"second choice", `{"choices":[{"index":0,"delta":{}},{"index":1,"delta":{"content":"x"}}]}`, content},
		{"finish", `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, dialect.Inspection{Kind: dialect.EventOther, Finished: true}},
		{"empty finish_reason is none", `{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":""}]}`, content},
		{"usage chunk", `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16}}`, dialect.Inspection{Kind: dialect.EventOther, Usage: usage, UsageOnly: true}},
		{"Groq's usage", `{"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":7}}}`, dialect.Inspection{Kind: dialect.EventOther, Usage: usage, Finished: true}},
		{"the word error in text", `{"choices":[{"delta":{"content":"\"error\""}}]}`, content},
		{"base_resp of a success", `{"choices":[{"delta":{"content":"x"}}],"base_resp":{"status_code":0}}`, content},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, New().Inspect(event(tt.data))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInspect_FailuresInsideA200Stream(t *testing.T) {
	tests := []struct {
		name  string
		ev    *sse.Event
		class llm.Class
	}{
		{"OpenAI", event(`{"error":{"message":"x","type":"server_error","code":"server_is_overloaded"}}`), llm.ClassOverload},
		{"Cerebras", event(`{"error":{"message":"x","type":"y"},"status_code":500}`), llm.ClassTransient},
		{"Z.AI first event", event(`{"error":{"code":"1302","message":"Rate limit"}}`), llm.ClassTransient},
		{"flat Cerebras", event(`{"message":"high traffic","type":"too_many_requests_error","param":"queue","code":"queue_exceeded"}`), llm.ClassOverload},
		{"MiniMax", event(`{"choices":[],"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`), llm.ClassTransient},
		{"network_error", event(`{"choices":[{"delta":{},"finish_reason":"network_error"}]}`), llm.ClassTransient},
		{"OpenRouter", event(`{"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`), llm.ClassTransient},
		{"OpenRouter, with the cause", event(`{"choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"x"}}]}`), llm.ClassRate},
		{"event line", &sse.Event{Type: []byte("error"), Data: []byte(`{"message":"x","type":"rate_limit_error"}`)}, llm.ClassRate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := New().Inspect(tt.ev)
			if in.Kind != dialect.EventError || in.Err == nil || in.Err.Class != tt.class {
				t.Errorf("%+v %+v", in, in.Err)
			}
			events, err := New().NewStreamDecoder().Decode(nil, tt.ev)
			if err != nil || len(events) == 0 {
				t.Fatal(events, err)
			}
			if last := events[len(events)-1]; last.Type != llm.EventError || last.Err.Class != tt.class {
				t.Errorf("decoded: %+v", last)
			}
		})
	}
}

func TestCheckResponse_OnlyWholeAnswersPass(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"choices":[{"message":{"content":"Hi"}}],"base_resp":{"status_code":0,"status_msg":"success"}}`: true,
		`{"choices":[]}`: false, `{"choices":null}`: false, `{}`: false, ``: false, ` <html>`: false, `{"choices":[{"mess`: false,
	} {
		if _, err := New().CheckResponse([]byte(body)); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
	var e *llm.Error
	if _, err := New().CheckResponse([]byte(`{"id":"x","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`)); !errors.As(err, &e) || e.Code != "1008" {
		t.Errorf("base_resp: %v", err)
	}
}

func TestEncodeError_StatusTypeAndCode(t *testing.T) {
	tests := []struct {
		name       string
		err        llm.Error
		status     int
		wireType   string
		code       string
		retryAfter string
	}{
		{"overflow", llm.Error{Class: llm.ClassContext}, 400, "invalid_request_error", `"context_length_exceeded"`, ""},
		{"gateway's client key", llm.Error{Type: llm.ErrUnauthenticated}, 401, "invalid_request_error", `"invalid_api_key"`, ""},
		{"every upstream key is wrong", llm.Error{Class: llm.ClassAuth, Status: 401}, 502, "server_error", `null`, ""},
		{"model unknown", llm.Error{Type: llm.ErrModelNotFound}, 404, "invalid_request_error", `"model_not_found"`, ""},
		{"rate", llm.Error{Class: llm.ClassRate, RetryAfter: 1500 * time.Millisecond}, 429, "rate_limit_error", `"rate_limit_exceeded"`, "2"},
		{"client's budget", llm.Error{Type: llm.ErrRateLimited, Code: "insufficient_quota", NoRetry: true}, 429, "insufficient_quota", `"insufficient_quota"`, ""},
		{"overload", llm.Error{Class: llm.ClassOverload}, 503, "service_unavailable_error", `"server_is_overloaded"`, ""},
		{"timeout", llm.Error{Type: llm.ErrTimeout}, 504, "server_error", `null`, ""},
		{"bad request", llm.Error{Type: llm.ErrInvalidRequest}, 400, "invalid_request_error", `null`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.Message, tt.err.RequestID = "why", "r1"
			status, h, body := New().EncodeError(&tt.err)
			want := `{"error":{"message":"why","type":"` + tt.wireType + `","param":null,"code":` + tt.code + `}}`
			if status != tt.status || string(body) != want {
				t.Errorf("%d %s\nwant %d %s", status, body, tt.status, want)
			}
			if h.Get("retry-after") != tt.retryAfter || h.Get("x-request-id") != "r1" {
				t.Errorf("headers %v", h)
			}
			if (h.Get("x-should-retry") == "false") != tt.err.NoRetry {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func BenchmarkInspect_Text(b *testing.B) {
	d, ev := New(), event(`{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1790000000,"model":"glm-5.2","choices":[{"index":0,"delta":{"content":" Hello"},"finish_reason":null}],"usage":null}`)
	b.ReportAllocs()
	for b.Loop() {
		d.Inspect(ev)
	}
}
