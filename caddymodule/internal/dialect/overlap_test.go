package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// messagesStream is a Messages stream of the given events, between its start
// and its end.
func messagesStream(events ...string) []byte {
	var sb strings.Builder
	all := append([]string{`{"type":"message_start","message":{"id":"m"}}`}, events...)
	for _, e := range append(all, `{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`, `{"type":"message_stop"}`) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(e, `{"type":"`), `"`)
		fmt.Fprintf(&sb, "event: %s\ndata: %s\n\n", kind, e)
	}
	return []byte(sb.String())
}

func useStart(index int, name, input string) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":"id%s","name":%q,"input":%s}}`, index, name, name, input)
}

func textStart(index int) string {
	return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":{"type":"text","text":""}}`, index)
}

func inputDelta(index int, part string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":%q}}`, index, part)
}

func textDelta(index int, text string) string {
	return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%q}}`, index, text)
}

func blockStop(index int) string {
	return fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, index)
}

// Blocks of one stream follow one another. What comes for one that another cut
// short must not go to that other.
func TestMessagesStream_DeltasOfOverlappingBlocksAreNotMixed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string
		want   []string // nil: an error
	}{
		{"two calls at once", []string{useStart(0, "F", "{}"), useStart(1, "G", "{}"), inputDelta(0, `{"x":1}`), inputDelta(1, `{"y":2}`), blockStop(0), blockStop(1)}, nil},
		{"the first goes on in the second", []string{useStart(0, "F", "{}"), inputDelta(0, `{"x"`), useStart(1, "G", "{}"), inputDelta(0, `:1}`)}, nil},
		{"two texts at once", []string{textStart(0), textStart(1), textDelta(0, "a"), textDelta(1, "b")}, nil},
		{"a text goes on beside a call", []string{textStart(0), textDelta(0, "a"), useStart(1, "G", "{}"), textDelta(0, "b"), inputDelta(1, `{}`)}, nil},
		{"a late stop ends its own block", []string{textStart(0), textDelta(0, "a"), useStart(1, "G", "{}"), blockStop(0), inputDelta(1, `{"y":2}`), blockStop(1)}, []string{"text a", `call G {"y":2}`}},
		{"no stops at all", []string{textStart(0), textDelta(0, "a"), useStart(1, "G", "{}"), inputDelta(1, `{"y":2}`), useStart(2, "H", "{}"), inputDelta(2, `{}`)}, []string{"text a", `call G {"y":2}`, "call H {}"}},
		{"every index 0, no stops", []string{textStart(0), textDelta(0, "a"), useStart(0, "G", "{}"), inputDelta(0, `{"y":2}`), blockStop(0), blockStop(0)}, []string{"text a", `call G {"y":2}`}},
		{"stops in order, indices off", []string{textStart(0), textDelta(1, "a"), blockStop(1), useStart(3, "G", "{}"), inputDelta(1, `{"y":2}`), blockStop(0)}, []string{"text a", `call G {"y":2}`}},
		{"no index", []string{textStart(0), textDelta(0, "a"), useStart(1, "G", "{}"), strings.Replace(inputDelta(1, `{}`), `"index":1,`, "", 1)}, []string{"text a", "call G {}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want != nil {
				wantAnswer(t, llm.Anthropic, messagesStream(tt.events...), tt.want...)
				return
			}
			if events, err := decodeStream(dialects.Get(llm.Anthropic), messagesStream(tt.events...)); err == nil {
				t.Errorf("no error, but %d events", len(events))
			}
		})
	}
}

func TestMessagesStream_AnEmptyInputAtTheStartIsNone(t *testing.T) {
	for _, input := range []string{"{}", "{ }", "{\t  }", "null"} {
		wantAnswer(t, llm.Anthropic, messagesStream(useStart(0, "F", input), inputDelta(0, `{"x":1}`), blockStop(0)), `call F {"x":1}`)
		wantAnswer(t, llm.Anthropic, messagesStream(useStart(0, "F", input), blockStop(0)), `call F {}`)
	}
	wantAnswer(t, llm.Anthropic, messagesStream(useStart(0, "F", `{"x": 1}`), blockStop(0)), `call F {"x": 1}`)
}
