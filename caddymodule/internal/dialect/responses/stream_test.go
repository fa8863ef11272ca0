package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
)

// wholeLife has every kind of block a Messages or Chat provider gives.
func wholeLife() *llm.Response {
	return &llm.Response{
		ID: "msg_01", Model: "glm", Created: 1780000000, Stop: llm.StopTool,
		Usage: llm.Usage{Input: 912, Output: 40, CacheRead: 900, Reasoning: 35, Known: true},
		Blocks: []llm.Block{
			{Kind: llm.KindThinking, Text: "Look first.", Signature: "EqQB"},
			{Text: "I will\nlook."},
			call("call_1", "exec_command", `{"cmd":"ls"}`),
			call("call_2", "apply_patch", `{"input":"*** Begin Patch\n"}`),
			call("call_3", "multi_agent_v1__wait_agent", ""),
		},
	}
}

func TestStreamEncoder_WritesTheWholeLifeOfEveryItem(t *testing.T) {
	r := mustRequest(t, `{"model":"coder","include":["reasoning.encrypted_content"],"tools":[{"type":"custom","name":"apply_patch"},
		{"type":"namespace","name":"multi_agent_v1","tools":[{"type":"function","name":"wait_agent"}]}],"input":"x"}`)
	body := encodeStream(r, slices.Collect(llm.Unfold(wholeLife())))
	checkLife(t, body)
	golden(t, "stream/encoded.sse", body)
	whole, err := testDialect.EncodeResponse(wholeLife(), r)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "stream/encoded.json", pretty(t, whole))
}

func TestCitations_BecomeAnnotationsOrWords(t *testing.T) {
	for _, tt := range []struct{ citations, annotations, text string }{
		{`[{"type":"web_search_result_location","url":"https://x","title":"X"}]`,
			`[{"type":"url_citation","start_index":0,"end_index":2,"title":"X","url":"https://x"}]`, "sü"},
		{`[{"type":"page_location","document_title":"Book","start_page_number":3}]`, `[]`, "sü [Book p. 3]"},
	} {
		part := terminal(t, streamOf(t, llm.StopEnd, llm.Block{Text: "sü", Citations: json.RawMessage(tt.citations)})).Get("output.0.content.0")
		if part.Get("annotations").Raw != tt.annotations || part.Get("text").Str != tt.text {
			t.Errorf("%s became %s", tt.citations, part)
		}
	}
}

func TestStreamEncoder_NothingFollowsTheEnd(t *testing.T) {
	for name, end := range map[string]llm.Event{
		"finish": {Type: llm.EventFinish, Stop: llm.StopEnd},
		"error":  {Type: llm.EventError, Err: &llm.Error{Message: "x"}},
	} {
		enc := testDialect.NewStreamEncoder(nil)
		enc.Encode(nil, &end)
		for _, ev := range []llm.Event{{Type: llm.EventPing}, {Type: llm.EventDelta, Text: "x"}, end} {
			if out := enc.Encode(nil, &ev); len(out) > 0 {
				t.Errorf("after %s: %s", name, out)
			}
		}
	}
}

func TestStreamEncoder_SurvivesEventsOutOfOrder(t *testing.T) {
	all := []llm.Event{
		{Type: llm.EventStart}, {Type: llm.EventBlockStart}, {Type: llm.EventBlockStart, Block: &llm.Block{Kind: llm.KindToolCall}},
		{Type: llm.EventDelta, Text: "x"}, {Type: llm.EventSignature, Signature: "s"}, {Type: llm.EventBlockStop},
		{Type: llm.EventBlockStop, Block: &llm.Block{Kind: llm.KindThinking}}, {Type: llm.EventBlockStart, Block: &llm.Block{Kind: llm.KindOther}},
		{Type: llm.EventError}, {Type: llm.EventFinish},
	}
	for _, first := range all {
		for _, second := range all {
			enc := testDialect.NewStreamEncoder(nil)
			for _, ev := range []llm.Event{first, second, {Type: llm.EventFinish}} {
				enc.Encode(nil, &ev)
			}
		}
	}
}

// providerStream is a stream as OpenAI writes it.
var providerStream = stream(
	`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":7,"model":"gpt","status":"in_progress","output":[]}}`,
	`{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress","output":[]}}`,
	`{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}`,
	`{"type":"keepalive","sequence_number":3}`,
	`{"type":"response.reasoning_summary_text.delta","output_index":0,"item_id":"rs_1","summary_index":0,"delta":"first"}`,
	`{"type":"response.reasoning_summary_text.delta","output_index":0,"item_id":"rs_1","summary_index":1,"delta":"second"}`,
	`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"first"},{"type":"summary_text","text":"second"}],"encrypted_content":"X"}}`,
	`{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"msg_1","role":"assistant","content":[]}}`,
	`{"type":"response.content_part.added","output_index":1,"item_id":"msg_1","content_index":0,"part":{"type":"output_text","text":""}}`,
	`{"type":"response.output_text.delta","output_index":1,"item_id":"msg_1","content_index":0,"delta":"See ","obfuscation":"xyz"}`,
	`{"type":"response.output_text.delta","output_index":1,"item_id":"msg_1","content_index":0,"delta":"here."}`,
	`{"type":"response.output_text.done","output_index":1,"item_id":"msg_1","content_index":0,"text":"See here."}`,
	`{"type":"response.content_part.done","output_index":1,"item_id":"msg_1","content_index":0,"part":{"type":"output_text","text":"See here.","annotations":[{"type":"url_citation","url":"https://x","title":"X"}]}}`,
	`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"See here.","annotations":[{"type":"url_citation","url":"https://x","title":"X"}]}]}}`,
	`{"type":"response.output_item.added","output_index":2,"item":{"type":"custom_tool_call","id":"ctc_1","call_id":"call_1","name":"apply_patch","input":""}}`,
	`{"type":"response.custom_tool_call_input.delta","output_index":2,"item_id":"ctc_1","delta":"*** Begin"}`,
	`{"type":"response.custom_tool_call_input.done","output_index":2,"item_id":"ctc_1","input":"*** Begin"}`,
	`{"type":"response.output_item.done","output_index":2,"item":{"type":"custom_tool_call","id":"ctc_1","call_id":"call_1","name":"apply_patch","input":"*** Begin"}}`,
	`{"type":"response.output_item.added","output_index":3,"item":{"type":"web_search_call","id":"ws_1","status":"in_progress"}}`,
	`{"type":"response.web_search_call.completed","output_index":3,"item_id":"ws_1"}`,
	`{"type":"response.output_item.done","output_index":3,"item":{"type":"web_search_call","id":"ws_1","status":"completed"}}`,
	`{"type":"response.completed","response":`+providerAnswer+`}`,
)

const providerAnswer = `{"id":"resp_1","object":"response","created_at":7,"model":"gpt","status":"completed","error":null,"output":[` +
	`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"first"},{"type":"summary_text","text":"second"}],"encrypted_content":"X"},` +
	`{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"See here.","annotations":[{"type":"url_citation","url":"https://x","title":"X"}]}]},` +
	`{"type":"custom_tool_call","id":"ctc_1","call_id":"call_1","name":"apply_patch","input":"*** Begin"},` +
	`{"type":"web_search_call","id":"ws_1","status":"completed"}],` +
	`"usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":29}}`

func TestStreamDecoder_ReadsAProvidersStream(t *testing.T) {
	want, err := testDialect.DecodeResponse([]byte(providerAnswer))
	if err != nil {
		t.Fatal(err)
	}
	events, err := decodeStream(providerStream)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fold(t, events)); diff != "" {
		t.Errorf("(-answer +stream):\n%s", diff)
	}
	if want.Stop != llm.StopTool || want.Usage.CacheRead != 4 || len(want.Blocks) != 4 {
		t.Errorf("answer %+v", want)
	}
	opened := -1
	for _, ev := range events {
		switch ev.Type {
		case llm.EventBlockStart:
			if opened++; ev.Index != opened {
				t.Errorf("block %d starts as %d", opened, ev.Index)
			}
		case llm.EventDelta, llm.EventSignature, llm.EventBlockStop:
			if ev.Index != opened {
				t.Errorf("event %+v while block %d is open", ev, opened)
			}
		}
	}
}

func TestStreamDecoder_AnyHoleInTheStreamIsFilledFromItsEnd(t *testing.T) {
	want, err := testDialect.DecodeResponse([]byte(providerAnswer))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	r := sse.NewReader(bytes.NewReader(providerStream), sse.Options{})
	defer r.Close()
	for {
		ev, err := r.Next()
		if err != nil {
			break
		}
		all = append(all, bytes.Clone(ev.Raw))
	}
	// Deltas are what is said; what announces or repeats it may be missing, but
	// for the end of reasoning, whose seal cannot come after the next block.
	for i, raw := range all[:len(all)-1] {
		if bytes.Contains(raw, []byte(".delta")) || i == 0 || bytes.Contains(raw, []byte("encrypted_content")) {
			continue
		}
		holed := slices.Concat(slices.Concat(all[:i]...), slices.Concat(all[i+1:]...))
		events, err := decodeStream(holed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, fold(t, events)); diff != "" {
			t.Errorf("without event %d %s\n%s", i, raw, diff)
		}
	}
}

func TestStreamDecoder_Tolerates(t *testing.T) {
	text := func(s string) []llm.Block { return []llm.Block{{Text: s}} }
	for _, tt := range []struct {
		name  string
		datas []string
		want  []llm.Block
		stop  llm.StopReason
	}{
		{"events without a type field", []string{`{"x":1}`, `{"type":"response.output_text.delta","delta":"a"}`, done}, text("a"), llm.StopEnd},
		{"unknown events", []string{`{"type":"response.new_thing.delta","delta":"no"}`, `{"type":"response.output_text.delta","delta":"a"}`, done}, text("a"), llm.StopEnd},
		{"answer in the end only", []string{`{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}}`}, text("a"), llm.StopEnd},
		{"other ids in the end", []string{
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m1","content":[]}}`,
			`{"type":"response.output_text.delta","output_index":0,"item_id":"m1","content_index":0,"delta":"a"}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m1","content":[{"type":"output_text","text":"a"}]}}`,
			`{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","id":"m2","content":[{"type":"output_text","text":"a"}]}]}}`,
		}, text("a"), llm.StopEnd},
		{"every item at index 0", []string{
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m1","content":[{"type":"output_text","text":"a"}]}}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m2","content":[{"type":"output_text","text":"b"}]}}`, done,
		}, []llm.Block{{Text: "a"}, {Text: "b"}}, llm.StopEnd},
		{"text going on beside another text", []string{
			`{"type":"response.output_text.delta","output_index":0,"item_id":"a","delta":"1"}`,
			`{"type":"response.output_text.delta","output_index":1,"item_id":"b","delta":"2"}`,
			`{"type":"response.output_text.delta","output_index":0,"item_id":"a","delta":"3"}`, done,
		}, []llm.Block{{Text: "1"}, {Text: "2"}, {Text: "3"}}, llm.StopEnd},
		{"reasoning text of open models", []string{
			`{"type":"response.reasoning_text.delta","output_index":0,"item_id":"r","content_index":0,"delta":"hm"}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"r","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}}`, done,
		}, []llm.Block{{Kind: llm.KindThinking, Text: "hm"}}, llm.StopEnd},
		{"refusal", []string{`{"type":"response.refusal.delta","output_index":0,"item_id":"m","delta":"no"}`, done},
			[]llm.Block{{Kind: llm.KindRefusal, Text: "no"}}, llm.StopRefusal},
		{"incomplete", []string{`{"type":"response.output_text.delta","delta":"a"}`,
			`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`}, text("a"), llm.StopMax},
		{"filtered", []string{`{"type":"response.output_text.delta","delta":"a"}`,
			`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}`}, text("a"), llm.StopRefusal},
		{"data after the end", []string{`{"type":"response.output_text.delta","delta":"a"}`, done, `{"type":"response.output_text.delta","delta":"b"}`}, text("a"), llm.StopEnd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := decoded(t, tt.datas...)
			wantBlocks(t, a, tt.want...)
			if a.Stop != tt.stop {
				t.Errorf("stop %q, want %q", a.Stop, tt.stop)
			}
		})
	}
}

func TestStreamDecoder_DoneMarkIsNoEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		end  string
		want llm.EventType
	}{"after the end": {done, llm.EventFinish}, "instead of it": {`{"type":"keepalive"}`, llm.EventError}} {
		events, err := decodeStream(append(stream(tt.end), "data: [DONE]\n\n"...))
		if err != nil || events[len(events)-1].Type != tt.want {
			t.Errorf("%s: %+v, %v", name, events, err)
		}
	}
}

func TestStreamDecoder_BrokenJSONIsAnError(t *testing.T) {
	if _, err := decodeStream([]byte("event: response.output_text.delta\ndata: {\"delta\":\"a\n\n")); err == nil {
		t.Error("no error")
	}
}

func TestStreamDecoder_EndlessItemsAreAnError(t *testing.T) {
	dec := testDialect.NewStreamDecoder()
	var err error
	n := 0
	for ; n < 2*maxItems && err == nil; n++ {
		data := fmt.Appendf(nil, `{"type":"response.output_text.delta","item_id":"m%d","delta":"x"}`, n)
		_, err = dec.Decode(nil, &sse.Event{Data: data})
	}
	if err != errTooManyItems || n > maxItems {
		t.Errorf("after %d items: %v", n, err)
	}
}

func TestEncodeResponse_WithoutARequest(t *testing.T) {
	body, err := testDialect.EncodeResponse(&llm.Response{}, nil)
	if err != nil || !json.Valid(body) {
		t.Errorf("%s, %v", body, err)
	}
}

func FuzzStreamDecoder(f *testing.F) {
	f.Add(providerStream)
	f.Add(stream(`{"type":"response.output_item.added","item":{"type":"function_call","name":"x"}}`, done))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := decodeStream(body)
		if err != nil {
			return
		}
		open := false
		for _, ev := range events {
			switch ev.Type {
			case llm.EventBlockStart:
				if open {
					t.Fatal("two blocks are open")
				}
				open = true
			case llm.EventBlockStop:
				open = false
			case llm.EventDelta:
				if !open {
					t.Fatal("delta without a block")
				}
			}
		}
		out := encodeStream(nil, events)
		list := types(t, out)
		if last := list[len(list)-1]; last != evCompleted && last != evIncomplete && last != evFailed {
			t.Fatalf("ends with %s", last)
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(providerAnswer))
	f.Add([]byte(`{"error":null,"status":"incomplete","output":[{"type":"message","content":"x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := testDialect.DecodeResponse(body)
		if err != nil {
			return
		}
		out, err := testDialect.EncodeResponse(a, nil)
		if err != nil || !json.Valid(out) {
			t.Errorf("%s became %s, %v", body, out, err)
		}
	})
}
