package responses

import (
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

func TestInspect_SaysWhatAnEventIs(t *testing.T) {
	for _, tt := range []struct {
		data string
		want dialect.EventKind
	}{
		{`{"type":"response.created"}`, dialect.EventPreamble},
		{`{"type":"response.queued"}`, dialect.EventPreamble},
		{`{"type":"keepalive","sequence_number":4}`, dialect.EventPing},
		{`{"type":"response.output_item.added","item":{"type":"message"}}`, dialect.EventPreamble},
		{`{"type":"response.output_item.added","item":{"type":"reasoning"}}`, dialect.EventContent},
		{`{"type":"response.content_part.added"}`, dialect.EventPreamble},
		{`{"type":"response.output_text.delta","delta":""}`, dialect.EventPreamble},
		{`{"type":"response.output_text.delta","delta":"x"}`, dialect.EventContent},
		{`{"type":"response.reasoning_summary_text.delta","delta":"x"}`, dialect.EventContent},
		{`{"type":"response.function_call_arguments.delta","delta":"x"}`, dialect.EventContent},
		{`{"type":"response.output_text.done","text":"x"}`, dialect.EventOther},
		{`{"type":"response.output_item.done"}`, dialect.EventContent},
		{`{"type":"response.completed","response":{"status":"completed"}}`, dialect.EventTerminal},
		{`{"type":"response.incomplete","response":{}}`, dialect.EventTerminal},
		{`{"type":"response.completed","response":{"status":"failed","error":{"message":"x"}}}`, dialect.EventError},
		{`{"type":"response.failed","response":{}}`, dialect.EventError},
		{`{"type":"error","message":"x"}`, dialect.EventError},
		{`{"error":{"message":"x"}}`, dialect.EventError},
		{`{"type":"codex.rate_limits"}`, dialect.EventOther},
		{`[DONE]`, dialect.EventOther},
		{`{"x":1}`, dialect.EventOther},
		{`nonsense`, dialect.EventOther},
	} {
		named := &sse.Event{Type: []byte(gjson.Get(tt.data, "type").Str), Data: []byte(tt.data)}
		for _, ev := range []*sse.Event{named, {Data: []byte(tt.data)}, {Type: []byte("message"), Data: []byte(tt.data)}} {
			in := testDialect.Inspect(ev)
			if in.Kind != tt.want || (in.Err != nil) != (tt.want == dialect.EventError) || in.Finished != (tt.want == dialect.EventTerminal) {
				t.Errorf("%s, named %q: %+v, want %d", tt.data, ev.Type, in, tt.want)
			}
		}
	}
	if in := testDialect.Inspect(&sse.Event{Comment: true}); in.Kind != dialect.EventPing {
		t.Errorf("comment: %+v", in)
	}
}

func TestInspect_ReportsTheUsageOfTheEnd(t *testing.T) {
	data := []byte(`{"type":"response.completed","response":` + providerAnswer + `}`)
	in := testDialect.Inspect(&sse.Event{Type: []byte(evCompleted), Data: data})
	if in.Usage == nil || in.Usage.Input != 20 || in.Usage.CacheRead != 4 || in.Usage.Reasoning != 5 {
		t.Errorf("usage %+v", in.Usage)
	}
}

func TestCheckResponse_TellsAnswersFromFailures(t *testing.T) {
	const ok, failure, other = 0, 1, 2
	for body, want := range map[string]int{
		providerAnswer: ok,
		`{"status":"incomplete","error":null,"output":[]}`: ok,
		``:                       other,
		`<html>`:                 other,
		`{"output":[`:            other,
		`{"choices":[]}`:         other,
		`{"status":"completed"}`: other,
		`{"status":"failed","error":{"code":"server_error","message":"x"},"output":[]}`: failure,
		`{"status":"failed","error":null,"output":[]}`:                                  failure,
		`{"error":{"message":"x"}}`:                                                     failure,
		`{"base_resp":{"status_code":1002,"status_msg":"x"}}`:                           failure,
	} {
		_, err := testDialect.CheckResponse([]byte(body))
		got := other
		if _, isFailure := err.(*llm.Error); err == nil {
			got = ok
		} else if isFailure {
			got = failure
		}
		if got != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFailureCode_IsChosenByWhatCodexDoes(t *testing.T) {
	for _, tt := range []struct {
		name          string
		err           *llm.Error
		code, message string
	}{
		{"overflow", &llm.Error{Class: llm.ClassContext, Message: "prompt is too long"}, "context_length_exceeded", "prompt is too long"},
		{"rate", &llm.Error{Class: llm.ClassRate, Message: "slow down", RetryAfter: 1250 * time.Millisecond}, "rate_limit_exceeded", "slow down Please try again in 1.3s."},
		{"overload", &llm.Error{Class: llm.ClassOverload, Message: "busy"}, "rate_limit_exceeded", "busy"},
		{"quota", &llm.Error{Class: llm.ClassQuota, Message: "spent", NoRetry: true}, "insufficient_quota", "spent"},
		{"key", &llm.Error{Class: llm.ClassAuth, Message: "x"}, "server_error", "x"},
		{"filter", &llm.Error{Class: llm.ClassContent, Message: "x"}, "invalid_prompt", "x"},
		{"none left", &llm.Error{Type: llm.ErrUnavailable, Message: "x", RetryAfter: 7 * time.Second}, "rate_limit_exceeded", "x Please try again in 7s."},
		{"all failed", &llm.Error{Type: llm.ErrUpstream, Message: "x"}, "server_error", "x"},
	} {
		if code, message := failureCode(tt.err); code != tt.code || message != tt.message {
			t.Errorf("%s: %s %q", tt.name, code, message)
		}
	}
}

func TestAppendStreamError_IsAnEventEveryClientTakes(t *testing.T) {
	e := &llm.Error{Class: llm.ClassTransient, Message: "cut", RequestID: "req-1"}
	ev := dataOf(t, testDialect.AppendStreamErrorAt(nil, e, 12))[0]
	for path, want := range map[string]string{
		"type": "response.failed", "sequence_number": "12", "response.id": "resp_req-1", "response.status": "failed",
		"response.error.code": "server_error", "response.error.message": "cut", "response.output": "[]",
	} {
		if got := ev.Get(path).String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if ev := dataOf(t, testDialect.AppendStreamError(nil, e))[0]; !ev.Get("sequence_number").Exists() {
		t.Error("no sequence number")
	}
}

func TestWaitIn_ReadsTheDelayFromTheMessage(t *testing.T) {
	for message, want := range map[string]time.Duration{
		"Please try again in 1.5s.":       1500 * time.Millisecond,
		"try again in 20ms. Visit x":      20 * time.Millisecond,
		"Try again in 6m0s":               6 * time.Minute,
		"please try again in 7 seconds":   7 * time.Second,
		"try again in a while":            0,
		"":                                0,
		"try again in 999999999999999999": 0,
	} {
		if got := waitIn(message); got != want {
			t.Errorf("%q: %v", message, got)
		}
	}
}

func TestEncodeError_HasOpenAIsForm(t *testing.T) {
	status, header, body := testDialect.EncodeError(&llm.Error{Type: llm.ErrInvalidRequest, Code: "unsupported_parameter", Param: "previous_response_id", Message: "no", RequestID: "r"})
	if status != 400 || header.Get("X-Request-Id") != "r" || gjson.GetBytes(body, "error.code").Str != "unsupported_parameter" || gjson.GetBytes(body, "error.param").Str != "previous_response_id" {
		t.Errorf("%d %v %s", status, header, body)
	}
}

func TestPrefixed_IdsFitAndStayTheSame(t *testing.T) {
	for id, want := range map[string]string{"resp_1": "resp_1", "msg_1": "resp_msg_1"} {
		if got := responseID(id); got != want {
			t.Errorf("%s became %s", id, got)
		}
	}
	for _, id := range []string{"a b", "ü", string(make([]byte, 100))} {
		got := responseID(id)
		if !fits(got) || got != responseID(id) {
			t.Errorf("%q became %q", id, got)
		}
	}
	if a, b := responseID(""), responseID(""); a == b {
		t.Errorf("two answers without an id are both %s", a)
	}
}
