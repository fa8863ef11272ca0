package responses

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestRequest_BlocksThatCannotBeSaidAreNamed(t *testing.T) {
	other := func(from llm.Dialect, raw string) llm.Block {
		return llm.Block{Kind: llm.KindOther, Raw: json.RawMessage(raw), Extra: llm.Extra{From: from}}
	}
	audio := other(llm.OpenAI, `{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}`)
	upload := other(llm.Anthropic, `{"type":"container_upload","file_id":"f"}`)
	use := other(llm.Anthropic, `{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{}}`)
	hit := other(llm.Anthropic, `{"type":"search_result","title":"T","source":"s","content":[{"type":"text","text":"x"}]}`)
	result := llm.Block{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "c", Content: []llm.Block{upload, {Text: "r"}}}}
	made := llm.Message{Role: llm.RoleAssistant, Blocks: []llm.Block{call("c", "f", `{}`)}}
	say := func(role llm.Role, blocks ...llm.Block) llm.Message { return llm.Message{Role: role, Blocks: blocks} }
	text := llm.Block{Text: "hi"}
	const hiItem = `{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}`
	for _, tt := range []struct {
		name     string
		messages []llm.Message
		input    string
		dropped  []string
	}{
		{"audio alone", []llm.Message{say(llm.RoleUser, audio), say(llm.RoleUser, text)}, `[` + hiItem + `]`, []string{"messages.input_audio"}},
		{"audio behind text", []llm.Message{say(llm.RoleUser, text, audio)}, `[` + hiItem + `]`, []string{"messages.input_audio"}},
		{"uploads twice", []llm.Message{say(llm.RoleUser, upload, text, upload)}, `[` + hiItem + `]`, []string{"messages.container_upload"}},
		{"a server tool's call", []llm.Message{say(llm.RoleUser, text), say(llm.RoleAssistant, use)}, `[` + hiItem + `]`, []string{"messages.server_tool_use"}},
		{"an upload in a result", []llm.Message{made, say(llm.RoleUser, result)},
			`[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"r"}]`, []string{"messages.container_upload"}},
		{"what has words", []llm.Message{say(llm.RoleUser, hit)},
			`[{"type":"message","role":"user","content":[{"type":"input_text","text":"T (s)\nx"}]}]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, dropped := upstreamBody(t, &llm.Request{Messages: tt.messages, Extra: llm.Extra{From: llm.Anthropic}}, nil)
			if got := out.Get("input").Raw; got != tt.input {
				t.Errorf("input %s, want %s", got, tt.input)
			}
			if !slices.Equal(dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", dropped, tt.dropped)
			}
		})
	}
}
