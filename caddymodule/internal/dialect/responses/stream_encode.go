package responses

import (
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// NewStreamEncoder returns an encoder for one streamed answer to the client
// that sent r.
func (d Responses) NewStreamEncoder(r *llm.Request) dialect.StreamEncoder {
	return &streamEncoder{d: d, r: r}
}

// streamEncoder writes the whole life of every item: added, parts, deltas,
// done. An item is closed only by what comes after it, because only then it
// is known whether the answer was cut short inside it; clients run a call as
// soon as its item is done.
type streamEncoder struct {
	d        Responses
	r        *llm.Request
	envelope envelope
	items    itemMaker
	seq      int
	begun    bool
	ended    bool
	refused  bool
	sent     int    // bytes of content, to estimate usage by
	output   []byte // the items that are done
	cur      current
}

// current is the block being written, or waiting to be closed.
type current struct {
	block  llm.Block // what is known of it; Text and the call's input gather in text
	item   outItem
	text   []byte
	unwrap *unwrapper // of a free-form call that arrives as a function call
	active bool
	added  bool // output_item.added was written
	opened bool // and what opens its part
}

// Encode appends the wire form of ev to dst and returns dst.
func (e *streamEncoder) Encode(dst []byte, ev *llm.Event) []byte {
	if e.ended {
		return dst
	}
	switch ev.Type {
	case llm.EventPing:
		return e.ping(dst)
	case llm.EventStart:
		return e.start(dst, ev.Response)
	}
	if !e.begun {
		dst = e.start(dst, nil)
	}
	switch ev.Type {
	case llm.EventBlockStart:
		dst = e.blockStart(e.closeItem(dst, completed), ev.Block)
	case llm.EventDelta:
		dst = e.delta(dst, ev.Text)
	case llm.EventSignature:
		e.cur.block.Signature += ev.Signature
	case llm.EventBlockStop:
		dst = e.blockStop(dst, ev.Block)
	case llm.EventFinish:
		dst = e.finish(dst, ev)
	case llm.EventError:
		dst = e.fail(dst, ev.Err)
	}
	return dst
}

// ping appends what every client skips: an event, on which Codex resets its
// idle timer, or a comment as long as no event may come.
func (e *streamEncoder) ping(dst []byte) []byte {
	if !e.begun {
		return e.d.AppendPing(dst)
	}
	return endEvent(e.event(dst, evKeepAlive))
}

func (e *streamEncoder) start(dst []byte, a *llm.Response) []byte {
	if e.begun {
		return dst
	}
	if a == nil {
		a = &llm.Response{}
	}
	e.begun = true
	e.envelope = e.d.envelopeOf(a, e.r)
	e.items = newItemMaker(e.r, e.envelope.id)
	dst = e.whole(dst, evCreated, &state{status: inProgress})
	return e.whole(dst, evInProgress, &state{status: inProgress})
}

func (e *streamEncoder) blockStart(dst []byte, b *llm.Block) []byte {
	if b == nil {
		b = &llm.Block{}
	}
	if b.Kind == llm.KindToolCall && b.Call == nil {
		return dst
	}
	e.cur = current{block: *b, item: e.items.begin(b), text: e.cur.text[:0], active: true}
	c := &e.cur
	if b.Kind != llm.KindToolCall {
		c.block.Text = ""
		return e.delta(dst, b.Text)
	}
	if c.item.call.Custom && !b.Call.Custom {
		c.unwrap = &unwrapper{}
	}
	return e.add(dst)
}

// add appends the event that begins the current item, once.
func (e *streamEncoder) add(dst []byte) []byte {
	c := &e.cur
	if c.added {
		return dst
	}
	c.added = true
	dst = wire.Key(e.place(e.event(dst, evItemAdded)), "item")
	return endEvent(c.item.append(dst, inProgress))
}

// open appends the events that begin the current item and its part, once.
func (e *streamEncoder) open(dst []byte) []byte {
	dst = e.add(dst)
	c := &e.cur
	if c.opened {
		return dst
	}
	c.opened = true
	switch c.item.kind {
	case llm.KindText, llm.KindRefusal:
		dst = wire.Key(e.part(dst, "response.content_part.added"), "part")
		return endEvent(c.item.appendPart(dst))
	case llm.KindThinking:
		dst = wire.Key(e.part(dst, "response.reasoning_summary_part.added"), "part")
		return endEvent(appendSummary(dst, ""))
	}
	return dst
}

// deltaTypes are the names of an item's delta events.
var deltaTypes = [...]string{
	llm.KindText: "response.output_text.delta", llm.KindRefusal: "response.refusal.delta",
	llm.KindThinking: "response.reasoning_summary_text.delta", llm.KindToolCall: "response.function_call_arguments.delta",
}

// delta takes a piece of the current block's content.
func (e *streamEncoder) delta(dst []byte, text string) []byte {
	c := &e.cur
	if !c.active || int(c.item.kind) >= len(deltaTypes) || deltaTypes[c.item.kind] == "" {
		return dst
	}
	if c.unwrap != nil {
		text = c.unwrap.add(text)
	}
	return e.emit(dst, text)
}

// emit appends a delta event, unless text is empty.
func (e *streamEncoder) emit(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	c := &e.cur
	e.sent += len(text)
	c.text = append(c.text, text...)
	typ := deltaTypes[c.item.kind]
	if c.item.call.Custom {
		typ = "response.custom_tool_call_input.delta"
	}
	dst = wire.Str(e.part(e.open(dst), typ), "delta", text)
	if c.item.kind == llm.KindText {
		dst = append(dst, `,"logprobs":[]`...)
	}
	return endEvent(dst)
}

// blockStop takes what only the whole block says. The item itself is closed by
// the next event.
func (e *streamEncoder) blockStop(dst []byte, whole *llm.Block) []byte {
	c := &e.cur
	if whole == nil || !c.active || whole.Kind != c.block.Kind {
		return dst
	}
	c.block.Citations, c.block.Raw = whole.Citations, whole.Raw
	if c.block.Extra.From == "" {
		c.block.Extra = whole.Extra
	}
	c.block.Signature = firstOf(c.block.Signature, whole.Signature)
	c.block.Redacted = firstOf(c.block.Redacted, whole.Redacted)
	if len(c.text) > 0 || c.unwrap != nil && c.unwrap.args.Len() > 0 {
		return dst
	}
	if whole.Kind != llm.KindToolCall {
		return e.delta(dst, whole.Text)
	}
	if whole.Call.Custom {
		return e.delta(dst, whole.Call.Text)
	}
	return e.delta(dst, string(whole.Call.Input))
}

// finish ends the stream as the model did.
func (e *streamEncoder) finish(dst []byte, ev *llm.Event) []byte {
	last, _ := endState(ev.Stop, true)
	dst = e.closeItem(dst, last)
	status, reason := endState(ev.Stop, e.refused)
	s := state{status: status, reason: reason, output: e.output, usage: dialect.UsageAtEnd(ev.Usage, e.r, e.sent)}
	typ := evCompleted
	if status == incomplete {
		typ = evIncomplete
	} else {
		s.ended = e.d.now()
	}
	e.ended = true
	return e.whole(dst, typ, &s)
}

// fail ends the stream with response.failed. The item being written is not
// done and stays so.
func (e *streamEncoder) fail(dst []byte, err *llm.Error) []byte {
	if err == nil {
		err = &llm.Error{Class: llm.ClassTransient, Message: "the provider's answer broke off"}
	}
	e.ended = true
	return e.whole(dst, evFailed, &state{status: "failed", failure: err, output: e.output})
}

// whole appends an event that carries the response object.
func (e *streamEncoder) whole(dst []byte, typ string, s *state) []byte {
	dst = wire.Key(e.event(dst, typ), "response")
	return endEvent(e.envelope.append(dst, s))
}

// event appends an event up to its sequence number.
func (e *streamEncoder) event(dst []byte, typ string) []byte {
	dst = append(append(dst, "event: "...), typ...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), typ...)
	dst = append(dst, `","sequence_number":`...)
	dst = strconv.AppendInt(dst, int64(e.seq), 10)
	e.seq++
	return dst
}

func endEvent(dst []byte) []byte { return append(dst, "}\n\n"...) }

// place appends where in the output the current item stands.
func (e *streamEncoder) place(dst []byte) []byte {
	return wire.Int(dst, "output_index", e.items.index)
}

// part appends an event about a part of the current item.
func (e *streamEncoder) part(dst []byte, typ string) []byte {
	dst = e.place(wire.Str(e.event(dst, typ), "item_id", e.cur.item.id))
	switch e.cur.item.kind {
	case llm.KindText, llm.KindRefusal:
		return wire.Int(dst, "content_index", 0)
	case llm.KindThinking:
		return wire.Int(dst, "summary_index", 0)
	}
	return dst
}
