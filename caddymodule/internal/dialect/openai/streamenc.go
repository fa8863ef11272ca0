package openai

import (
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// NewStreamEncoder returns an encoder for one answer to the client that sent r.
func (c Chat) NewStreamEncoder(r *llm.Request) dialect.StreamEncoder {
	return &streamEncoder{r: r, now: c.now, names: dialect.NamesOf(r), wantUsage: r != nil && r.IncludeUsage}
}

// A streamEncoder writes an answer as chunks that all have one id.
type streamEncoder struct {
	r         *llm.Request
	now       func() time.Time
	names     dialect.Names
	wantUsage bool
	head      []byte // what each chunk begins with
	ended     bool
	block     llm.Block
	calls     int    // calls begun
	sent      int    // bytes of content, to estimate usage by
	wrapped   bool   // the call's input comes as {"input": text}, in place of free-form text
	custom    []byte // that input, which goes out whole
	input     bool   // the call's input began to go out
	text      bool   // text went out
	apart     bool   // something stood between that text and the next
}

// Encode appends the wire form of ev.
func (e *streamEncoder) Encode(dst []byte, ev *llm.Event) []byte {
	if e.ended {
		return dst
	}
	switch ev.Type {
	case llm.EventPing:
		return Chat{}.AppendPing(dst)
	case llm.EventStart:
		return e.start(dst, ev.Response)
	case llm.EventBlockStart:
		return e.blockStart(e.start(dst, nil), ev.Block)
	case llm.EventDelta:
		return e.delta(dst, ev.Text)
	case llm.EventBlockStop:
		return e.blockStop(dst, ev.Block)
	case llm.EventFinish:
		return e.finish(e.start(dst, nil), ev)
	case llm.EventError:
		e.ended = true
		return Chat{}.AppendStreamError(dst, ev.Err)
	}
	return dst
}

// start appends the first chunk, with the role, once.
func (e *streamEncoder) start(dst []byte, a *llm.Response) []byte {
	if e.head != nil {
		return dst
	}
	if a == nil {
		a = &llm.Response{}
	}
	e.head = append(appendHead(append(e.head, "data: "...), "chat.completion.chunk", a, e.r, e.now), `,"choices":[`...)
	dst = append(append(dst, e.head...), `{"index":0,"delta":{"role":"assistant","content":""`...)
	return e.endDelta(dst)
}

// open begins a chunk up to the members of its delta.
func (e *streamEncoder) open(dst []byte) []byte {
	return append(append(dst, e.head...), `{"index":0,"delta":{`...)
}

func (e *streamEncoder) endDelta(dst []byte) []byte {
	return e.endChunk(append(dst, `},"logprobs":null,"finish_reason":null}]`...))
}

func (e *streamEncoder) endChunk(dst []byte) []byte {
	if e.wantUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

func (e *streamEncoder) field(dst []byte, key, text string) []byte {
	return e.endDelta(wire.Str(e.open(dst), key, text))
}

func (e *streamEncoder) blockStart(dst []byte, b *llm.Block) []byte {
	e.block, e.custom, e.wrapped, e.input = *b, e.custom[:0], false, false
	switch b.Kind {
	case llm.KindText:
		return dst
	case llm.KindToolCall:
		dst = e.startCall(dst)
	}
	if b.Kind != llm.KindRefusal {
		e.apart = true
	}
	return dst
}

func (e *streamEncoder) startCall(dst []byte) []byte {
	c := *e.block.Call
	asked := c.Custom
	e.names.Restore(&c)
	e.calls++
	e.wrapped = c.Custom && !asked
	e.block.Call = &c
	dst = append(e.open(dst), `"tool_calls":[{"index":`...)
	dst = wire.Str(strconv.AppendInt(dst, int64(e.calls-1), 10), "id", dialect.WireID(c.ID))
	kind, member := "function", "arguments"
	if c.Custom {
		kind, member = "custom", "input"
	}
	dst = append(wire.Key(wire.Str(dst, "type", kind), kind), '{')
	dst = wire.Str(wire.Str(dst, "name", c.Name), member, "")
	return e.endDelta(append(dst, '}', '}', ']'))
}

func (e *streamEncoder) delta(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	e.sent += len(text)
	switch e.block.Kind {
	case llm.KindText:
		return e.field(dst, "content", e.spaced(text))
	case llm.KindThinking:
		return e.field(dst, "reasoning_content", text)
	case llm.KindRefusal:
		return e.field(dst, "refusal", text)
	case llm.KindToolCall:
		if e.wrapped {
			e.custom = append(e.custom, text...)
			return dst
		}
		return e.appendInput(dst, text)
	}
	return dst
}

// spaced puts a blank line between texts that did not stand side by side.
func (e *streamEncoder) spaced(text string) string {
	if e.apart && e.text {
		text = "\n\n" + text
	}
	e.apart, e.text = false, true
	return text
}

// appendInput appends a fragment of the arguments, or of a free-form text.
func (e *streamEncoder) appendInput(dst []byte, text string) []byte {
	e.input = true
	kind, member := "function", "arguments"
	if e.block.Call.Custom {
		kind, member = "custom", "input"
	}
	dst = append(e.open(dst), `"tool_calls":[{"index":`...)
	dst = append(wire.Key(strconv.AppendInt(dst, int64(e.calls-1), 10), kind), '{')
	return e.endDelta(append(wire.Str(dst, member, text), '}', '}', ']'))
}

// blockStop ends a block with what only its end tells: citations, signatures,
// a free-form call's text.
func (e *streamEncoder) blockStop(dst []byte, whole *llm.Block) []byte {
	switch {
	case e.wrapped && len(e.custom) > 0:
		dst = e.appendInput(dst, dialect.CustomInput(string(e.custom)))
	case e.block.Kind == llm.KindToolCall && !e.block.Call.Custom && !e.input:
		dst = e.appendInput(dst, "{}")
	case whole == nil:
	case whole.Kind == llm.KindText:
		if s := dialect.CitationText(citationsOf(whole)); s != "" {
			dst = e.field(dst, "content", e.spaced(s))
		}
	case whole.Kind == llm.KindThinking:
		dst = e.details(dst, whole)
	}
	e.block = llm.Block{}
	return dst
}

// details passes on the signature of thinking, without its text, which went
// out as reasoning_content.
func (e *streamEncoder) details(dst []byte, whole *llm.Block) []byte {
	if whole.Signature+whole.Redacted == "" || whole.Extra.From != llm.Anthropic {
		return dst
	}
	dst = appendDetail(append(wire.Key(e.open(dst), "reasoning_details"), '['), whole, "")
	return e.endDelta(append(dst, ']'))
}

func (e *streamEncoder) finish(dst []byte, ev *llm.Event) []byte {
	e.ended = true
	dst = append(append(dst, e.head...), `{"index":0,"delta":{},"logprobs":null`...)
	dst = append(wire.Str(dst, "finish_reason", encodeStop(ev.Stop, e.calls > 0)), '}', ']')
	dst = e.endChunk(dst)
	if e.wantUsage {
		dst = append(append(dst, e.head...), ']')
		dst = append(appendUsage(dst, dialect.UsageAtEnd(ev.Usage, e.r, e.sent)), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}
