package llm

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var whole = Response{
	ID: "r", Model: "m", Stop: StopTool, Usage: Usage{Input: 3, Output: 4, Known: true},
	Blocks: []Block{
		{Kind: KindThinking, Text: "hm", Signature: "sig"},
		{Kind: KindText, Text: "hello"},
		{Kind: KindToolCall, Call: &ToolCall{ID: "1", Name: "ls", Input: json.RawMessage(`{"a":1}`)}},
		{Kind: KindToolCall, Call: &ToolCall{ID: "2", Name: "none", Input: json.RawMessage(`{}`)}},
		{Kind: KindToolCall, Call: &ToolCall{ID: "3", Name: "patch", Custom: true, Text: "*** Begin"}},
	},
}

func TestFolder_IsTheInverseOfUnfold(t *testing.T) {
	for _, keepStops := range []bool{true, false} {
		var f Folder
		for ev := range Unfold(&whole) {
			if ev.Type == EventBlockStop && !keepStops {
				ev.Block = nil
			}
			f.Add([]Event{ev})
		}
		got, err := f.Response()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&whole, got); d != "" {
			t.Errorf("with whole blocks at the stops: %t\n%s", keepStops, d)
		}
	}
}

func TestFolder_EmptyArgumentsAreAnEmptyObject(t *testing.T) {
	var f Folder
	f.Add([]Event{{Type: EventBlockStart, Block: &Block{Kind: KindToolCall, Call: &ToolCall{ID: "1", Name: "n"}}}, {Type: EventBlockStop}, {Type: EventFinish}})
	got, _ := f.Response()
	if in := string(got.Blocks[0].Call.Input); in != "{}" {
		t.Errorf("input %q", in)
	}
}

func TestFolder_CutOrFailedStreamIsNoAnswer(t *testing.T) {
	events := slices.Collect(Unfold(&whole))
	var cut, failed Folder
	cut.Add(events[:len(events)-1])
	if got, err := cut.Response(); err == nil {
		t.Errorf("a cut stream gave %v", got)
	}
	want := &Error{Message: "overloaded"}
	failed.Add(append(events, Event{Type: EventError, Err: want}))
	if _, err := failed.Response(); err != want {
		t.Errorf("got %v", err)
	}
}
