package responses

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidwall/gjson"
)

// decoded folds a provider's stream made of the data of its events.
func decoded(t *testing.T, datas ...string) *llm.Response {
	t.Helper()
	events, err := decodeStream(stream(datas...))
	if err != nil {
		t.Fatal(err)
	}
	return fold(t, events)
}

// done is a terminal event without output.
const done = `{"type":"response.completed","response":{"id":"r","status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":1}}}`

func call(id, name, input string) llm.Block {
	return llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: name, Input: json.RawMessage(input)}}
}

func wantBlocks(t *testing.T, a *llm.Response, want ...llm.Block) {
	t.Helper()
	opts := []cmp.Option{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(llm.ToolCall{}, "ItemID")}
	if diff := cmp.Diff(want, a.Blocks, opts...); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

func TestKnownFailure_04_ArgumentsOnlyInTheDoneItem(t *testing.T) {
	for name, datas := range map[string][]string{
		"item done": {`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":""}}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{\"p\":1}"}}`},
		"arguments done": {`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls"}}`,
			`{"type":"response.function_call_arguments.done","output_index":0,"item_id":"fc_1","arguments":"{\"p\":1}"}`},
		"half in deltas": {`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls"}}`,
			`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"fc_1","delta":"{\"p\""}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{\"p\":1}"}}`},
		"terminal event only": nil,
	} {
		t.Run(name, func(t *testing.T) {
			end := done
			if datas == nil {
				end = `{"type":"response.completed","response":{"status":"completed","output":[{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{\"p\":1}"}]}}`
			}
			a := decoded(t, append(datas, end)...)
			wantBlocks(t, a, call("c1", "ls", `{"p":1}`))
			if a.Stop != llm.StopTool {
				t.Errorf("stop %q", a.Stop)
			}
		})
	}
}

func TestKnownFailure_12_CleanEndWithoutTerminalEventIsAFailure(t *testing.T) {
	events, err := decodeStream(stream(`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"hi"}`))
	if err != nil {
		t.Fatal(err)
	}
	last := events[len(events)-1]
	if last.Type != llm.EventError || last.Err.Class != llm.ClassTransient {
		t.Errorf("ends with %+v", last)
	}
}

func TestKnownFailure_13_InterleavedCallsComeOneAfterAnother(t *testing.T) {
	a := decoded(t,
		`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"f0","call_id":"c0","name":"a"}}`,
		`{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"f1","call_id":"c1","name":"b"}}`,
		`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f0","delta":"{\"x\""}`,
		`{"type":"response.function_call_arguments.delta","output_index":1,"item_id":"f1","delta":"{\"y\""}`,
		`{"type":"response.output_text.delta","output_index":2,"content_index":0,"item_id":"m","delta":"text"}`,
		`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f0","delta":":0}"}`,
		`{"type":"response.function_call_arguments.delta","output_index":1,"item_id":"f1","delta":":1}"}`,
		`{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"f1","call_id":"c1","name":"b","arguments":"{\"y\":1}"}}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"f0","call_id":"c0","name":"a","arguments":"{\"x\":0}"}}`,
		done)
	wantBlocks(t, a, call("c0", "a", `{"x":0}`), call("c1", "b", `{"y":1}`), llm.Block{Text: "text"})
}

func TestKnownFailure_14_NameAfterTheArguments(t *testing.T) {
	a := decoded(t,
		`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f0","delta":"{\"x\":"}`,
		`{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"f0","delta":"0}"}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"f0","call_id":"c0","name":"a","arguments":"{\"x\":0}"}}`,
		done)
	wantBlocks(t, a, call("c0", "a", `{"x":0}`))
}

// streamOf encodes blocks ended by stop for the sender of codexRequest, and
// checks the life of every item.
func streamOf(t *testing.T, stop llm.StopReason, blocks ...llm.Block) []byte {
	t.Helper()
	a := &llm.Response{ID: "x", Model: "m", Stop: stop, Blocks: blocks}
	body := encodeStream(mustRequest(t, codexRequest), slices.Collect(llm.Unfold(a)))
	checkLife(t, body)
	return body
}

func TestKnownFailure_18_NoArgumentsAreAnEmptyObjectAndBrokenOnesStay(t *testing.T) {
	for in, want := range map[string]string{"": `{}`, `{"cmd":`: `{"cmd":`} {
		body := streamOf(t, llm.StopTool, call("c1", "exec_command", in))
		if got := terminal(t, body).Get("output.0.arguments").Str; got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestKnownFailure_19_CallCutAtTheLimitIsNotMarkedRunnable(t *testing.T) {
	for _, in := range []string{`{"cmd":"rm -r`, ``} {
		end := terminal(t, streamOf(t, llm.StopMax, llm.Block{Text: "so"}, call("c1", "exec_command", in)))
		if end.Get("status").Str != "incomplete" || end.Get("incomplete_details.reason").Str != "max_output_tokens" {
			t.Errorf("response %s", end)
		}
		if it := end.Get("output.1"); it.Get("status").Str != "incomplete" || it.Get("arguments").Str != in {
			t.Errorf("item %s", it)
		}
		if it := end.Get("output.0"); it.Get("status").Str != "completed" {
			t.Errorf("the text before it: %s", it)
		}
	}
}

func TestKnownFailure_19_CallOpenWhenTheStreamFailsIsNotDone(t *testing.T) {
	events := slices.Collect(llm.Unfold(&llm.Response{Blocks: []llm.Block{call("c1", "exec_command", `{"cmd":"ls"}`)}}))
	events[len(events)-1] = llm.Event{Type: llm.EventError, Err: &llm.Error{Class: llm.ClassTransient, Message: "cut"}}
	body := encodeStream(mustRequest(t, codexRequest), events)
	if list := types(t, body); slices.Contains(list, evItemDone) || list[len(list)-1] != evFailed {
		t.Errorf("events %v", list)
	}
}

func TestKnownFailure_24_SilenceIsFilledWithNumberedEvents(t *testing.T) {
	enc := testDialect.NewStreamEncoder(nil)
	ping := &llm.Event{Type: llm.EventPing}
	out := enc.Encode(nil, ping)
	if string(out) != ": keep-alive\n\n" {
		t.Errorf("before the start: %q", out)
	}
	out = enc.Encode(nil, &llm.Event{Type: llm.EventStart, Response: &llm.Response{ID: "r"}})
	out = enc.Encode(out, ping)
	out = enc.Encode(out, &llm.Event{Type: llm.EventFinish, Stop: llm.StopEnd})
	checkLife(t, out)
	if want := []string{evCreated, evInProgress, evKeepAlive, evCompleted}; !slices.Equal(types(t, out), want) {
		t.Errorf("events %v", types(t, out))
	}
}

func TestKnownFailure_46_CustomToolIsAnsweredWithItsRawText(t *testing.T) {
	patch := "*** Begin Patch\n\"x\" ü😀\n*** End Patch"
	for name, c := range map[string]*llm.ToolCall{
		"wrapped":      {ID: "c1", Name: "apply_patch", Input: dialect.WrapInput(patch)},
		"bare text":    {ID: "c1", Name: "apply_patch", Input: json.RawMessage(patch)},
		"other member": {ID: "c1", Name: "apply_patch", Input: json.RawMessage(`{"why":"x","input":` + string(dialect.WrapInput(patch)[len(`{"input":`):]))},
		"native":       {ID: "c1", Name: "apply_patch", Custom: true, Text: patch},
	} {
		item := terminal(t, streamOf(t, llm.StopTool, llm.Block{Kind: llm.KindToolCall, Call: c})).Get("output.0")
		if item.Get("type").Str != "custom_tool_call" || item.Get("input").Str != patch || !strings.HasPrefix(item.Get("id").Str, "ctc_") {
			t.Errorf("%s: %s", name, item)
		}
	}
}

func TestKnownFailure_46_NamespacesAreTakenApartAndPutTogether(t *testing.T) {
	r := mustRequest(t, codexRequest)
	ns := r.Tools[2]
	if ns.Name != "wait_agent" || ns.Namespace != "multi_agent_v1" {
		t.Fatalf("tool %+v", ns)
	}
	wireName := dialect.WireName(ns.Namespace, ns.Name)
	item := terminal(t, streamOf(t, llm.StopTool, call("c", wireName, `{}`))).Get("output.0")
	if item.Get("name").Str != "wait_agent" || item.Get("namespace").Str != "multi_agent_v1" {
		t.Errorf("call %s", item)
	}
	out, _ := upstreamBody(t, r, nil)
	if got := out.Get("tools.2").Raw; !strings.HasPrefix(got, `{"type":"namespace","name":"multi_agent_v1","description":"agents","tools":[{"type":"function"`) {
		t.Errorf("namespace written as %s", got)
	}
}

func TestKnownFailure_46_AdditionalToolsAndToolSearchDeclareTools(t *testing.T) {
	r := mustRequest(t, `{"model":"m","tools":[{"type":"tool_search","execution":"client"}],"input":[
		{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"a","parameters":{}}]},
		{"role":"user","content":"x"},
		{"type":"tool_search_call","call_id":"s","arguments":{}},
		{"type":"tool_search_output","call_id":"s","tools":[{"type":"function","name":"b","parameters":{}},{"type":"function","name":"a","parameters":{}}]},
		{"type":"never_heard_of","x":1}]}`)
	var names []string
	for _, tool := range r.Tools {
		names = append(names, tool.Name)
	}
	if !slices.Equal(names, []string{"tool_search", "a", "b"}) {
		t.Errorf("tools %v", names)
	}
	out, _ := upstreamBody(t, r, nil)
	if got := out.Get("input.#.type").Raw; got != `["message","tool_search_call","tool_search_output","never_heard_of"]` {
		t.Errorf("items %s", got)
	}
}

func TestKnownFailure_47_HiddenBlocksLeaveNoGaps(t *testing.T) {
	hidden := llm.Block{Kind: llm.KindOther, Raw: json.RawMessage(`{"type":"server_tool_use","id":"x"}`), Extra: llm.Extra{From: llm.Anthropic}}
	body := streamOf(t, llm.StopEnd, hidden, llm.Block{Text: "a"}, llm.Block{}, hidden, llm.Block{Kind: llm.KindThinking}, llm.Block{Text: "b"})
	if got := terminal(t, body).Get("output.#.content.0.text").Raw; got != `["a","b"]` {
		t.Errorf("texts %s", got)
	}
}

func TestKnownFailure_49_StreamAlwaysEndsWithATerminalEvent(t *testing.T) {
	for stop, want := range map[llm.StopReason]string{
		llm.StopEnd: evCompleted, llm.StopTool: evCompleted, llm.StopSequence: evCompleted, llm.StopPause: evCompleted,
		llm.StopMax: evIncomplete, llm.StopContext: evIncomplete, llm.StopRefusal: evIncomplete, llm.StopCancelled: evIncomplete,
	} {
		body := streamOf(t, stop, llm.Block{Text: "x"})
		if list := types(t, body); list[len(list)-1] != want {
			t.Errorf("%s ends with %s, want %s", stop, list[len(list)-1], want)
		}
		u := terminal(t, body).Get("usage")
		if !u.Get("input_tokens_details.cached_tokens").Exists() || !u.Get("output_tokens_details.reasoning_tokens").Exists() {
			t.Errorf("usage %s", u)
		}
	}
	if u := terminal(t, streamOf(t, llm.StopEnd, llm.Block{Text: strings.Repeat("x", 70)})).Get("usage"); u.Get("output_tokens").Int() != 20 || u.Get("input_tokens").Int() == 0 {
		t.Errorf("usage the provider did not state: %s", u)
	}
	refusal := streamOf(t, llm.StopRefusal, llm.Block{Kind: llm.KindRefusal, Text: "no"})
	if end := terminal(t, refusal); end.Get("status").Str != "completed" || end.Get("output.0.content.0.refusal").Str != "no" {
		t.Errorf("refusal %s", end)
	}
}

func TestKnownFailure_50_ErrorEventBecomesResponseFailed(t *testing.T) {
	for name, data := range map[string]string{
		"event error": `{"type":"error","code":"rate_limit_exceeded","message":"Slow. Please try again in 1.5s.","param":null,"sequence_number":3}`,
		"nested":      `{"type":"error","error":{"type":"x","code":"rate_limit_exceeded","message":"Slow. Please try again in 1.5s."}}`,
		"failed":      `{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow. Please try again in 1.5s."}}}`,
	} {
		events, err := decodeStream(stream(data))
		if err != nil || len(events) != 1 || events[0].Type != llm.EventError {
			t.Fatalf("%s: %+v, %v", name, events, err)
		}
		if e := events[0].Err; e.Class != llm.ClassRate || e.RetryAfter != 1500*time.Millisecond {
			t.Errorf("%s: %+v", name, e)
		}
		end := terminal(t, encodeStream(nil, events))
		if end.Get("error.code").Str != "rate_limit_exceeded" || end.Get("error.message").Str != "Slow. Please try again in 1.5s." || end.Get("id").Type != gjson.String {
			t.Errorf("%s: %s", name, end)
		}
	}
}

func TestKnownFailure_51_TextWithoutItsItemIsNotLost(t *testing.T) {
	a := decoded(t,
		`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"he"}`,
		`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"llo"}`, done)
	wantBlocks(t, a, llm.Block{Text: "hello"})
	streamOf(t, llm.StopEnd, llm.Block{Text: "hello"}) // checks that ours has its item
}

func TestKnownFailure_53_OverloadAfterTheHandshakeCanStillFailOver(t *testing.T) {
	for data, want := range map[string]dialect.EventKind{
		`{"type":"response.created","response":{}}`:     dialect.EventPreamble,
		`{"type":"response.in_progress","response":{}}`: dialect.EventPreamble,
		`{"type":"response.failed","response":{"status":"failed","error":{"code":"server_is_overloaded","message":"busy"}}}`: dialect.EventError,
	} {
		in := testDialect.Inspect(&sse.Event{Data: []byte(data)})
		if in.Kind != want {
			t.Errorf("%s is %d", data, in.Kind)
		}
		if want == dialect.EventError && in.Err.Class != llm.ClassOverload {
			t.Errorf("class %v", in.Err.Class)
		}
	}
}

func TestKnownFailure_54_PreviousResponseIsNeverDroppedSilently(t *testing.T) {
	r := mustRequest(t, `{"model":"m","previous_response_id":"resp_1","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}`)
	if r.PreviousID != "resp_1" {
		t.Fatalf("previous id %q", r.PreviousID)
	}
	out, _ := upstreamBody(t, r, nil)
	if out.Get("previous_response_id").Str != "resp_1" || out.Get("input.0.call_id").Str != "c" {
		t.Errorf("body %s", out)
	}
	_, _, err := testDialect.EncodeRequest(r, &dialect.Target{Policy: &dialect.Policy{Refuse: []string{"previous_response_id"}}})
	if e, ok := err.(*llm.Error); !ok || e.Param != "previous_response_id" || e.Code != "unsupported_parameter" {
		t.Errorf("refused with %v", err)
	}
}

func TestKnownFailure_55_CacheKeyComesFromTheSession(t *testing.T) {
	for user, want := range map[string]string{
		`{"device_id":"d","account_uuid":"","session_id":"s-1"}`: "s-1",
		`user_abc_account__session_s-2`:                          "s-2",
		`someone`:                                                "",
	} {
		r := &llm.Request{User: user, Extra: llm.Extra{From: llm.Anthropic}}
		out, _ := upstreamBody(t, r, nil)
		if got := out.Get("prompt_cache_key").Str; got != want {
			t.Errorf("%s gave %q", user, got)
		}
		if strings.Contains(out.Raw, "device_id") || out.Get("user").Exists() {
			t.Errorf("the user id goes upstream: %s", out)
		}
	}
}

func TestKnownFailure_96_CachedTokensAreCountedOnce(t *testing.T) {
	u, err := testDialect.CheckResponse([]byte(`{"output":[],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":90,"cache_write_tokens":20},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":107}}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (llm.Usage{Input: 100, Output: 7, CacheRead: 90, CacheWrite: 10, Reasoning: 3, Known: true}); u != want {
		t.Errorf("usage %+v", u)
	}
}
