package dialect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// frag is a delta with a fragment of one call, and whatever else stands in it.
func frag(index int, head, args, beside string) string {
	return delta(fmt.Sprintf(`{%s"tool_calls":[{"index":%d,%s"arguments":%q}}]}`, beside, index, head, args))
}

// head is the beginning of a call of Bash.
const head = `"id":"call_1","type":"function","function":{"name":"Bash",`

const more = `"function":{`

// inShort is an answer in short: "text Hi", "call Bash {…}".
func inShort(a *llm.Response) []string {
	kinds := map[llm.BlockKind]string{llm.KindText: "text ", llm.KindThinking: "thinking ", llm.KindRefusal: "refusal "}
	var out []string
	for _, b := range a.Blocks {
		if b.Call != nil {
			out = append(out, "call "+b.Call.Name+" "+string(b.Call.Input)+b.Call.Text)
			continue
		}
		out = append(out, kinds[b.Kind]+b.Text)
	}
	return out
}

// wantAnswer folds a stream twice, by its deltas and by its whole blocks.
func wantAnswer(t *testing.T, from llm.Dialect, stream []byte, want ...string) {
	t.Helper()
	events, err := decodeStream(dialects.Get(from), stream)
	if err != nil {
		t.Fatal(err)
	}
	got, failure := fold(t, events)
	if failure != nil {
		t.Fatal(failure)
	}
	if diff := cmp.Diff(want, inShort(got)); diff != "" {
		t.Error(diff)
	}
	var whole []string
	for i := range events {
		if events[i].Type == llm.EventBlockStop {
			whole = append(whole, inShort(&llm.Response{Blocks: []llm.Block{*events[i].Block}})...)
		}
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Errorf("the whole blocks differ from their deltas:\n%s", diff)
	}
}

func TestChatStream_NothingBesideACallCutsItsArguments(t *testing.T) {
	const ls = `call Bash {"command":"ls"}`
	for _, tt := range []struct {
		name   string
		bodies []string
		want   []string
	}{
		{"white space in the last chunk", []string{frag(0, head, `{"command":"ls`, ""), frag(0, more, `"}`, `"content":"\n",`)}, []string{ls}},
		{"text in the last chunk", []string{frag(0, head, `{"command":"ls`, ""), frag(0, more, `"}`, `"content":"Done.",`)}, []string{ls, "text Done."}},
		{"text in a chunk between", []string{frag(0, head, `{"command":`, ""), delta(`{"content":"a"}`), frag(0, more, `"ls"}`, ""), delta(`{"content":"b"}`)}, []string{ls, "text ab"}},
		{"reasoning in every chunk", []string{frag(0, head, `{"command":`, `"reasoning_content":"go ",`), frag(0, more, `"ls"}`, `"reasoning_content":"on",`)}, []string{"thinking go ", ls, "thinking on"}},
		{"reasoning and text", []string{frag(0, head, `{"command":`, ""), delta(`{"reasoning_content":"r","content":"t"}`), frag(0, more, `"ls"}`, "")}, []string{ls, "thinking r", "text t"}},
		{"a refusal", []string{frag(0, head, `{"command":`, ""), delta(`{"refusal":"no"}`), frag(0, more, `"ls"}`, "")}, []string{ls, "refusal no"}},
		{"a second call that waits", []string{frag(0, head, `{"command":`, ""), delta(`{"content":"t"}`), frag(1, `"id":"call_2","function":{"name":"Read",`, `{"p`, ""), frag(0, more, `"ls"}`, ""), frag(1, more, `":1}`, "")}, []string{ls, `call Read {"p":1}`, "text t"}},
		{"text to the end", []string{frag(0, head, "", ""), delta(`{"content":"t"}`)}, []string{"call Bash {}", "text t"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantAnswer(t, llm.OpenAI, chunks(append(tt.bodies, stop("tool_calls"), done)...), tt.want...)
		})
	}
}

// A provider may cut the arguments anywhere, and say anything beside each piece.
func TestChatStream_ArgumentsSurviveAnyCutBesideAnyText(t *testing.T) {
	const args = `{"command":"ls {\"a\"} [","deep":{"n":[1,{"x":"\\"}]}}`
	beside := []string{"", `"content":"\n",`, `"content":"word",`, `"reasoning":"hm",`, `"reasoning_content":" ","content":"x",`}
	rapid.Check(t, func(rt *rapid.T) {
		rest, begin, text := args, head, ""
		var bodies []string
		for rest != "" {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "length")
			extra := rapid.SampledFrom(beside).Draw(rt, "beside")
			bodies = append(bodies, frag(0, begin, rest[:n], extra))
			rest, begin = rest[n:], more
			for _, w := range []string{"word", "hm", "x"} {
				if strings.Contains(extra, `"`+w+`"`) {
					text += w
				}
			}
		}
		events, err := decodeStream(dialects.Get(llm.OpenAI), chunks(append(bodies, stop("tool_calls"), done)...))
		if err != nil {
			rt.Fatal(err)
		}
		got, failure := fold(t, events)
		if failure != nil {
			rt.Fatal(failure)
		}
		call, said := "", ""
		for _, b := range got.Blocks {
			if b.Call != nil {
				call += string(b.Call.Input)
			}
			said += b.Text
		}
		if call != args || len(strings.Join(strings.Fields(said), "")) != len(text) {
			rt.Fatalf("call %s, text %q, want %q", call, said, text)
		}
	})
}

// What holds nothing up goes out with the chunk it came in.
func TestChatStream_TextBehindAFinishedCallDoesNotWait(t *testing.T) {
	want := [][]llm.EventType{
		{llm.EventStart, llm.EventBlockStart, llm.EventDelta},
		{llm.EventDelta},
		{llm.EventBlockStop, llm.EventBlockStart, llm.EventDelta},
		{llm.EventBlockStop, llm.EventBlockStart, llm.EventDelta},
	}
	dec := dialects.Get(llm.OpenAI).NewStreamDecoder()
	for i, body := range []string{delta(`{"content":"a"}`), delta(`{"content":"b"}`), frag(0, head, `{"command":"ls"}`, ""), delta(`{"content":"c"}`)} {
		events, err := dec.Decode(nil, event(body))
		if err != nil {
			t.Fatal(err)
		}
		var got []llm.EventType
		for _, e := range events {
			got = append(got, e.Type)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("chunk %d: %s", i, diff)
		}
	}
}

func TestChatStream_AWholeCallThatIsRepeatedIsOneCall(t *testing.T) {
	const ls = `{"command":"ls"}`
	pieces := []string{frag(0, head, `{"command":`, ""), frag(0, more, `"ls"}`, "")}
	for name, repeat := range map[string]string{
		"in the last chunk": frag(0, head, ls, ""), "behind text": frag(0, head, ls, ""), "spaced otherwise": frag(0, head, ` { "command": "ls" }`, ""),
		"without an index": delta(`{"tool_calls":[{"id":"call_1","function":{"name":"Bash","arguments":"{\"command\":\"ls\"}"}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			bodies, want := append([]string{}, pieces...), []string{"call Bash " + ls}
			if name == "behind text" {
				bodies, want = append(bodies, delta(`{"content":"t"}`)), append(want, "text t")
			}
			wantAnswer(t, llm.OpenAI, chunks(append(bodies, repeat, stop("tool_calls"), done)...), want...)
		})
	}
	// Another tool is another call, whatever its id.
	other := frag(0, `"id":"call_1","function":{"name":"Read",`, `{}`, "")
	wantAnswer(t, llm.OpenAI, chunks(append(pieces, other, stop("tool_calls"), done)...), "call Bash "+ls, "call Read {}")
}

func TestChatStream_NullArgumentsAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		pieces []string
		want   string
	}{
		"whole": {[]string{"null"}, "{}"}, "in pieces": {[]string{"nu", "l", "l"}, "{}"}, "with space behind": {[]string{"null", "\n"}, "{}"},
		"not null after all": {[]string{"n", "ope"}, "nope"}, "cut": {[]string{"nul"}, "nul"}, "an object": {[]string{"", `{"a":null}`}, `{"a":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := []string{frag(0, head, "", "")}
			for _, p := range tt.pieces {
				bodies = append(bodies, frag(0, more, p, ""))
			}
			wantAnswer(t, llm.OpenAI, chunks(append(bodies, stop("tool_calls"), done)...), "call Bash "+tt.want)
		})
	}
	// Such a call is complete, where the reason to stop is left out.
	wantAnswer(t, llm.OpenAI, chunks(frag(0, head, "null", "")), "call Bash {}")
	wantAnswer(t, llm.OpenAI, chunks(frag(0, head, "null", ""), frag(1, `"id":"b","function":{"name":"Read",`, "{}", ""), stop("tool_calls"), done), "call Bash {}", "call Read {}")
}

func TestChatStream_MessageCountsOnlyWithoutADelta(t *testing.T) {
	both := func(piece, whole string) string {
		return fmt.Sprintf(`{"id":"c","choices":[{"index":0,"delta":{"content":%q},"message":{"role":"assistant","content":%q}}]}`, piece, whole)
	}
	turned := `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":"no"},"delta":{"content":"!"}}]}`
	wantAnswer(t, llm.OpenAI, chunks(both("Hel", "Hel"), both("lo", "Hello"), both("", "Hello"), turned, stop("stop"), done), "text Hello!")
	wantAnswer(t, llm.OpenAI, chunks(`{"id":"c","choices":[{"index":0,"delta":null,"message":{"content":"Hello"},"finish_reason":"stop"}]}`, done), "text Hello")
	// A whole answer in one chunk, behind a chunk without content or not.
	all := `{"id":"c","choices":[{"index":0,"finish_reason":"stop","message":{"content":"Hello"},"delta":{}}]}`
	wantAnswer(t, llm.OpenAI, chunks(all, done), "text Hello")
	wantAnswer(t, llm.OpenAI, chunks(delta(`{"role":"assistant","content":""}`), all, done), "text Hello")
	wantAnswer(t, llm.OpenAI, chunks(delta(`{"content":"Hello"}`), all, done), "text Hello")
	wantAnswer(t, llm.OpenAI, chunks(delta(`{"content":"\n"}`), all, done), "text \n")
}

func TestChatStream_CallsOfOneAnswerAreBounded(t *testing.T) {
	dec := dialects.Get(llm.OpenAI).NewStreamDecoder()
	var err error
	n := 0
	for ; n < 10000 && err == nil; n++ {
		_, err = dec.Decode(nil, event(frag(n, fmt.Sprintf(`"id":"k%d","function":{"name":"f",`, n), `{}`, "")))
	}
	if err == nil || n < 1000 {
		t.Errorf("%v after %d calls", err, n)
	}
}

func TestChatStream_LeadingSpaceIsNotHeldForEver(t *testing.T) {
	const n = 20000
	var events []llm.Event
	dec, ev, began := dialects.Get(llm.OpenAI).NewStreamDecoder(), event(delta(`{"content":"\n"}`)), time.Now()
	for range n {
		var err error
		if events, err = dec.Decode(events, ev); err != nil {
			t.Fatal(err)
		}
	}
	text := 0
	for i := range events {
		text += len(events[i].Text)
	}
	if text != n {
		t.Errorf("%d of %d bytes came out in %v", text, n, time.Since(began))
	}
}

// event is an event of a Chat stream.
func event(body string) *sse.Event { return &sse.Event{Data: []byte(body)} }
