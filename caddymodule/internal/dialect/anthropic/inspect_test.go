package anthropic

import (
	"errors"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
)

func event(name, data string) *sse.Event {
	return &sse.Event{Type: []byte(name), Data: []byte(data)}
}

func TestInspect_KindsOfEvents(t *testing.T) {
	usage := &llm.Usage{Input: 912, CacheRead: 900, Output: 1, Known: true}
	tests := []struct {
		name string
		ev   *sse.Event
		want dialect.Inspection
	}{
		{"comment", &sse.Event{Comment: true}, dialect.Inspection{Kind: dialect.EventPing}},
		{"ping", event("ping", `{"type":"ping"}`), dialect.Inspection{Kind: dialect.EventPing}},
		{"message_start", event("message_start", `{"type":"message_start","message":{"usage":{"input_tokens":12,"cache_read_input_tokens":900,"output_tokens":1}}}`),
			dialect.Inspection{Kind: dialect.EventPreamble, Usage: usage}},
		{"text block opens", event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`), dialect.Inspection{Kind: dialect.EventPreamble}},
		{"call opens", event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"ls","input":{}}}`), dialect.Inspection{Kind: dialect.EventContent}},
		{"delta", event("content_block_delta", `{}`), dialect.Inspection{Kind: dialect.EventContent}},
		{"delta without event line", event("", `{"type":"content_block_delta"}`), dialect.Inspection{Kind: dialect.EventContent}},
		{"message_delta", event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":31}}`),
			dialect.Inspection{Kind: dialect.EventOther, Usage: &llm.Usage{Output: 31, Known: true}, Finished: true}},
		{"message_stop", event("message_stop", `{"type":"message_stop"}`), dialect.Inspection{Kind: dialect.EventTerminal, Finished: true}},
		{"unknown type", event("sparkle", `{"type":"sparkle"}`), dialect.Inspection{Kind: dialect.EventOther}},
		{"stray DONE", event("", `[DONE]`), dialect.Inspection{Kind: dialect.EventOther}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, New().Inspect(tt.ev)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInspect_ErrorEventsAreClassified(t *testing.T) {
	for name, ev := range map[string]*sse.Event{
		"named":        event("error", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`),
		"without name": event("", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`),
		"odd name":     event("message", `{"error":{"type":"overloaded_error","message":"Overloaded"}}`),
	} {
		in := New().Inspect(ev)
		if in.Kind != dialect.EventError || in.Err == nil || in.Err.Class != llm.ClassOverload {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

func TestCheckResponse_OnlyWholeAnswersPass(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}`: true,
		"\xef\xbb\xbf" + `{"content":[],"stop_reason":"end_turn"}`:                            true,
		`{"content":[]}`: false, `{}`: false, ``: false, `<html>`: false, `{"content":[{"type":"te`: false, `[]`: false,
	} {
		if _, err := New().CheckResponse([]byte(body)); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{
		`{"type":"error","error":{"type":"rate_limit_error","message":"x"}}`,
		`{"error":"x"}`, `{"code":500,"msg":"404 NOT_FOUND","success":false}`,
		`{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`,
	} {
		var e *llm.Error
		if _, err := New().CheckResponse([]byte(body)); !errors.As(err, &e) {
			t.Errorf("%s: not recognised as a provider's failure", body)
		}
	}
}

func TestEncodeError_StatusTypeAndHeaders(t *testing.T) {
	tests := []struct {
		name     string
		err      llm.Error
		status   int
		wireType string
	}{
		{"bad request", llm.Error{Class: llm.ClassBadRequest, Status: 422}, 422, "invalid_request_error"},
		{"gateway's client key", llm.Error{Type: llm.ErrUnauthenticated}, 401, "authentication_error"},
		{"every upstream key is wrong", llm.Error{Class: llm.ClassAuth, Status: 401}, 502, "api_error"},
		{"upstream's money is gone", llm.Error{Class: llm.ClassBalance, Status: 402}, 502, "api_error"},
		{"model unknown", llm.Error{Type: llm.ErrModelNotFound}, 404, "not_found_error"},
		{"rate", llm.Error{Class: llm.ClassRate}, 429, "rate_limit_error"},
		{"overload", llm.Error{Class: llm.ClassOverload}, 529, "overloaded_error"},
		{"no target left", llm.Error{Type: llm.ErrUnavailable}, 529, "overloaded_error"},
		{"timeout", llm.Error{Type: llm.ErrTimeout}, 504, "timeout_error"},
		{"too large", llm.Error{Type: llm.ErrTooLarge}, 413, "request_too_large"},
		{"transient", llm.Error{Class: llm.ClassTransient}, 502, "api_error"},
		{"zero value", llm.Error{}, 500, "api_error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.err.Message, tt.err.RequestID = "why", "req_1"
			status, h, body := New().EncodeError(&tt.err)
			want := `{"type":"error","error":{"type":"` + tt.wireType + `","message":"why"},"request_id":"req_1"}`
			if status != tt.status || string(body) != want {
				t.Errorf("%d %s\nwant %d %s", status, body, tt.status, want)
			}
			if h.Get("request-id") != "req_1" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestKnownFailure_94_PromptTooLongWordingIsKept(t *testing.T) {
	_, _, body := New().EncodeError(&llm.Error{Class: llm.ClassContext, Message: "maximum context length is 9 tokens"})
	if want := `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: maximum context length is 9 tokens"}}`; string(body) != want {
		t.Errorf("got %s", body)
	}
}

func TestEncodeError_LongQuotaWaitTellsSDKsNotToRetry(t *testing.T) {
	_, h, _ := New().EncodeError(&llm.Error{Class: llm.ClassQuota, RetryAfter: 90*time.Minute + time.Millisecond})
	if h.Get("x-should-retry") != "false" || h.Get("retry-after") != "5401" {
		t.Errorf("headers %v", h)
	}
}

func BenchmarkInspect_Delta(b *testing.B) {
	d, ev := New(), event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`)
	b.ReportAllocs()
	for b.Loop() {
		d.Inspect(ev)
	}
}

func BenchmarkInspect_MessageDelta(b *testing.B) {
	d, ev := New(), event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":31}}`)
	b.ReportAllocs()
	for b.Loop() {
		d.Inspect(ev)
	}
}
