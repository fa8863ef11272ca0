package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Known failure 5: whatever a Chat provider mixes, indices are contiguous,
// each delta is within its block and of its kind.
func TestKnownFailure_05_IndicesAreContiguousAndDeltasFit(t *testing.T) {
	pieces := []string{
		`{"content":"t"}`, `{"content":""}`, `{"reasoning":"r"}`, `{"refusal":"no"}`, `{"role":"assistant","content":null}`,
		`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}`,
		`{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]}`,
		`{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]}`,
		`{"tool_calls":[{"index":1,"function":{"name":"","arguments":" "}}]}`,
		`{"tool_calls":[{"function":{"arguments":"{"}}]}`,
	}
	kinds := map[string]string{"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}
	rapid.Check(t, func(rt *rapid.T) {
		var bodies []string
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(rt, "deltas") {
			bodies = append(bodies, delta(p))
		}
		lines := outline(toAnthropic(t, chunks(append(bodies, stop("stop"), done)...)))
		next, open := 0, ""
		for _, line := range lines {
			word, rest, _ := strings.Cut(line, " ")
			switch {
			case word == "start":
				kind, index, _ := strings.Cut(rest, " ")
				if open != "" || index != fmt.Sprint(next) {
					rt.Fatalf("%v", lines)
				}
				open = kind
			case word == "stop":
				if open == "" || rest != fmt.Sprint(next) {
					rt.Fatalf("%v", lines)
				}
				open = ""
				next++
			case kinds[word] != "" && (kinds[word] != open || rest != fmt.Sprint(next)):
				rt.Fatalf("%v", lines)
			}
		}
		if last := lines[len(lines)-1]; open != "" || last != "message_stop" {
			rt.Fatalf("%v", lines)
		}
	})
}

func TestKnownFailure_17_NoLoneSignatureBlockAtTheEnd(t *testing.T) {
	wantOutline(t, chunks(delta(`{"content":"x"}`), delta(`{"reasoning":""}`), delta(`{"reasoning_content":null}`), stop("stop"), done),
		"message_start", "start text 0", "text_delta 0", "stop 0", "message_delta end_turn", "message_stop")
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

func TestKnownFailure_55_CacheKeyComesFromTheSession(t *testing.T) {
	body := `{"max_tokens":9,"metadata":{"user_id":"{\"device_id\":\"dev\",\"session_id\":\"s-1\"}"},"messages":[{"role":"user","content":"x"}]}`
	got := encoded(t, llm.Anthropic, llm.Responses, body, nil)
	if got.Get("prompt_cache_key").Str != "s-1" || strings.Contains(got.Raw, "dev") {
		t.Error(got.Raw)
	}
}

// Rows of the fault matrix that are a dialect's to see.
func TestFaultRow_64_ProtocolSlipsWithOneMeaningAreRepaired(t *testing.T) {
	ev := func(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }
	start := ev("message_start", `{"type":"message_start","message":{"id":"m"}}`)
	text := ev("content_block_delta", `{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"x"}}`)
	stop := ev("content_block_stop", `{"type":"content_block_stop","index":0}`)
	end := ev("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`) + ev("message_stop", `{"type":"message_stop"}`)
	for name, stream := range map[string]string{
		"delta before start":  text + end,
		"delta without block": start + text + end,
		"stop twice":          start + text + stop + stop + end,
		"no stop":             start + text + end,
		"unknown event":       start + ev("sparkle", `{"type":"sparkle"}`) + text + end,
		"data after the end":  start + text + end + text,
		"wrong kind of block": start + ev("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}`) + text + end,
	} {
		events, err := decodeStream(dialects.Get(llm.Anthropic), []byte(stream))
		if err != nil {
			t.Fatal(name, err)
		}
		a, failure := fold(t, events)
		if failure != nil {
			t.Fatal(name, failure)
		}
		last := a.Blocks[len(a.Blocks)-1]
		if diff := cmp.Diff("x", last.Text); diff != "" || a.Stop != llm.StopEnd {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, err := decodeStream(dialects.Get(llm.Anthropic), []byte(start+ev("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}`)+end)); err == nil {
		t.Error("tool input without a call was taken")
	}
}

func TestFaultRow_53_DeepNestingIsRefused(t *testing.T) {
	body := `{"messages":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	for _, name := range []llm.Dialect{llm.Anthropic, llm.OpenAI} {
		if _, err := dialects.Get(name).DecodeRequest([]byte(body)); err == nil {
			t.Errorf("%s took it", name)
		}
		if err := dialects.Get(name).CheckResponse([]byte(body)); err == nil {
			t.Errorf("%s took it as an answer", name)
		}
	}
}
