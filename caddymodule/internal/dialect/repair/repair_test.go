package repair

import (
	"encoding/json"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The builders of messages the tests speak in.
func say(role llm.Role, blocks ...llm.Block) llm.Message {
	return llm.Message{Role: role, Blocks: blocks}
}
func text(s string) llm.Block { return llm.Block{Kind: llm.KindText, Text: s} }
func call(id string) llm.Block {
	return llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: "ls", Input: json.RawMessage(`{}`)}}
}
func result(id, s string) llm.Block {
	return llm.Block{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: id, Content: []llm.Block{text(s)}}}
}
func lost(id string) llm.Block {
	b := result(id, NoResult)
	b.Result.IsError = true
	return b
}

const user, model, system = llm.RoleUser, llm.RoleAssistant, llm.RoleSystem

func TestHistory_EveryFaultOfAConversation(t *testing.T) {
	think := llm.Block{Kind: llm.KindThinking, Text: "hm", Signature: "sig"}
	tests := []struct {
		name     string
		options  Options
		in, want []llm.Message
	}{
		{"a good one stays as it is", Options{Merge: true},
			[]llm.Message{say(user, text("a")), say(model, text("b"), call("1")), say(user, result("1", "r"), text("c"))},
			[]llm.Message{say(user, text("a")), say(model, text("b"), call("1")), say(user, result("1", "r"), text("c"))}},
		{"results split over several turns and out of order", Options{Merge: true},
			[]llm.Message{say(model, call("1"), call("2")), say(user, result("2", "two")), say(user, text("x"), result("1", "one"))},
			[]llm.Message{say(model, call("1"), call("2")), say(user, result("1", "one"), result("2", "two"), text("x"))}},
		{"a result before its call", Options{},
			[]llm.Message{say(user, result("1", "r"), text("x")), say(model, call("1"))},
			[]llm.Message{say(user, text("x")), say(model, call("1")), say(user, result("1", "r"))}},
		{"text before the result", Options{Merge: true},
			[]llm.Message{say(model, call("1")), say(user, text("x"), result("1", "r"))},
			[]llm.Message{say(model, call("1")), say(user, result("1", "r"), text("x"))}},
		{"a missing result", Options{},
			[]llm.Message{say(model, call("1"), call("2")), say(user, result("1", "r"))},
			[]llm.Message{say(model, call("1"), call("2")), say(user, result("1", "r"), lost("2"))}},
		{"calls at the very end", Options{},
			[]llm.Message{say(user, text("a")), say(model, call("1"))},
			[]llm.Message{say(user, text("a")), say(model, call("1")), say(user, lost("1"))}},
		{"a result without a call", Options{},
			[]llm.Message{say(user, result("9", "r"), text("x"))},
			[]llm.Message{say(user, text("Result of an earlier tool call:"), text("r"), text("x"))}},
		{"a second result", Options{},
			[]llm.Message{say(model, call("1")), say(user, result("1", "r"), result("1", "again"))},
			[]llm.Message{say(model, call("1")), say(user, result("1", "r"))}},
		{"the same call twice", Options{},
			[]llm.Message{say(model, call("1"), call("1")), say(user, result("1", "r"))},
			[]llm.Message{say(model, call("1")), say(user, result("1", "r"))}},
		{"an id used again in a later turn", Options{},
			[]llm.Message{say(model, call("1")), say(user, result("1", "a")), say(model, call("1")), say(user, result("1", "b"))},
			[]llm.Message{say(model, call("1")), say(user, result("1", "a")), say(model, renamed(call("1"), "1_2")), say(user, result("1_2", "b"))}},
		{"a reused id whose first result is missing", Options{},
			[]llm.Message{say(model, call("1")), say(user, text("x")), say(model, call("1")), say(user, result("1", "b"))},
			[]llm.Message{say(model, call("1")), say(user, lost("1")), say(user, text("x")), say(model, renamed(call("1"), "1_2")), say(user, result("1_2", "b"))}},
		{"an id made for a reused one is taken", Options{},
			[]llm.Message{say(model, call("1")), say(model, call("1_2")), say(system, text("s")), say(model, call("1")), say(system, text("s")), say(model, call("1"))},
			[]llm.Message{say(model, call("1"), call("1_2")), say(user, lost("1"), lost("1_2")), say(system, text("s")), say(model, renamed(call("1"), "1_3")),
				say(user, lost("1_3")), say(system, text("s")), say(model, renamed(call("1"), "1_4")), say(user, lost("1_4"))}},
		{"a packed id used again", Options{},
			[]llm.Message{say(model, call(dialect.WireID("f:0"))), say(user, result(dialect.WireID("f:0"), "a")), say(model, call("f:0")), say(user, result("f:0", "b"))},
			[]llm.Message{say(model, call(dialect.WireID("f:0"))), say(user, result(dialect.WireID("f:0"), "a")), say(model, renamed(call("f:0"), "f:0_2")), say(user, result("f:0_2", "b"))}},
		{"a result by the packed id of its call", Options{},
			[]llm.Message{say(model, call("f:0")), say(user, result(dialect.WireID("f:0"), "a"))},
			[]llm.Message{say(model, call("f:0")), say(user, result("f:0", "a"))}},
		{"parallel calls in turns of their own", Options{},
			[]llm.Message{say(model, call("1")), say(model, call("2")), say(user, result("1", "a"), result("2", "b"))},
			[]llm.Message{say(model, call("1"), call("2")), say(user, result("1", "a"), result("2", "b"))}},
		{"a system turn between call and result", Options{},
			[]llm.Message{say(model, call("1")), say(system, text("s")), say(user, result("1", "a"))},
			[]llm.Message{say(model, call("1")), say(user, result("1", "a")), say(system, text("s"))}},
		{"system turns as user text", Options{SystemAsUser: true, Merge: true},
			[]llm.Message{say(user, text("a")), say(llm.RoleDeveloper, text("s"))},
			[]llm.Message{say(user, text("a"), text("<system-reminder>\ns\n</system-reminder>"))}},
		{"neighbours of one role", Options{Merge: true},
			[]llm.Message{say(user, text("a")), say(user, text("b")), say(model, text("c")), say(model, text("d"))},
			[]llm.Message{say(user, text("a"), text("b")), say(model, text("c"), text("d"))}},
		{"empty text", Options{},
			[]llm.Message{say(user, text("")), say(user, text(""), text("a")), say(model, text(""))},
			[]llm.Message{say(user, text("a"))}},
		{"foreign thinking", Options{},
			[]llm.Message{say(user, text("a")), say(model, think, text("b")), say(model, think)},
			[]llm.Message{say(user, text("a")), say(model, text("b"))}},
		{"own thinking", Options{KeepThinking: func(*llm.Block) bool { return true }},
			[]llm.Message{say(user, text("a")), say(model, think, text("b"))},
			[]llm.Message{say(user, text("a")), say(model, think, text("b"))}},
		{"no user turn first", Options{UserFirst: true},
			[]llm.Message{say(model, text("b"))},
			[]llm.Message{say(user, text("Continue the conversation.")), say(model, text("b"))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, History(tt.in, tt.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func renamed(b llm.Block, id string) llm.Block {
	b.Call.ID = id
	return b
}

// drawnIDs are few, so that they collide: as they are, once told apart, and packed.
var drawnIDs = []string{"0", "1", "1_2", "1_2_2", "f:0", dialect.WireID("f:0"), dialect.WireID("f:0_2"), dialect.WireID("f:0") + "_2"}

// drawn makes an arbitrary conversation.
func drawn(t *rapid.T) []llm.Message {
	block := rapid.Custom(func(t *rapid.T) llm.Block {
		id := rapid.SampledFrom(drawnIDs).Draw(t, "id")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return call(id)
		case 1:
			return result(id, rapid.StringN(0, 2, -1).Draw(t, "result"))
		case 2:
			return llm.Block{Kind: llm.KindThinking, Text: "hm"}
		}
		return text(rapid.StringN(0, 2, -1).Draw(t, "text"))
	})
	message := rapid.Custom(func(t *rapid.T) llm.Message {
		role := rapid.SampledFrom([]llm.Role{user, model, system}).Draw(t, "role")
		m := say(role, rapid.SliceOfN(block, 0, 4).Draw(t, "blocks")...)
		if role != model {
			for i := range m.Blocks {
				if m.Blocks[i].Kind == llm.KindToolCall {
					m.Blocks[i] = text("no call")
				}
			}
		}
		return m
	})
	return rapid.SliceOfN(message, 0, 8).Draw(t, "messages")
}

func TestHistory_AlwaysValidAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Merge: true, UserFirst: true}
		in := drawn(t)
		before, _ := json.Marshal(in)
		out := History(in, o)
		if after, _ := json.Marshal(in); string(before) != string(after) {
			t.Fatal("the input was changed")
		}
		checkValid(t, out)
		if diff := cmp.Diff(out, History(out, o)); diff != "" {
			t.Fatalf("a repaired history is repaired again:\n%s", diff)
		}
	})
}

// checkValid holds what the strictest provider demands.
func checkValid(t *rapid.T, out []llm.Message) {
	seen := map[string]bool{}
	for i, m := range out {
		if len(m.Blocks) == 0 {
			t.Fatalf("message %d is empty", i)
		}
		if i > 0 && m.Role == out[i-1].Role && m.Role != system {
			t.Fatalf("message %d repeats role %s", i, m.Role)
		}
		var calls []string
		for _, b := range m.Blocks {
			if b.Kind == llm.KindToolCall {
				calls = append(calls, b.Call.ID)
				for _, id := range []string{"packed " + dialect.WireID(b.Call.ID), "unpacked " + dialect.ProviderID(b.Call.ID)} {
					if seen[id] {
						t.Fatalf("id %s used twice", id)
					}
					seen[id] = true
				}
			}
		}
		if len(calls) == 0 {
			continue
		}
		var results []string
		if i+1 < len(out) && out[i+1].Role == user {
			for _, b := range out[i+1].Blocks[:min(len(calls), len(out[i+1].Blocks))] {
				if b.Kind == llm.KindToolResult {
					results = append(results, b.Result.CallID)
				}
			}
		}
		if diff := cmp.Diff(calls, results); diff != "" {
			t.Fatalf("calls of message %d and the results behind it:\n%s", i, diff)
		}
	}
}
