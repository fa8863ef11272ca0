package anthropic

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestStripThinking_TakesOutAllOfItAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		`{"messages":[{"role":"user","content":"thinking"}]}`:                                                                                   "",
		`{"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"x"}]}`:                                       "",
		`{"thinking":{"type":"adaptive"}, "messages":[{"content":[{"type":"thinking","thinking":"a"}]}]}`:                                       `{"thinking":{"type":"adaptive"}, "messages":[{"content":[{"type":"text","text":"(no answer)"}]}]}`,
		`{"m":1, "thinking":{"type":"enabled"},"messages":[{"content":[{"type":"redacted_thinking","data":"a"}, {"type":"text","text":"x"}]}]}`: `{"m":1,"messages":[{"content":[{"type":"text","text":"x"}]}]}`,
	} {
		got, stripped := StripThinking([]byte(in))
		if want == "" {
			want = in
		}
		if string(got) != want || stripped != (want != in) {
			t.Errorf("%s\n got %s %v\nwant %s", in, got, stripped, want)
		}
	}
}

func TestIsThinkingRefused_ByWording(t *testing.T) {
	for msg, want := range map[string]bool{
		"messages.1.content.0: Invalid `signature` in `thinking` block":                               true,
		"Invalid signature in thinking block":                                                         true,
		"messages.3.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`": true,
		"thinking.budget_tokens: must be less than max_tokens":                                        false,
		"prompt is too long": false,
	} {
		if got := IsThinkingRefused(&llm.Error{Message: msg}); got != want {
			t.Errorf("%q: %v", msg, got)
		}
	}
}
