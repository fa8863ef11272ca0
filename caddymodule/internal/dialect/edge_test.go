package dialect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// A tool called by the name it went by upstream is, for each client, the tool
// it declared: long name, namespace and free form restored, whole and streamed.
func TestAnswers_CallsCarryTheClientsOwnToolNames(t *testing.T) {
	long := "mcp__server__" + strings.Repeat("long", 25)
	clients := map[llm.Dialect]struct{ body, path, stream string }{
		llm.Anthropic: {`{"model":"m","messages":[],"tools":[{"name":"` + long + `"}]}`, "content.0.name", `"name":"` + long + `"`},
		llm.OpenAI:    {`{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"` + long + `"}}]}`, "choices.0.message.tool_calls.0.function.name", `"name":"` + long + `"`},
		llm.Responses: {`{"model":"m","input":"x","tools":[{"type":"namespace","name":"ns","tools":[{"type":"function","name":"` + long + `"}]}]}`, "output.0.name", `"namespace":"ns"`},
	}
	for name, client := range clients {
		r, err := dialects.Get(name).DecodeRequest([]byte(client.body))
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := dialects.Get(llm.OpenAI).EncodeRequest(r, &dialect.Target{Model: "up"})
		if err != nil {
			t.Fatal(err)
		}
		upstream := gjson.GetBytes(out, "tools.0.function.name").Str
		call := `"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"` + upstream + `","arguments":"{}"}}]`
		a, err := dialects.Get(llm.OpenAI).DecodeResponse([]byte(`{"choices":[{"message":{` + call + `},"finish_reason":"tool_calls"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := dialects.Get(name).EncodeResponse(a, r)
		if err != nil || gjson.GetBytes(whole, client.path).Str != long {
			t.Errorf("%s: %s %v", name, whole, err)
		}
		events, err := decodeStream(dialects.Get(llm.OpenAI), chunks(delta(`{`+call+`}`), stop("tool_calls"), done))
		if err != nil {
			t.Fatal(err)
		}
		if s := string(encodeStream(dialects.Get(name), r, events)); !strings.Contains(s, client.stream) || strings.Contains(s, `"`+upstream+`"`) {
			t.Errorf("%s: %s", name, s)
		}
	}
}

func TestAnswers_FreeFormCallsComeBackAsText(t *testing.T) {
	r, err := dialects.Get(llm.OpenAI).DecodeRequest([]byte(`{"messages":[],"tools":[{"type":"custom","custom":{"name":"apply_patch"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{`{"input":"*** Begin\n"}`: "*** Begin\n", `bare text`: "bare text", `{"other":1}`: `{"other":1}`} {
		a := &llm.Response{Stop: llm.StopTool, Blocks: []llm.Block{{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: "c", Name: "apply_patch", Input: []byte(args)}}}}
		out, err := dialects.Get(llm.OpenAI).EncodeResponse(a, r)
		if got := gjson.GetBytes(out, "choices.0.message.tool_calls.0.custom.input").Str; err != nil || got != want {
			t.Errorf("%q: %q %v", args, got, err)
		}
	}
}

func TestRequests_WhatCannotBeReadIsA400ThatNamesTheField(t *testing.T) {
	for _, tt := range []struct {
		d           llm.Dialect
		body, param string
	}{
		{llm.Anthropic, `{"messages":"x"}`, "messages"}, {llm.Anthropic, `{"messages":[{"role":"wizard","content":"x"}]}`, "messages.role"},
		{llm.Anthropic, `{"messages":[{"role":"user","content":7}]}`, "messages.content"}, {llm.Anthropic, `{"system":{}}`, "system"},
		{llm.OpenAI, `{"messages":{}}`, "messages"}, {llm.OpenAI, `{"messages":[{"role":"wizard"}]}`, "messages.role"},
		{llm.OpenAI, `[]`, ""}, {llm.Anthropic, `{"a"`, ""}, {llm.OpenAI, ``, ""},
	} {
		_, err := dialects.Get(tt.d).DecodeRequest([]byte(tt.body))
		var e *llm.Error
		if !errors.As(err, &e) || e.Type != llm.ErrInvalidRequest || e.Param != tt.param {
			t.Errorf("%s %s: %+v", tt.d, tt.body, err)
		}
	}
}

func TestRequests_LegacyFunctionsBecomeTools(t *testing.T) {
	got := encoded(t, llm.OpenAI, llm.Anthropic, `{"functions":[{"name":"f","parameters":{"type":"object","properties":{}}}],"function_call":{"name":"f"},
		"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},{"role":"function","name":"f","content":"r"}]}`, nil)
	if got.Get("tools.0.name").Str != "f" || got.Get("tool_choice.name").Str != "f" || got.Get("messages.1.content.0.input.a").Int() != 1 ||
		got.Get("messages.2.content.0.tool_use_id").Str != got.Get("messages.1.content.0.id").Str {
		t.Error(got.Raw)
	}
}

func TestRequests_SignedThinkingSurvivesAChatClient(t *testing.T) {
	a := &llm.Response{Stop: llm.StopEnd, Blocks: []llm.Block{
		{Kind: llm.KindThinking, Text: "hm", Signature: "EqkB", Extra: llm.Extra{From: llm.Anthropic}},
		{Kind: llm.KindThinking, Redacted: "zzz", Extra: llm.Extra{From: llm.Anthropic}}, {Kind: llm.KindText, Text: "x"}}}
	body, err := dialects.Get(llm.OpenAI).EncodeResponse(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	turn := gjson.GetBytes(body, "choices.0.message").Raw
	got := encoded(t, llm.OpenAI, llm.Anthropic, `{"messages":[{"role":"user","content":"x"},`+turn+`,{"role":"user","content":"y"}]}`, &dialect.Policy{Genuine: true})
	want := `[{"type":"thinking","thinking":"hm","signature":"EqkB"},{"type":"redacted_thinking","data":"zzz"},{"type":"text","text":"x"}]`
	if s := got.Get("messages.1.content").Raw; s != want {
		t.Errorf("got %s", s)
	}
}

func TestRequests_AudioStaysWithChat(t *testing.T) {
	body := `{"messages":[{"role":"user","content":[{"type":"text","text":"hear"},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}`
	if got := encoded(t, llm.OpenAI, llm.OpenAI, body, nil); got.Get("messages.0.content.1.input_audio.format").Str != "wav" {
		t.Error(got.Raw)
	}
	if got := encoded(t, llm.OpenAI, llm.Anthropic, body, nil); strings.Contains(got.Raw, "audio") {
		t.Error(got.Raw)
	}
}

func TestRequests_RefusedFieldOfAPolicy(t *testing.T) {
	r, err := dialects.Get(llm.OpenAI).DecodeRequest([]byte(`{"seed":7,"n":1,"messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	chat := dialects.Get(llm.OpenAI)
	if _, _, err := chat.EncodeRequest(r, &dialect.Target{Policy: &dialect.Policy{Refuse: []string{"seed"}}}); err == nil {
		t.Error("seed was taken")
	}
	if out, _, err := chat.EncodeRequest(r, &dialect.Target{Policy: &dialect.Policy{Refuse: []string{"n"}}}); err != nil || strings.Contains(string(out), `"n"`) {
		t.Errorf("n = 1: %s %v", out, err)
	}
}

func TestRequests_CacheKeyForOpenAIItself(t *testing.T) {
	r, err := dialects.Get(llm.Anthropic).DecodeRequest([]byte(`{"metadata":{"user_id":"{\"session_id\":\"s-1\"}"},"messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	for vendor, want := range map[string]string{"openai": "s-1", "zai": ""} {
		out, _, err := dialects.Get(llm.OpenAI).EncodeRequest(r, &dialect.Target{Vendor: vendor})
		if got := gjson.GetBytes(out, "prompt_cache_key").Str; err != nil || got != want {
			t.Errorf("%s: %q %v", vendor, got, err)
		}
	}
}

func TestRequests_EffortForMessagesProviders(t *testing.T) {
	for _, tt := range []struct {
		effort string
		p      dialect.Policy
		extra  string
		want   string
	}{
		{"none", dialect.Policy{}, "", `{"type":"disabled"}`},
		{"none", dialect.Policy{Genuine: true}, "", ""},
		{"low", dialect.Policy{}, "", `{"type":"enabled","budget_tokens":4096}`},
		{"high", dialect.Policy{Genuine: true, Thinking: "budget"}, "", `{"type":"enabled","budget_tokens":24000}`},
		{"high", dialect.Policy{Genuine: true}, "", `{"type":"adaptive"}`},
		{"high", dialect.Policy{Genuine: true}, `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`, ""},
		{"high", dialect.Policy{}, `,"max_tokens":1000`, ""},
	} {
		got := encoded(t, llm.OpenAI, llm.Anthropic, fmt.Sprintf(`{"reasoning_effort":%q,"messages":[]%s}`, tt.effort, tt.extra), &tt.p)
		if s := got.Get("thinking").Raw; s != tt.want {
			t.Errorf("%s %+v %s: %s, want %s", tt.effort, tt.p, tt.extra, s, tt.want)
		}
	}
}

func TestNeedsScrub_FindsWhatApplyPolicyWouldEdit(t *testing.T) {
	own := `{"messages":[{"content":[{"type":"thinking","signature":"` + dialect.OwnSignature("x") + `"},{"type":"text","text":"y"}]}]}`
	for _, tt := range []struct {
		d    llm.Dialect
		body string
		p    dialect.Policy
		want bool
	}{
		{llm.Anthropic, own, dialect.Policy{Genuine: true}, true},
		{llm.Anthropic, `{"metadata":{"user_id":"u"}}`, dialect.Policy{}, true},
		{llm.Anthropic, `{"metadata":{"user_id":"u"}}`, dialect.Policy{Genuine: true}, false},
		{llm.Anthropic, `{"messages":[{"role":"system","content":"x"}]}`, dialect.Policy{Genuine: true, SystemFirst: true}, true},
		{llm.OpenAI, `{"messages":[{"role":"developer","content":"x"}]}`, dialect.Policy{NoDeveloper: true}, true},
		{llm.OpenAI, `{"messages":[{"role":"assistant","reasoning_content":"x"}]}`, dialect.Policy{Reasoning: "reasoning"}, true},
		{llm.OpenAI, `{"messages":[{"role":"assistant","reasoning_content":"x"}]}`, dialect.Policy{}, false},
		{llm.Responses, `{}`, dialect.Policy{}, false},
	} {
		if got := dialect.NeedsScrub([]byte(tt.body), tt.d, &tt.p); got != tt.want {
			t.Errorf("%s %s: %v", tt.d, tt.body, got)
		}
		edited, _, err := dialect.ApplyPolicy([]byte(tt.body), tt.d, &tt.p)
		if err != nil || (string(edited) != tt.body) != tt.want {
			t.Errorf("%s %s became %s %v", tt.d, tt.body, edited, err)
		}
	}
}

func TestOtherText_SaysWhatAModelCanUse(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"tool_reference","tool_name":"WebFetch"}`:                                                                "Tool WebFetch is loaded and can be called now.",
		`{"type":"web_search_tool_result","content":[{"title":"X","url":"https://x.test"},{"url":"https://y.test"}]}`:     "X (https://x.test)\nhttps://y.test",
		`{"type":"document","title":"T","source":{"type":"content","content":[{"type":"text","text":"a"},{"text":"b"}]}}`: "T\na\nb",
		`{"type":"bash_code_execution_tool_result","content":{"stdout":"out"}}`:                                           "out",
		`{"type":"server_tool_use","input":{}}`:                                                                           "",
	} {
		if got := dialect.OtherText(&llm.Block{Raw: []byte(raw)}); got != want {
			t.Errorf("%s: %q", raw, got)
		}
	}
}
