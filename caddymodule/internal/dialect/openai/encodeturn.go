package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// assistant writes a turn of the model: one message with its text, its
// reasoning where the upstream wants it back, and all its calls.
func (e *requestEncoder) assistant(m *llm.Message) {
	text := assistantText(m.Blocks)
	calls := 0
	for i := range m.Blocks {
		if m.Blocks[i].Kind == llm.KindToolCall {
			calls++
		}
	}
	if text == "" && calls == 0 {
		return
	}
	e.open("assistant", m.Name)
	if text == "" {
		e.Buf = append(wire.Key(e.Buf, "content"), "null"...)
	} else {
		e.Buf = wire.Str(e.Buf, "content", text)
	}
	e.replay(m.Blocks, calls > 0)
	if calls > 0 {
		e.Buf = append(wire.Key(e.Buf, "tool_calls"), '[')
		for i := range m.Blocks {
			if m.Blocks[i].Kind == llm.KindToolCall {
				e.Buf = append(appendCall(wire.Comma(e.Buf), m.Blocks[i].Call), '}', '}')
			}
		}
		e.Buf = append(e.Buf, ']')
	}
	e.Buf = append(e.Buf, '}')
}

// assistantText joins a turn's text: pieces that stand side by side as they
// are (citations cut text into such), pieces apart with a blank line.
func assistantText(blocks []llm.Block) string {
	var sb strings.Builder
	apart := false
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != llm.KindText && b.Kind != llm.KindRefusal {
			apart = true
			continue
		}
		if apart && sb.Len() > 0 && b.Text != "" {
			sb.WriteString("\n\n")
		}
		apart = apart && b.Text == ""
		sb.WriteString(b.Text)
		sb.WriteString(dialect.CitationText(citationsOf(b)))
	}
	return sb.String()
}

// lostThought stands for reasoning that another provider kept to itself.
// Moonshot refuses a turn with calls and without any while thinking is on.
const lostThought = " "

// replay gives reasoning back under the name the policy says.
func (e *requestEncoder) replay(blocks []llm.Block, hasCalls bool) {
	var sb strings.Builder
	for i := range blocks {
		if b := &blocks[i]; b.Kind == llm.KindThinking {
			sb.WriteString(b.Text)
		}
	}
	if sb.Len() == 0 && hasCalls && e.wantsThought() {
		sb.WriteString(lostThought)
	}
	if sb.Len() == 0 {
		return
	}
	if key := e.Policy().Reasoning; key != "reasoning_details" {
		e.Buf = wire.Str(e.Buf, key, sb.String())
		return
	}
	e.Buf = append(wire.Key(e.Buf, "reasoning_details"), `[{"type":"reasoning.text"`...)
	e.Buf = append(wire.Str(e.Buf, "text", sb.String()), '}', ']')
}

// wantsThought reports whether thinking is switched on at a provider that
// wants the reasoning of each turn with calls back.
func (e *requestEncoder) wantsThought() bool {
	p, a := e.Policy(), e.r.Reasoning
	return p.Thinking == "thinking" && p.Reasoning == "reasoning_content" && a != nil && dialect.Effort(a) != "none"
}

// appendCall appends a tool call but for its two closing braces.
func appendCall(dst []byte, c *llm.ToolCall) []byte {
	dst = wire.Str(append(dst, '{'), "id", dialect.ProviderID(c.ID))
	dst = append(dst, `,"type":"function","function":{`...)
	dst = wire.Str(dst, "name", dialect.WireName(c.Namespace, c.Name))
	return wire.Str(dst, "arguments", wire.View(dialect.CallInput(c)))
}
