package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
	"pgregory.net/rapid"
)

// The known failures of other gateways, by their number in the list. Those
// that are goldens of the matrix name the case; the rest stand here.

// chunks is a Chat stream of the given chunk bodies.
func chunks(bodies ...string) []byte {
	var sb strings.Builder
	for _, b := range bodies {
		fmt.Fprintf(&sb, "data: %s\n\n", b)
	}
	return []byte(sb.String())
}

// delta is a chunk with one delta.
func delta(d string) string {
	return `{"id":"c","model":"m","choices":[{"index":0,"delta":` + d + `}]}`
}

// stop is a chunk with a finish_reason.
func stop(reason string) string {
	return `{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

const done = "[DONE]"

// toAnthropic translates a Chat stream for a Messages client.
func toAnthropic(t *testing.T, stream []byte) []gjson.Result {
	t.Helper()
	return translated(t, llm.OpenAI, llm.Anthropic, stream, &llm.Request{Model: "m"})
}

// translated returns the data of the events a client gets.
func translated(t *testing.T, from, to llm.Dialect, stream []byte, r *llm.Request) []gjson.Result {
	t.Helper()
	events, err := decodeStream(dialects.Get(from), stream)
	if err != nil {
		t.Fatal(err)
	}
	var data []gjson.Result
	for line := range strings.Lines(string(encodeStream(dialects.Get(to), r, events))) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
			data = append(data, gjson.Parse(rest))
		}
	}
	return data
}

// outline is a Messages stream in short: "start text 0", "text_delta 0", …
func outline(events []gjson.Result) []string {
	var out []string
	for _, e := range events {
		switch e.Get("type").Str {
		case "content_block_start":
			out = append(out, fmt.Sprintf("start %s %d", e.Get("content_block.type").Str, e.Get("index").Int()))
		case "content_block_delta":
			out = append(out, fmt.Sprintf("%s %d", e.Get("delta.type").Str, e.Get("index").Int()))
		case "content_block_stop":
			out = append(out, fmt.Sprintf("stop %d", e.Get("index").Int()))
		case "message_delta":
			out = append(out, "message_delta "+e.Get("delta.stop_reason").Str)
		default:
			out = append(out, e.Get("type").Str)
		}
	}
	return out
}

func wantOutline(t *testing.T, stream []byte, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, outline(toAnthropic(t, stream))); diff != "" {
		t.Error(diff)
	}
}

func TestKnownFailure_01_ThinkingDeltaOpensThinkingBlock(t *testing.T) {
	wantOutline(t, chunks(delta(`{"role":"assistant","content":""}`), delta(`{"reasoning":"a"}`), delta(`{"content":"b"}`), delta(`{"reasoning":"c"}`), delta(`{"content":"d"}`), stop("stop"), done),
		"message_start",
		"start thinking 0", "thinking_delta 0", "signature_delta 0", "stop 0", "start text 1", "text_delta 1", "stop 1",
		"start thinking 2", "thinking_delta 2", "signature_delta 2", "stop 2", "start text 3", "text_delta 3", "stop 3",
		"message_delta end_turn", "message_stop")
}

func TestKnownFailure_02_OneMessageStart(t *testing.T) {
	start := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\"}}\n\n"
	got := outline(translated(t, llm.Anthropic, llm.Anthropic, []byte(start+start+"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), nil))
	if diff := cmp.Diff([]string{"message_start", "message_delta end_turn", "message_stop"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestKnownFailure_03_FirstTokenOfANewBlockIsKept(t *testing.T) {
	events := toAnthropic(t, chunks(delta(`{"reasoning_content":"r1"}`), delta(`{"content":"t1"}`), stop("stop"), done))
	var got []string
	for _, e := range events {
		got = append(got, e.Get("delta.thinking").Str+e.Get("delta.text").Str)
	}
	if s := strings.Join(got, ""); s != "r1t1" {
		t.Errorf("got %q", s)
	}
}

func TestKnownFailure_04_WholeArgumentsInOneFragment(t *testing.T) {
	events := toAnthropic(t, chunks(delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":1}"}}]}`), stop("tool_calls"), done))
	wantOutline(t, chunks(delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":1}"}}]}`), stop("tool_calls"), done),
		"message_start", "start tool_use 0", "input_json_delta 0", "stop 0", "message_delta tool_use", "message_stop")
	if got := events[2].Get("delta.partial_json").Str; got != `{"a":1}` {
		t.Errorf("arguments %q", got)
	}
}

// Whatever a Chat provider mixes, indices are contiguous, each delta is within
// its block and of its kind.
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

func TestKnownFailure_06_MessageStartIsAWholeMessage(t *testing.T) {
	m := toAnthropic(t, chunks(delta(`{"content":"x"}`), stop("stop"), done))[0].Get("message")
	for _, path := range []string{"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage.input_tokens",
		"usage.output_tokens", "usage.cache_read_input_tokens", "usage.cache_creation_input_tokens"} {
		if !m.Get(path).Exists() {
			t.Errorf("no %s in %s", path, m.Raw)
		}
	}
}

func TestKnownFailure_07_InputTokensEstimatedThenCorrected(t *testing.T) {
	r := &llm.Request{Model: "m", System: []llm.Block{{Kind: llm.KindText, Text: strings.Repeat("word ", 700)}}}
	events := translated(t, llm.OpenAI, llm.Anthropic, chunks(delta(`{"content":"x"}`), stop("stop"),
		`{"choices":[],"usage":{"prompt_tokens":750,"completion_tokens":3}}`, done), r)
	if n := events[0].Get("message.usage.input_tokens").Int(); n < 500 || n > 1500 {
		t.Errorf("estimate %d", n)
	}
	if n := events[len(events)-2].Get("usage.input_tokens").Int(); n != 750 {
		t.Errorf("final %d", n)
	}
}

func TestKnownFailure_08_UsageAfterFinishIsMerged(t *testing.T) {
	events := toAnthropic(t, chunks(delta(`{"content":"x"}`), stop("length"), `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}`, done))
	last := events[len(events)-2]
	if last.Get("usage.output_tokens").Int() != 3 || last.Get("delta.stop_reason").Str != "max_tokens" {
		t.Errorf("%s", last.Raw)
	}
}

func TestKnownFailure_09_NoDONEForMessagesAndAStrayOneIsTaken(t *testing.T) {
	for _, e := range toAnthropic(t, chunks(delta(`{"content":"x"}`), stop("stop"), done)) {
		if e.Raw == "[DONE]" {
			t.Error("[DONE] sent")
		}
	}
	stream := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: [DONE]\n\n"
	if got := outline(translated(t, llm.Anthropic, llm.Anthropic, []byte(stream), nil)); got[len(got)-1] != "message_stop" {
		t.Error(got)
	}
}

func TestKnownFailure_10_EndWithoutFinishReasonAfterCalls(t *testing.T) {
	whole := delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}`)
	cut := delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a"}}]}`)
	for name, tt := range map[string]struct {
		stream []byte
		last   string
	}{
		"complete, EOF":    {chunks(whole), "message_stop"},
		"complete, [DONE]": {chunks(whole, done), "message_stop"},
		"cut, EOF":         {chunks(cut), "error"},
		"cut, [DONE]":      {chunks(cut, done), "error"},
	} {
		if got := outline(toAnthropic(t, tt.stream)); got[len(got)-1] != tt.last {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestKnownFailure_11_EmptyFinishReasonIsNone(t *testing.T) {
	c := `{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":""}]}`
	wantOutline(t, chunks(c, c, stop("stop"), done),
		"message_start", "start text 0", "text_delta 0", "text_delta 0", "stop 0", "message_delta end_turn", "message_stop")
}

func TestKnownFailure_12_CleanEOFWithoutTerminalEventIsAnError(t *testing.T) {
	for name, stream := range map[llm.Dialect][]byte{
		llm.OpenAI:    chunks(delta(`{"content":"half"}`)),
		llm.Anthropic: []byte("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n"),
		llm.Responses: []byte("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"),
	} {
		events, err := decodeStream(dialects.Get(name), stream)
		if err != nil {
			t.Fatal(err)
		}
		if last := events[len(events)-1]; last.Type != llm.EventError || last.Err.Class != llm.ClassTransient {
			t.Errorf("%s: %+v", name, last)
		}
	}
}

func TestKnownFailure_13_InterleavedCallsComeOneAfterAnother(t *testing.T) {
	frag := func(i int, head, args string) string {
		return delta(fmt.Sprintf(`{"tool_calls":[{"index":%d,%s"function":{%s"arguments":%s}}]}`, i, head, map[bool]string{true: `"name":"f",`}[head != ""], args))
	}
	events := toAnthropic(t, chunks(frag(0, `"id":"a",`, `""`), frag(1, `"id":"b",`, `""`), frag(0, "", `"{\"x\""`), frag(1, "", `"{\"y\""`),
		frag(0, "", `":1}"`), frag(1, "", `":2}"`), stop("tool_calls"), done))
	args := map[int64]string{}
	for _, e := range events {
		args[e.Get("index").Int()] += e.Get("delta.partial_json").Str
	}
	if diff := cmp.Diff(map[int64]string{0: `{"x":1}`, 1: `{"y":2}`}, args); diff != "" {
		t.Error(diff)
	}
}

func TestKnownFailure_14_NameAfterArgumentsAndLateId(t *testing.T) {
	events := toAnthropic(t, chunks(
		delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}`),
		delta(`{"tool_calls":[{"index":0,"function":{"name":null,"arguments":":1"}}]}`),
		delta(`{"tool_calls":[{"index":0,"id":"late","function":{"name":"f","arguments":"}"}}]}`),
		delta(`{"tool_calls":[{"index":0,"id":"late","function":{"name":"f","arguments":""}}]}`), stop("tool_calls"), done))
	start := events[1].Get("content_block")
	if start.Get("id").Str != "late" || start.Get("name").Str != "f" || events[2].Get("delta.partial_json").Str != `{"a":1}` {
		t.Errorf("%v", events)
	}
}

func TestKnownFailure_14_WholeCallsWithoutIdAndWithOneIndex(t *testing.T) {
	for name, head := range map[string]string{"same index": `"index":0,`, "no index": ""} {
		call := func(args string) string {
			return delta(`{"tool_calls":[{` + head + `"function":{"name":"f","arguments":"` + args + `"}}]}`)
		}
		events := toAnthropic(t, chunks(call(`{\"a\":1}`), call(`{\"a\":2}`), stop("tool_calls"), done))
		var got []string
		ids := map[string]bool{}
		for _, e := range events {
			if e.Get("delta.type").Str == "input_json_delta" {
				got = append(got, e.Get("delta.partial_json").Str)
			}
			if id := e.Get("content_block.id").Str; id != "" {
				ids[id] = true
			}
		}
		if diff := cmp.Diff([]string{`{"a":1}`, `{"a":2}`}, got); diff != "" || len(ids) != 2 {
			t.Errorf("%s: %v %s", name, ids, diff)
		}
	}
}

func TestKnownFailure_15_ToolUseOnlyIfACallWasSent(t *testing.T) {
	got := outline(toAnthropic(t, chunks(delta(`{"content":"x"}`), delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"","arguments":""}}]}`), stop("tool_calls"), done)))
	if got[len(got)-2] != "message_delta end_turn" {
		t.Error(got)
	}
}

func TestKnownFailure_16_StopReasons(t *testing.T) {
	for reason, want := range map[string]string{"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "sensitive": "refusal",
		"max_tokens": "max_tokens", "eos": "end_turn", "model_context_window_exceeded": "model_context_window_exceeded"} {
		got := outline(toAnthropic(t, chunks(delta(`{"content":"x"}`), stop(reason), done)))
		if got[len(got)-2] != "message_delta "+want {
			t.Errorf("%s: %v", reason, got)
		}
	}
}

func TestKnownFailure_17_NoLoneSignatureBlockAtTheEnd(t *testing.T) {
	wantOutline(t, chunks(delta(`{"content":"x"}`), delta(`{"reasoning":""}`), delta(`{"reasoning_content":null}`), stop("stop"), done),
		"message_start", "start text 0", "text_delta 0", "stop 0", "message_delta end_turn", "message_stop")
}

func TestKnownFailure_16_StopSequenceWithItsText(t *testing.T) {
	for matched, want := range map[string]string{`"END"`: "stop_sequence END", `null`: "end_turn ", `"stop"`: "end_turn ", `128009`: "end_turn "} {
		events := toAnthropic(t, chunks(delta(`{"content":"x"}`), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop","stop_reason":`+matched+`}]}`, done))
		d := events[len(events)-2].Get("delta")
		if got := d.Get("stop_reason").Str + " " + d.Get("stop_sequence").Str; got != want {
			t.Errorf("%s: %s", matched, got)
		}
		a, err := dialects.Get(llm.OpenAI).DecodeResponse([]byte(`{"choices":[{"message":{"content":"x"},"finish_reason":"stop","stop_reason":` + matched + `}]}`))
		if err != nil || string(a.Stop)+a.StopText != map[bool]string{true: "sequenceEND", false: "end"}[matched == `"END"`] {
			t.Errorf("%s: %+v %v", matched, a, err)
		}
	}
}

func TestKnownFailure_18_MalformedArgumentsAreNotReplaced(t *testing.T) {
	body := []byte(`{"choices":[{"message":{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\": oops"}}]},"finish_reason":"tool_calls"}]}`)
	a, err := dialects.Get(llm.OpenAI).DecodeResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		out, err := dialects.Get(name).EncodeResponse(a, nil)
		if err != nil || !strings.Contains(string(out), "oops") {
			t.Errorf("%s: %s %v", name, out, err)
		}
	}
}

func TestKnownFailure_19_CutCallIsNotRunnable(t *testing.T) {
	got := outline(toAnthropic(t, chunks(delta(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a"}}]}`), stop("length"), done)))
	if got[len(got)-2] != "message_delta max_tokens" {
		t.Error(got)
	}
}
