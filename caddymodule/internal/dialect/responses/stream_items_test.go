package responses

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

// GitHub Copilot, and proxies before it, give an item another id in every
// event; only output_index says what belongs together.
func TestStreamDecoder_ItemsWithAnotherIDInEveryEventAreOne(t *testing.T) {
	want, err := testDialect.DecodeResponse([]byte(providerAnswer))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	rotated := regexp.MustCompile(`"(rs|msg|ctc|ws)_1"`).ReplaceAllFunc(providerStream, func([]byte) []byte {
		n++
		return fmt.Appendf(nil, `"id_%d"`, n)
	})
	events, err := decodeStream(rotated)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutIDs(want.Blocks), withoutIDs(fold(t, events).Blocks)); diff != "" {
		t.Errorf("(-answer +stream):\n%s", diff)
	}
}

// withoutIDs is what blocks say, whatever their items are called.
func withoutIDs(blocks []llm.Block) []string {
	var said []string
	for _, b := range blocks {
		s := fmt.Sprintf("kind %d: %s%s", b.Kind, b.Text, b.Citations)
		if b.Call != nil {
			s += fmt.Sprintf(" %s %s %s%s", b.Call.ID, b.Call.Name, b.Call.Input, b.Call.Text)
		}
		said = append(said, s)
	}
	return said
}

func TestStreamDecoder_TellsItemsApart(t *testing.T) {
	tool := func(typ, id, callID, args string) string {
		return fmt.Sprintf(`{"type":"response.output_item.%s","output_index":0,"item":{"type":"function_call","id":%q,"call_id":%q,"name":"f","arguments":%q}}`, typ, id, callID, args)
	}
	args := func(id, delta string) string {
		return fmt.Sprintf(`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":%q,"delta":%q}`, id, delta)
	}
	say := func(id, delta string) string {
		return fmt.Sprintf(`{"type":"response.output_text.delta","output_index":0,"item_id":%q,"delta":%q}`, id, delta)
	}
	end := func(output string) string {
		return `{"type":"response.completed","response":{"status":"completed","output":[` + output + `]}}`
	}
	const last = `{"type":"function_call","id":"z","call_id":"c1","name":"f","arguments":"{\"a\":1}"}`
	for _, tt := range []struct {
		name  string
		datas []string
		want  []llm.Block
	}{
		{"a call whose ids rotate", []string{tool("added", "a", "c1", ""), args("b", `{"a":`), args("c", `1}`), tool("done", "d", "c1", `{"a":1}`), end(last)},
			[]llm.Block{call("c1", "f", `{"a":1}`)}},
		{"a call whose ids rotate and that is done in the end only", []string{tool("added", "a", "c1", ""), args("b", `{"a":`), end(last)},
			[]llm.Block{call("c1", "f", `{"a":1}`)}},
		{"two calls at one index, one after another", []string{tool("added", "a", "c1", ""), args("a", `{}`), tool("done", "a", "c1", `{}`),
			tool("added", "b", "c2", ""), args("b", `{}`), tool("done", "b", "c2", `{}`), end("")},
			[]llm.Block{call("c1", "f", `{}`), call("c2", "f", `{}`)}},
		{"two calls at one index, side by side", []string{tool("added", "a", "c1", ""), tool("added", "b", "c2", ""),
			args("a", `{"x":`), args("b", `{"y":`), args("a", `1}`), args("b", `2}`), end("")},
			[]llm.Block{call("c1", "f", `{"x":1}`), call("c2", "f", `{"y":2}`)}},
		{"text and a call at one index, neither announced", []string{say("m", "hi"), tool("done", "a", "c1", `{}`), say("m", "!"), end("")},
			[]llm.Block{{Text: "hi"}, call("c1", "f", `{}`), {Text: "!"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := decoded(t, tt.datas...)
			if diff := cmp.Diff(withoutIDs(tt.want), withoutIDs(a.Blocks)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
