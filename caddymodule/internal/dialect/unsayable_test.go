package dialect_test

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestUnsayable_WhatTheResponsesAPIKeepsIsRefusedElsewhere(t *testing.T) {
	for _, tt := range []struct{ name, body, param string }{
		{"a reference behind a call and its output", `{"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
			{"type":"function_call_output","call_id":"c","output":"y"},{"type":"item_reference","id":"msg_1"}]}`, "input[3]"},
		{"a reference first", `{"input":[{"type":"item_reference","id":"msg_1"},{"role":"user","content":"x"}]}`, "input[0]"},
		{"a compacted history", `{"input":[{"role":"user","content":"x"},{"type":"compaction","encrypted_content":"s"}]}`, "input[1]"},
		{"a conversation by its name", `{"conversation":"conv_1","input":"x"}`, "conversation"},
		{"a conversation as an object", `{"input":"x","conversation":{"id":"conv_1"}}`, "conversation"},
		{"a prompt", `{"prompt":{"id":"pmpt_1"}}`, "prompt"},
		{"no conversation", `{"conversation":null,"prompt":null,"input":"x"}`, ""},
		{"an empty prompt", `{"prompt":"","input":"x"}`, ""},
		{"a compaction that holds nothing", `{"input":[{"type":"compaction"},{"role":"user","content":"x"}]}`, ""},
	} {
		for _, to := range names {
			_, _, err := encodedAs([]byte(tt.body), llm.Responses, to, nil)
			if to == llm.Responses || tt.param == "" {
				if err != nil {
					t.Errorf("%s, to %s: %v", tt.name, to, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%s, to %s: sent without it", tt.name, to)
			} else if e := asError(t, err); e.Param != tt.param || e.Code != "unsupported_parameter" || e.Type != llm.ErrInvalidRequest {
				t.Errorf("%s, to %s: %+v", tt.name, to, e)
			}
		}
	}
}

func TestUnsayable_OtherClientsMembersOfTheSameNameAreDropped(t *testing.T) {
	for _, from := range []llm.Dialect{llm.OpenAI, llm.Anthropic} {
		for _, to := range names {
			if _, dropped, err := encodedAs([]byte(`{"prompt":"p","conversation":"c","messages":[]}`), from, to, nil); err != nil || from != to && len(dropped) != 2 {
				t.Errorf("%s to %s: dropped %q, %v", from, to, dropped, err)
			}
		}
	}
}

func TestUnsayable_ErrorOutlivesTheRequest(t *testing.T) {
	outlives(t, `{"input":[{"role":"user","content":"x"},{"type":"item_reference","id":"msg_1"}]}`, func(body []byte) *llm.Error {
		_, _, err := encodedAs(body, llm.Responses, llm.OpenAI, &dialect.Policy{})
		return asError(t, err)
	})
}
