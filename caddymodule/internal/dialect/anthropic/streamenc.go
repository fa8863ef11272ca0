package anthropic

import (
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// NewStreamEncoder returns an encoder for one answer to the client that sent r.
func (Messages) NewStreamEncoder(r *llm.Request) dialect.StreamEncoder {
	return &streamEncoder{r: r, names: dialect.NamesOf(r)}
}

// A streamEncoder writes an answer as named events. A block is opened by its
// first content, never for nothing, so indices have no gaps.
type streamEncoder struct {
	r       *llm.Request
	names   dialect.Names
	started bool
	ended   bool
	next    int // index of the next block to be opened
	open    bool
	block   llm.Block // the block under way; what of it is not yet written
	hasCall bool
	sent    int    // bytes of content, to estimate usage by
	custom  []byte // the raw text of a free-form call, which goes out whole
	digest  []byte // the thinking text, to sign it at the end
}

// Encode appends the wire form of ev.
func (e *streamEncoder) Encode(dst []byte, ev *llm.Event) []byte {
	if e.ended {
		return dst
	}
	switch ev.Type {
	case llm.EventPing:
		return Messages{}.AppendPing(dst)
	case llm.EventStart:
		return e.start(dst, ev.Response)
	case llm.EventBlockStart:
		return e.blockStart(e.start(dst, nil), ev.Block)
	case llm.EventDelta:
		return e.delta(dst, ev.Text)
	case llm.EventSignature:
		return e.signature(dst, ev.Signature)
	case llm.EventBlockStop:
		return e.blockStop(dst, ev.Block)
	case llm.EventFinish:
		return e.finish(e.start(dst, nil), ev)
	case llm.EventError:
		e.ended = true
		return Messages{}.AppendStreamError(dst, ev.Err)
	}
	return dst
}

// start appends message_start, once: a whole message object with counts.
func (e *streamEncoder) start(dst []byte, a *llm.Response) []byte {
	if e.started {
		return dst
	}
	e.started = true
	if a == nil {
		a = &llm.Response{}
	}
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	dst = appendHead(dst, a, e.r)
	dst = append(dst, `,"content":[],"stop_reason":null,"stop_sequence":null`...)
	usage := *dialect.UsageAtEnd(&a.Usage, e.r, 0)
	usage.Output = max(usage.Output, 1)
	return append(appendUsage(dst, &usage), "}}\n\n"...)
}

func (e *streamEncoder) blockStart(dst []byte, b *llm.Block) []byte {
	dst = e.closeBlock(dst)
	e.block = *b
	e.custom, e.digest = e.custom[:0], e.digest[:0]
	switch {
	case b.Kind == llm.KindToolCall:
		return e.startCall(dst)
	case b.Kind == llm.KindThinking && b.Redacted != "" && b.Extra.From == llm.Anthropic:
		return append(appendThinking(e.openHead(dst), b), "}\n\n"...)
	case b.Kind == llm.KindOther && b.Extra.From == llm.Anthropic:
		return append(append(e.openHead(dst), b.Raw...), "}\n\n"...)
	}
	return dst
}

func (e *streamEncoder) startCall(dst []byte) []byte {
	c := *e.block.Call
	e.names.Restore(&c)
	e.hasCall = true
	dst = append(e.openHead(dst), `{"type":"tool_use"`...)
	dst = wire.Str(dst, "id", dialect.WireID(c.ID))
	dst = wire.Str(dst, "name", c.Name)
	return append(dst, ",\"input\":{}}}\n\n"...)
}

// openHead appends content_block_start up to the block object.
func (e *streamEncoder) openHead(dst []byte) []byte {
	e.open = true
	dst = append(dst, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"...)
	return append(strconv.AppendInt(dst, int64(e.next), 10), `,"content_block":`...)
}

// ensureOpen opens the block of text or thinking under way.
func (e *streamEncoder) ensureOpen(dst []byte) []byte {
	if e.open {
		return dst
	}
	dst = e.openHead(dst)
	if e.block.Kind == llm.KindThinking {
		return append(dst, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"...)
	}
	return append(dst, "{\"type\":\"text\",\"text\":\"\"}}\n\n"...)
}

func (e *streamEncoder) delta(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	e.sent += len(text)
	switch e.block.Kind {
	case llm.KindText, llm.KindRefusal:
		return e.appendDelta(e.ensureOpen(dst), "text_delta", "text", text)
	case llm.KindThinking:
		e.digest = append(e.digest, text...)
		return e.appendDelta(e.ensureOpen(dst), "thinking_delta", "thinking", text)
	case llm.KindToolCall:
		if e.block.Call.Custom {
			e.custom = append(e.custom, text...)
			return dst
		}
		return e.appendDelta(dst, "input_json_delta", "partial_json", text)
	}
	return dst
}

func (e *streamEncoder) appendDelta(dst []byte, kind, key, text string) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	dst = append(strconv.AppendInt(dst, int64(e.next), 10), `,"delta":{"type":"`...)
	dst = append(append(dst, kind...), '"')
	return append(wire.Str(dst, key, text), "}}\n\n"...)
}

// signature passes on what a Messages provider signed with, and the seal in
// which another dialect's decoder keeps a provider's reasoning.
func (e *streamEncoder) signature(dst []byte, signature string) []byte {
	foreign := e.block.Extra.From != llm.Anthropic && !dialect.IsOwnSignature(signature)
	if e.block.Kind != llm.KindThinking || foreign || signature == "" {
		return dst
	}
	e.block.Signature = signature
	return e.appendDelta(e.ensureOpen(dst), "signature_delta", "signature", signature)
}

// blockStop closes the block; whole is the finished block if it is known.
func (e *streamEncoder) blockStop(dst []byte, whole *llm.Block) []byte {
	if whole != nil && len(whole.Citations) > 0 && whole.Extra.From == llm.Anthropic && e.open {
		dst = e.citations(dst, whole.Citations)
	}
	return e.closeBlock(dst)
}

// closeBlock ends the block under way with what is due at its end.
func (e *streamEncoder) closeBlock(dst []byte) []byte {
	if !e.open {
		e.block = llm.Block{}
		return dst
	}
	switch {
	case e.block.Kind == llm.KindThinking && e.block.Signature == "" && e.block.Redacted == "":
		dst = e.appendDelta(dst, "signature_delta", "signature", dialect.OwnSignature(string(e.digest)))
	case len(e.custom) > 0:
		dst = e.appendDelta(dst, "input_json_delta", "partial_json", string(dialect.WrapInput(string(e.custom))))
	}
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...)
	dst = append(strconv.AppendInt(dst, int64(e.next), 10), "}\n\n"...)
	e.open, e.block, e.custom = false, llm.Block{}, e.custom[:0]
	e.next++
	return dst
}

func (e *streamEncoder) finish(dst []byte, ev *llm.Event) []byte {
	dst = e.closeBlock(dst)
	e.ended = true
	stop := encodeStop(ev.Stop, ev.StopText, e.hasCall)
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"...)
	dst = appendStopSequence(wire.Str(dst, "stop_reason", stop), stop, ev.StopText)
	dst = appendUsage(append(dst, '}'), dialect.UsageAtEnd(ev.Usage, e.r, e.sent))
	return append(dst, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
