package dialect_test

import (
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

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
		if _, err := dialects.Get(name).CheckResponse([]byte(body)); err == nil {
			t.Errorf("%s took it as an answer", name)
		}
	}
}
