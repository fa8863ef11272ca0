package dialect_test

import (
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

func TestOtherText_OutputOfACallIsSaid(t *testing.T) {
	const result = "Result of an earlier tool call:\n"
	for raw, want := range map[string]string{
		`{"type":"local_shell_call_output","call_id":"c","output":"a.txt"}`:                                                          result + "a.txt",
		`{"type":"apply_patch_call_output","call_id":"c","status":"completed","output":"Done"}`:                                      result + "Done",
		`{"type":"shell_call_output","output":[{"stdout":"a\n","stderr":"","outcome":{"type":"exit"}},{"stdout":"","stderr":"no"}]}`: result + "a\n\nno",
		`{"type":"x_call_output","output":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]}`:                      result + "a\nb",
		`{"type":"mcp_call","name":"look","arguments":"{}","output":"seen"}`:                                                         "seen",
		`{"type":"computer_call_output","output":{"type":"computer_screenshot","image_url":"data:"}}`:                                "",
		`{"type":"local_shell_call_output","output":""}`:                                                                             "",
		`{"type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["ls"]}}`:                                        "",
	} {
		if got := dialect.OtherText(&llm.Block{Raw: []byte(raw)}); got != want {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func TestFields_BlockWithoutWordsIsNamedByItsPlaceAndType(t *testing.T) {
	f := dialect.NewFields(nil, 0)
	for _, b := range []llm.Block{
		{Raw: []byte(`{"type":"local_shell_call"}`), Extra: llm.Extra{From: llm.Responses}},
		{Raw: []byte(`{"type":"local_shell_call_output","output":"a"}`), Extra: llm.Extra{From: llm.Responses}},
		{Raw: []byte(`{"type":"container_upload"}`), Extra: llm.Extra{From: llm.Anthropic}},
		{Raw: []byte(`{"type":"input_audio"}`), Extra: llm.Extra{From: llm.OpenAI}},
		{Raw: []byte(`{"type":"input_audio"}`), Extra: llm.Extra{From: llm.OpenAI}},
	} {
		if got := f.OtherText(&b); got != dialect.OtherText(&b) {
			t.Errorf("%s: %q", b.Raw, got)
		}
	}
	if want := []string{"input.local_shell_call", "messages.container_upload", "messages.input_audio"}; !slices.Equal(f.Dropped, want) {
		t.Errorf("dropped %q", f.Dropped)
	}
}

func TestRequest_OutputOfACallThatOnlyResponsesKnowsGoesAlong(t *testing.T) {
	body := `{"input":[{"role":"user","content":"ls"},{"type":"local_shell_call","call_id":"c","action":{"type":"exec","command":["ls"]}},{"type":"local_shell_call_output","call_id":"c","output":"a.txt"}]}`
	for to, path := range map[llm.Dialect]string{llm.OpenAI: "messages.1.content", llm.Anthropic: "messages.2.content.0.text"} {
		out, _, err := encodedAs([]byte(body), llm.Responses, to, nil)
		if got := gjson.GetBytes(out, path).Str; err != nil || got != "Result of an earlier tool call:\na.txt" {
			t.Errorf("to %s: %q in %s, %v", to, got, out, err)
		}
	}
}
