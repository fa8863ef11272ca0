package failover

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// wording is one way in which providers say that a prompt is too long, and
// which of the numbers after it are the prompt's size and the limit, counted
// from 0; -1 for none.
type wording struct {
	text          string
	tokens, limit int
}

// overflowWordings are in lower case, the more telling first. "and" of the
// anthropic form about max_tokens adds two numbers; see overflow.
var overflowWordings = [...]wording{
	{"prompt is too long:", 0, 1},
	{"current length is", 0, 1},                                 // Cerebras
	{"longer than the model's context length", -1, 0},           // Synthetic: the size stands before
	{"exceeded model token limit:", 1, 0},                       // Moonshot
	{"maximum context length is", 1, 0},                         // OpenAI, vLLM, DeepSeek
	{"maximum prompt length is", 1, 0},                          // xAI
	{"input token count", 0, 1},                                 // Gemini
	{"range of input length should be", -1, 1},                  // Qwen: [1, limit]
	{"max_new_tokens` must be <=", 1, 0},                        // Together
	{"exceeds the maximum allowed input length", -1, 0},         // OpenRouter, Poolside
	{"reduce the length of the messages or completion", -1, -1}, // Cerebras, Groq
	{"tokens in request more than max tokens allowed", -1, -1},  // Z.AI
	{"prompt exceeds max length", -1, -1},                       // Z.AI
	{"context window exceeds limit", -1, -1},                    // MiniMax
	{"context limit exceeded", -1, -1},                          // Synthetic
	{"exceeds the available context size", -1, -1},              // llama.cpp
	{"exceeded model token limit", -1, -1},
	{"prompt is too long", -1, -1},
	{"context_length_exceeded", -1, -1},
	{"exceeds the context window", -1, -1},
}

// saysOverflow reports whether a lower-cased message says that the prompt is
// too long.
func saysOverflow(text string) bool {
	for i := range overflowWordings {
		if w := &overflowWordings[i]; strings.Contains(text, w.text) {
			if w.text != "input token count" || strings.Contains(text, "exceeds the maximum") {
				return true
			}
		}
	}
	return strings.Contains(text, "exceed context limit")
}

// overflow is a prompt that is longer than the model takes. 0 is unknown.
type overflow struct{ tokens, limit int }

// readOverflow finds the two numbers in an answer.
func readOverflow(text string, inner gjson.Result) overflow {
	o := overflow{int(inner.Get("n_prompt_tokens").Int()), int(inner.Get("n_ctx").Int())}
	if o.tokens > 0 && o.limit > 0 {
		return o
	}
	if _, after, ok := strings.Cut(text, "exceed context limit"); ok {
		if n := numbers(after, 3); len(n) == 3 { // input + max_tokens > limit
			return overflow{n[0] + n[1], n[2]}
		}
	}
	for i := range overflowWordings {
		if o, ok := overflowWordings[i].read(text); ok {
			return o
		}
	}
	return overflow{}
}

func (w *wording) read(text string) (overflow, bool) {
	before, after, ok := strings.Cut(text, w.text)
	if !ok {
		return overflow{}, false
	}
	n := numbers(after, 4)
	o := overflow{at(n, w.tokens), at(n, w.limit)}
	if strings.HasPrefix(w.text, "longer than") {
		if b := numbers(before, 8); len(b) > 0 {
			o.tokens = b[len(b)-1]
		}
	}
	if o.tokens > 0 && o.limit > 0 && o.tokens <= o.limit {
		o.tokens = 0 // the numbers mean something else
	}
	return o, true
}

// Message is the wording that clients act on: Claude Code compacts the
// conversation when it reads "prompt is too long", and lowers max_tokens when
// it reads Anthropic's sentence about both, which is kept. original is the
// provider's message.
func (o overflow) message(original string) string {
	if strings.Contains(original, "prompt is too long") || strings.Contains(original, "exceed context limit") {
		return original
	}
	if o.tokens > 0 && o.limit > 0 {
		return fmt.Sprintf("prompt is too long: %d tokens > %d maximum", o.tokens, o.limit)
	}
	if original == "" {
		return "prompt is too long"
	}
	return "prompt is too long: " + original
}

// numbers returns the first whole numbers in s, at most limit of them. Commas
// between digits are taken for grouping.
func numbers(s string, limit int) []int {
	var out []int
	for i := 0; i < len(s) && len(out) < limit; {
		if s[i] < '0' || s[i] > '9' {
			i++
			continue
		}
		start := i
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || groups(s, i)) {
			i++
		}
		if n, err := strconv.Atoi(strings.ReplaceAll(s[start:i], ",", "")); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// groups reports whether the comma at i stands between groups of three digits.
func groups(s string, i int) bool {
	if s[i] != ',' || i+3 >= len(s) {
		return false
	}
	if strings.Trim(s[i+1:i+4], "0123456789") != "" {
		return false
	}
	return i+4 >= len(s) || s[i+4] < '0' || s[i+4] > '9'
}

func at(n []int, i int) int {
	if i < 0 || i >= len(n) {
		return 0
	}
	return n[i]
}
