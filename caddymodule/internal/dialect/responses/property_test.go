package responses

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// codexRequest is a request with every kind of tool.
const codexRequest = `{"model":"coder","stream":true,"store":false,"include":["reasoning.encrypted_content"],
 "input":"hi","tools":[
 {"type":"function","name":"exec_command","description":"run","strict":false,"parameters":{"type":"object","properties":{}}},
 {"type":"custom","name":"apply_patch","description":"patch","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
 {"type":"namespace","name":"multi_agent_v1","description":"agents","tools":[
  {"type":"function","name":"wait_agent","parameters":{"type":"object","properties":{}}}]},
 {"type":"web_search","external_web_access":true}]}`

func mustRequest(t fataler, body string) *llm.Request {
	t.Helper()
	r, err := testDialect.DecodeRequest([]byte(body))
	if err != nil {
		t.Fatalf("DecodeRequest: %v", err)
	}
	return r
}

var textGen = rapid.StringOfN(rapid.RuneFrom([]rune("ab \n\r\"\\{}ü😀\u2028<")), 1, 20, -1)

// upstreamBlock is a block as a Chat or Messages provider's decoder gives it:
// tools go by their wire names.
func upstreamBlock(t *rapid.T, n int) llm.Block {
	id := "call_" + string(rune('a'+n))
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return llm.Block{Kind: llm.KindThinking, Text: textGen.Draw(t, "thinking"), Signature: rapid.SampledFrom([]string{"", "sig=="}).Draw(t, "sig")}
	case 1:
		return llm.Block{Kind: llm.KindThinking, Redacted: "opaque"}
	case 2:
		return llm.Block{Kind: llm.KindRefusal, Text: textGen.Draw(t, "refusal")}
	case 3:
		args := rapid.SampledFrom([]string{`{}`, `{"cmd":"ls"}`, `{"cmd": "a\nb"}`, `{broken`}).Draw(t, "args")
		return llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: "exec_command", Input: json.RawMessage(args)}}
	case 4:
		input := dialect.WrapInput(textGen.Draw(t, "patch"))
		return llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: "apply_patch", Input: input}}
	case 5:
		return llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: "multi_agent_v1__wait_agent", Input: json.RawMessage(`{"a":1}`)}}
	}
	return llm.Block{Text: textGen.Draw(t, "text")}
}

var answerGen = rapid.Custom(func(t *rapid.T) *llm.Response {
	a := &llm.Response{ID: "msg_1", Model: "m", Created: 1780000000, Usage: llm.Usage{Input: 9, Output: 5, CacheRead: 2, Known: true}}
	for n := range rapid.IntRange(0, 6).Draw(t, "blocks") {
		a.Blocks = append(a.Blocks, upstreamBlock(t, n))
	}
	a.Stop = rapid.SampledFrom([]llm.StopReason{llm.StopEnd, llm.StopTool, llm.StopMax, llm.StopRefusal, llm.StopPause, llm.StopContext}).Draw(t, "stop")
	return a
})

// pieces cuts every delta of a stream into small ones and puts pings between.
func pieces(t *rapid.T, events []llm.Event) []llm.Event {
	var out []llm.Event
	for _, ev := range events {
		if ev.Type == llm.EventBlockStop && rapid.Bool().Draw(t, "bare stop") {
			if ev.Block.Redacted == "" {
				ev.Block = nil
			}
		}
		if ev.Type != llm.EventDelta {
			out = append(out, ev)
			continue
		}
		for rest := []rune(ev.Text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			part := ev
			part.Text = string(rest[:n])
			out = append(out, part)
			rest = rest[n:]
			if rapid.IntRange(0, 9).Draw(t, "ping") == 0 {
				out = append(out, llm.Event{Type: llm.EventPing})
			}
		}
	}
	return out
}

func TestStreamEncoder_EndsWithTheNonStreamAnswer(t *testing.T) {
	r := mustRequest(t, codexRequest)
	rapid.Check(t, func(t *rapid.T) {
		a := answerGen.Draw(t, "answer")
		whole, err := testDialect.EncodeResponse(a, r)
		if err != nil {
			t.Fatalf("EncodeResponse: %v", err)
		}
		body := encodeStream(r, pieces(t, slices.Collect(llm.Unfold(a))))
		checkLife(t, body)
		if got := terminal(t, body).Raw; got != string(whole) {
			t.Fatalf("stream and answer differ (-answer +stream):\n%s", cmp.Diff(string(whole), got))
		}
	})
}

func TestStreamDecoder_FoldsToTheNonStreamAnswer(t *testing.T) {
	r := mustRequest(t, codexRequest)
	rapid.Check(t, func(t *rapid.T) {
		a := answerGen.Draw(t, "answer")
		whole, err := testDialect.EncodeResponse(a, r)
		if err != nil {
			t.Fatalf("EncodeResponse: %v", err)
		}
		want, err := testDialect.DecodeResponse(whole)
		if err != nil {
			t.Fatalf("DecodeResponse: %v", err)
		}
		events, err := decodeStream(encodeStream(r, pieces(t, slices.Collect(llm.Unfold(a)))))
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		got := fold(t, events)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-answer +stream):\n%s", diff)
		}
	})
}

func TestUnwrapper_GivesTheTextHoweverItIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := textGen.Draw(t, "text")
		args := string(dialect.WrapInput(text))
		if rapid.Bool().Draw(t, "escaped") {
			args = escapeAll(text)
		}
		var u unwrapper
		got := ""
		for rest := args; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			got += u.add(rest[:n])
			rest = rest[n:]
		}
		if got += u.finish(); got != text {
			t.Fatalf("%s gave %q, want %q", args, got, text)
		}
	})
}

// escapeAll writes the wrapping of text with every character escaped, beyond
// the basic plane as a surrogate pair.
func escapeAll(text string) string {
	var sb strings.Builder
	sb.WriteString(` { "input" : "`)
	for _, r := range text {
		if r > 0xFFFF {
			r -= 0x10000
			writeEscape(&sb, 0xD800+(r>>10))
			r = 0xDC00 + r&0x3FF
		}
		writeEscape(&sb, r)
	}
	sb.WriteString(`"}`)
	return sb.String()
}

func writeEscape(sb *strings.Builder, r rune) {
	const hex = "0123456789abcdef"
	sb.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		sb.WriteByte(hex[r>>shift&15])
	}
}
