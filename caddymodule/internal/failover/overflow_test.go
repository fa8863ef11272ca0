package failover

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func TestOverflow_EveryWordingIsRecognisedAndNormalised(t *testing.T) {
	const normal = "prompt is too long: %d tokens > %d maximum"
	for _, c := range []struct {
		name, message string
		tokens, limit int
		want          string // "": normal
	}{
		{"anthropic", "prompt is too long: 215000 tokens > 200000 maximum", 215000, 200000, ""},
		{"anthropic with max_tokens", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease", 210000, 200000, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease"},
		{"openai messages", "This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens. Please reduce the length of the messages.", 10000, 8192, ""},
		{"openai, vllm, deepseek request", "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4500 in the messages, 500 in the completion).", 5000, 4096, ""},
		{"vllm newer", "maximum context length is 4096 tokens and your request has 5000 input tokens", 5000, 4096, ""},
		{"cerebras", "Please reduce the length of the messages or completion. Current length is 69553 while limit is 65536", 69553, 65536, ""},
		{"groq", "Please reduce the length of the messages or completion.", 0, 0, "prompt is too long: Please reduce the length of the messages or completion."},
		{"zai", "tokens in request more than max tokens allowed", 0, 0, "prompt is too long: tokens in request more than max tokens allowed"},
		{"zai 1261", "Prompt exceeds max length", 0, 0, "prompt is too long: Prompt exceeds max length"},
		{"minimax", "invalid params, context window exceeds limit", 0, 0, "prompt is too long: invalid params, context window exceeds limit"},
		{"synthetic", "Error from inference backend: 400 The input (530000 tokens) is longer than the model's context length (524288 tokens)", 530000, 524288, ""},
		{"synthetic, short", "Context limit exceeded", 0, 0, "prompt is too long: Context limit exceeded"},
		{"moonshot", "Your request exceeded model token limit: 262144 (requested: 269030)", 269030, 262144, ""},
		{"openrouter, poolside", "the prompt exceeds the maximum allowed input length of 131072 tokens", 0, 131072, "prompt is too long: the prompt exceeds the maximum allowed input length of 131072 tokens"},
		{"qwen", "Range of input length should be [1, 30720]", 0, 30720, "prompt is too long: Range of input length should be [1, 30720]"},
		{"xai", "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 537812, 131072, ""},
		{"together", "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000 `inputs` tokens and 1000 `max_new_tokens`", 5000, 4097, ""},
		{"gemini", "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).", 1196265, 1048575, ""},
		{"llama.cpp", "the request exceeds the available context size, try increasing it", 0, 0, "prompt is too long: the request exceeds the available context size, try increasing it"},
		{"grouped digits", "prompt is too long: 215,000 tokens > 200,000 maximum", 215000, 200000, "prompt is too long: 215,000 tokens > 200,000 maximum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			quoted, _ := json.Marshal(c.message)
			d := Classify(nil, Answer{Status: 400, Body: fmt.Appendf(nil, `{"error":{"message":%s}}`, quoted), Now: noon})
			want := c.want
			if want == "" {
				want = fmt.Sprintf(normal, c.tokens, c.limit)
			}
			if d.Class != llm.ClassContext || d.Tokens != c.tokens || d.Limit != c.limit {
				t.Errorf("got %s, %d > %d", d.Class, d.Tokens, d.Limit)
			}
			if d.Err.Message != want || d.Err.Status != 400 || d.Err.Code != "context_length_exceeded" {
				t.Errorf("the client would hear %d %s %q, want %q", d.Err.Status, d.Err.Code, d.Err.Message, want)
			}
		})
	}
}

func TestOverflow_NumbersInFieldsCount(t *testing.T) {
	d := Classify(vendor(t, "llamacpp"), Answer{Status: 400, Now: noon,
		Body: []byte(`{"error":{"code":400,"message":"exceeds","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}`)})
	if d.Err.Message != "prompt is too long: 9000 tokens > 4096 maximum" {
		t.Errorf("got %q", d.Err.Message)
	}
}

func TestOverflow_Empty413IsOne(t *testing.T) {
	d := Classify(nil, Answer{Status: 413, Now: noon})
	if d.Class != llm.ClassContext || d.Err.Message != "prompt is too long" {
		t.Errorf("got %s %q", d.Class, d.Err.Message)
	}
}

func TestOverflow_OtherFaultsAreNone(t *testing.T) {
	for _, message := range []string{
		"max_tokens is too large: 99999. This model supports at most 16384 completion tokens",
		"messages: at least one message is required", "input token count is negative", "name too long",
	} {
		d := Classify(nil, Answer{Status: 400, Body: fmt.Appendf(nil, `{"error":{"message":%q}}`, message), Now: noon})
		if d.Class != llm.ClassBadRequest || d.Err.Message != message {
			t.Errorf("%q: got %s %q", message, d.Class, d.Err.Message)
		}
	}
}
