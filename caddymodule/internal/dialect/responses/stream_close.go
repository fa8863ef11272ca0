package responses

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// closeItem appends the events that end the current item, if there is one, and
// moves it to the output. status is completed or incomplete.
func (e *streamEncoder) closeItem(dst []byte, status string) []byte {
	c := &e.cur
	if !c.active {
		return dst
	}
	c.active = false
	if c.item.kind == llm.KindToolCall {
		dst = e.emit(dst, e.owed(status))
		c.item.text = string(c.text)
	} else {
		said := false
		if dst, said = e.complete(dst); !said {
			return dst
		}
	}
	dst = e.done(e.add(dst))
	dst = wire.Key(e.place(e.event(dst, evItemDone)), "item")
	from := len(dst)
	dst = c.item.append(dst, status)
	e.output = append(wire.Comma(e.output), dst[from:]...)
	e.items.index++
	e.refused = e.refused || c.item.kind == llm.KindRefusal
	return endEvent(dst)
}

// complete makes the current item, which is no call, from its whole block. It
// returns false if the item says nothing.
func (e *streamEncoder) complete(dst []byte) ([]byte, bool) {
	c := &e.cur
	c.block.Text = string(c.text)
	if !e.items.end(&c.item, &c.block) {
		return dst, false
	}
	// What the deltas have not said: the citations, or what another dialect's
	// item says in words.
	if text := c.item.text; isText(&llm.Block{Kind: c.item.kind}) && len(text) > len(c.text) {
		c.item.text = ""
		dst = e.emit(dst, text[len(c.text):])
		c.item.text = text
	}
	return dst, true
}

// owed is what the deltas have not said: the rest of a free-form call's text,
// or that a call without arguments has none. A call cut short stays so.
func (e *streamEncoder) owed(status string) string {
	c := &e.cur
	switch {
	case status != completed:
		return ""
	case c.unwrap != nil:
		return c.unwrap.finish()
	case len(c.text) == 0 && !c.item.call.Custom:
		return "{}"
	}
	return ""
}

// done appends the events that end the parts of the current item.
func (e *streamEncoder) done(dst []byte) []byte {
	it := &e.cur.item
	if !e.cur.opened && it.kind != llm.KindToolCall {
		return dst
	}
	switch it.kind {
	case llm.KindText:
		dst = wire.Str(e.part(dst, "response.output_text.done"), "text", it.text)
		dst = endEvent(append(dst, `,"logprobs":[]`...))
	case llm.KindRefusal:
		dst = endEvent(wire.Str(e.part(dst, "response.refusal.done"), "refusal", it.text))
	case llm.KindThinking:
		dst = endEvent(wire.Str(e.part(dst, "response.reasoning_summary_text.done"), "text", it.text))
		dst = wire.Key(e.part(dst, "response.reasoning_summary_part.done"), "part")
		return endEvent(appendSummary(dst, it.text))
	case llm.KindToolCall:
		return e.callDone(dst)
	default:
		return dst
	}
	dst = wire.Key(e.part(dst, "response.content_part.done"), "part")
	return endEvent(it.appendPart(dst))
}

func (e *streamEncoder) callDone(dst []byte) []byte {
	it := &e.cur.item
	if it.call.Custom {
		return endEvent(wire.Str(e.part(dst, "response.custom_tool_call_input.done"), "input", it.text))
	}
	dst = wire.Str(e.part(dst, "response.function_call_arguments.done"), "name", it.call.Name)
	return endEvent(wire.Str(dst, "arguments", it.text))
}
