package dialect_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// encoded translates a request from one dialect to another.
func encoded(t *testing.T, from, to llm.Dialect, body string, p *dialect.Policy) gjson.Result {
	t.Helper()
	r, err := dialects.Get(from).DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := dialects.Get(to).EncodeRequest(r, &dialect.Target{Model: "m", Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	return gjson.ParseBytes(out)
}

func TestKnownFailure_26_33_SplitDuplicateAndDisorderedResults(t *testing.T) {
	got := encoded(t, llm.Anthropic, llm.OpenAI, `{"messages":[
		{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":"2"}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"a","content":"1 again"}]}]}`, nil)
	want := `["a","b"] ["1","2"]`
	if s := got.Get("messages.#.tool_call_id").Raw + " " + got.Get("messages.#(role==tool)#.content").Raw; s != want {
		t.Errorf("%s\n%s", s, got.Raw)
	}
}

func TestKnownFailure_27_ToolMessagesBecomeOneUserTurn(t *testing.T) {
	got := encoded(t, llm.OpenAI, llm.Anthropic, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"f"}}]},
		{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":"2"},{"role":"user","content":"y"}]}`, nil)
	if kinds := got.Get("messages.2.content.#.type").Raw; got.Get("messages.#").Int() != 3 || kinds != `["tool_result","tool_result","text"]` {
		t.Error(got.Raw)
	}
}

func TestKnownFailure_28_29_PicturesOfResultsFollowAllResults(t *testing.T) {
	got := encoded(t, llm.Anthropic, llm.OpenAI, `{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"url","url":"https://x.test"}}]},{"type":"text","text":"look"},{"type":"tool_result","tool_use_id":"b","content":"2"}]}]}`, nil)
	if roles := got.Get("messages.#.role").Raw; roles != `["assistant","tool","tool","user"]` || got.Get("messages.3.content.0.type").Str != "image_url" {
		t.Error(got.Raw)
	}
}

func TestKnownFailure_30_DocumentWithoutATakerIsA400(t *testing.T) {
	r, err := dialects.Get(llm.Anthropic).DecodeRequest([]byte(`{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"x"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		_, _, err = dialects.Get(name).EncodeRequest(r, &dialect.Target{Policy: &dialect.Policy{NoDocuments: true}})
		var e *llm.Error
		if !errors.As(err, &e) || e.Type != llm.ErrInvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKnownFailure_34_35_SystemTurnsKeepTheirPlaceAndOrder(t *testing.T) {
	body := `{"system":[{"type":"text","text":"one"},{"type":"text","text":"two","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"x"},{"role":"system","content":"three"},{"role":"assistant","content":"y"},{"role":"user","content":"z"}]}`
	chat := encoded(t, llm.Anthropic, llm.OpenAI, body, nil)
	if chat.Get("messages.#.role").Raw != `["system","user","system","assistant","user"]` || chat.Get("messages.0.content").Str != "one\n\ntwo" {
		t.Error(chat.Raw)
	}
	same := encoded(t, llm.Anthropic, llm.Anthropic, body, &dialect.Policy{Genuine: true})
	if same.Get("system.1.cache_control.type").Str != "ephemeral" || same.Get("messages.1.role").Str != "system" {
		t.Error(same.Raw)
	}
}

func TestKnownFailure_36_38_ClaudeCodeFieldsStayAtAnthropicOnly(t *testing.T) {
	body := `{"max_tokens":9,"thinking":{"type":"adaptive"},"output_config":{"effort":"high","task_budget":{"n":1}},"context_management":{"edits":[]},"system":[{"type":"text","text":"x-anthropic-billing-header: v"},{"type":"text","text":"s"}],"messages":[{"role":"user","content":"x"}]}`
	same := encoded(t, llm.Anthropic, llm.Anthropic, body, &dialect.Policy{Genuine: true})
	for _, path := range []string{"thinking.type", "output_config.effort", "output_config.task_budget.n", "context_management.edits"} {
		if !same.Get(path).Exists() {
			t.Errorf("%s lost: %s", path, same.Raw)
		}
	}
	if same.Get("system.#").Int() != 2 {
		t.Error(same.Raw)
	}
	for _, name := range []llm.Dialect{llm.OpenAI, llm.Responses} {
		other := encoded(t, llm.Anthropic, name, body, nil).Raw
		for _, word := range []string{"billing", "context_management", "output_config", "adaptive", "task_budget"} {
			if strings.Contains(other, word) {
				t.Errorf("%s in %s", word, other)
			}
		}
	}
}

func TestKnownFailure_37_RootOfToolSchemasIsNormalised(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"object","properties":{"a":{"anyOf":[]}}}`: `{"type":"object","properties":{"a":{"anyOf":[]}}}`,
		`{"type":"object"}`: `{"type":"object","properties":{}}`,
		`{}`:                `{"type":"object","properties":{}}`,
		``:                  `{"type":"object","properties":{}}`,
		`{"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"a":{"x":1},"b":{}}}]}`:         `{"type":"object","properties":{"a":{},"b":{}}}`,
		`{"$schema":"s","type":"object","properties":{"q\"":{}},"required":["a"],"$defs":{"d":{"x":[1]}}}`: `{"type":"object","properties":{"q\"":{}},"required":["a"],"$defs":{"d":{"x":[1]}}}`,
	} {
		if got := string(dialect.ToolSchema(json.RawMessage(in))); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestKnownFailure_40_ParametersFollowThePolicy(t *testing.T) {
	got := encoded(t, llm.Anthropic, llm.OpenAI, `{"max_tokens":9000,"temperature":0.9,"messages":[]}`,
		&dialect.Policy{Rename: map[string]string{"max_completion_tokens": "max_tokens"}, Drop: []string{"temperature"}, MaxOutput: 800})
	if got.Get("max_tokens").Int() != 800 || got.Get("temperature").Exists() || got.Get("max_completion_tokens").Exists() {
		t.Error(got.Raw)
	}
}

func TestKnownFailure_41_ToolChoiceAndParallelBothWays(t *testing.T) {
	tools := `"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]`
	for in, want := range map[string]string{
		`"tool_choice":"none"`:     `{"type":"none"}`,
		`"tool_choice":"required"`: `{"type":"any"}`,
		`"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"g"}}`: `{"type":"tool","name":"g","disable_parallel_tool_use":true}`,
		`"parallel_tool_calls":false`: `{"type":"auto","disable_parallel_tool_use":true}`,
	} {
		got := encoded(t, llm.OpenAI, llm.Anthropic, `{`+tools+`,`+in+`,"messages":[]}`, nil)
		if got.Get("tool_choice").Raw != want {
			t.Errorf("%s: %s", in, got.Get("tool_choice").Raw)
		}
	}
	allowed := encoded(t, llm.OpenAI, llm.Anthropic, `{`+tools+`,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}},"messages":[]}`, nil)
	if allowed.Get("tools.#.name").Raw != `["g"]` {
		t.Error(allowed.Raw)
	}
}

func TestKnownFailure_42_ReasoningIsReplayedToWhoWantsIt(t *testing.T) {
	body := `{"messages":[{"role":"assistant","reasoning_content":"hm","content":"x"}]}`
	for field := range map[string]bool{"reasoning": true, "reasoning_content": true, "": true} {
		got := encoded(t, llm.OpenAI, llm.OpenAI, body, &dialect.Policy{Reasoning: field})
		if field == "" && strings.Contains(got.Raw, "hm") || field != "" && got.Get("messages.0."+field).Str != "hm" {
			t.Errorf("%q: %s", field, got.Raw)
		}
	}
}

func TestKnownFailure_43_OnlyAnthropicsOwnThinkingGoesToAnthropic(t *testing.T) {
	own := dialect.OwnSignature("glm's")
	body := `{"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"glm's","signature":"` + own + `"},{"type":"thinking","thinking":"claude's","signature":"EqkB"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}`
	claude := encoded(t, llm.Anthropic, llm.Anthropic, body, &dialect.Policy{Genuine: true})
	if s := claude.Raw; strings.Contains(s, "glm's") || !strings.Contains(s, "claude's") {
		t.Error(s)
	}
	glm := encoded(t, llm.Anthropic, llm.OpenAI, body, &dialect.Policy{Reasoning: "reasoning_content"})
	if s := glm.Get("messages.1.reasoning_content").Str; s != "glm's" {
		t.Error(glm.Raw)
	}
}

func TestKnownFailure_43_BudgetedThinkingIsOffInATurnThatLostIts(t *testing.T) {
	body := `{"max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}`
	if got := encoded(t, llm.Anthropic, llm.Anthropic, body, &dialect.Policy{Genuine: true}); got.Get("thinking").Exists() {
		t.Error(got.Raw)
	}
}

func TestKnownFailure_46_CustomToolsRoundTrip(t *testing.T) {
	r, err := dialects.Get(llm.OpenAI).DecodeRequest([]byte(`{"model":"m","messages":[],"stream":true,"tools":[{"type":"custom","custom":{"name":"apply_patch","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: X"}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out := translated(t, llm.Anthropic, llm.OpenAI, []byte("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"apply_patch\",\"input\":{}}}\n\n"+
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"input\\\":\\\"*** Be\"}}\n\n"+
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"gin\\\\n\\\"}\"}}\n\n"+
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), r)
	text := ""
	for _, e := range out {
		text += e.Get("choices.0.delta.tool_calls.0.custom.input").Str
	}
	if text != "*** Begin\n" || out[1].Get("choices.0.delta.tool_calls.0.type").Str != "custom" {
		t.Errorf("%q %v", text, out)
	}
}

func TestKnownFailure_55_CacheKeyComesFromTheSession(t *testing.T) {
	body := `{"max_tokens":9,"metadata":{"user_id":"{\"device_id\":\"dev\",\"session_id\":\"s-1\"}"},"messages":[{"role":"user","content":"x"}]}`
	got := encoded(t, llm.Anthropic, llm.Responses, body, nil)
	if got.Get("prompt_cache_key").Str != "s-1" || strings.Contains(got.Raw, "dev") {
		t.Error(got.Raw)
	}
}

func TestKnownFailure_96_CachedTokensCountOnce(t *testing.T) {
	for _, body := range []string{
		`{"content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":900,"output_tokens":5}}`,
		`{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1012,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":900,"cache_write_tokens":100}}}`,
	} {
		from := dialects.Get(llm.Anthropic)
		if strings.Contains(body, "choices") {
			from = dialects.Get(llm.OpenAI)
		}
		a, err := from.DecodeResponse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		want := llm.Usage{Input: 1012, Output: 5, CacheRead: 900, CacheWrite: 100, Known: true}
		if u, err := from.CheckResponse([]byte(body)); a.Usage != want || u != want || err != nil {
			t.Errorf("%+v, %+v, %v", a.Usage, u, err)
		}
		for _, name := range names {
			out, err := dialects.Get(name).EncodeResponse(a, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := dialects.Get(name).CheckResponse(out); got != want || err != nil {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}
