package openai

import (
	"bytes"
	"errors"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// NewStreamDecoder returns a decoder for one streamed answer.
func (Chat) NewStreamDecoder() dialect.StreamDecoder { return &streamDecoder{} }

// A streamDecoder reads the chunks of one answer and lays their content out as
// blocks, one after another. The reason to stop is held back until the stream
// ends, because usage may follow it.
type streamDecoder struct {
	started, ended bool
	done           bool // [DONE] came
	said           bool // a delta had something in it
	finish         string
	matched        string // the stop sequence that matched
	refused        bool
	hasCall        bool
	answer         string // id of the answer
	usage          llm.Usage
	think          thinkSplitter
	pieces         []piece // reused
	open           bool
	kind           llm.BlockKind
	next           int    // index of the next block
	text           []byte // of the open block
	calls          callBuffer
	held           []heldText // waits for the open call
	broken         error      // why the stream cannot be read on
}

var errNotJSON = errors.New("a chunk is not valid JSON")

// Decode appends what ev means.
func (d *streamDecoder) Decode(dst []llm.Event, ev *sse.Event) ([]llm.Event, error) {
	data := bytes.TrimSpace(ev.Data)
	switch {
	case d.ended:
		return dst, nil
	case ev.Comment:
		return append(dst, llm.Event{Type: llm.EventPing}), nil
	case len(data) == 0:
		return dst, nil
	case isDone(data):
		d.done = true
		return d.close(dst), nil
	case !wire.Valid(data):
		return dst, errNotJSON
	}
	text := wire.View(data)
	if e := chunkFailure(ev, gjson.Result{Type: gjson.JSON, Raw: text}); e != nil {
		return d.fail(dst, e), nil
	}
	k := readChunk(wire.NewCursor(text), !d.started)
	if k.hasUsage {
		d.usage.Update(findUsage(gjson.Parse(text)))
	}
	return d.chunk(dst, &k), d.broken
}

func (d *streamDecoder) fail(dst []llm.Event, e *llm.Error) []llm.Event {
	d.ended = true
	return append(dst, llm.Event{Type: llm.EventError, Err: e})
}

func (d *streamDecoder) chunk(dst []llm.Event, k *chunk) []llm.Event {
	dst = d.start(dst, k)
	if k.later {
		return dst
	}
	if !d.said && k.finish != "" && k.delta == (deltaParts{}) {
		k.delta = k.whole // nothing else is to come
	}
	d.said = d.said || k.delta != deltaParts{}
	dst = d.delta(dst, &k.delta)
	if e := brokenOff(k.finish, k.cause); e != nil {
		return d.fail(dst, e)
	}
	if k.finish != "" {
		d.finish = strings.Clone(k.finish)
		d.matched = strings.Clone(k.matched)
	}
	return dst
}

func (d *streamDecoder) start(dst []llm.Event, k *chunk) []llm.Event {
	if d.started {
		return dst
	}
	d.started = true
	a := &llm.Response{ID: strings.Clone(k.id), Model: strings.Clone(k.model), Created: k.created,
		Extra: llm.Extra{From: llm.OpenAI}}
	d.answer = a.ID
	return append(dst, llm.Event{Type: llm.EventStart, Response: a})
}

// delta passes on a delta's reasoning, content, refusal and calls, in the
// order in which a turn has them.
func (d *streamDecoder) delta(dst []llm.Event, k *deltaParts) []llm.Event {
	dst = d.textDelta(dst, llm.KindThinking, k.thought())
	dst = d.content(dst, k.content)
	if k.refusal != "" {
		d.refused = true
		dst = d.textDelta(dst, llm.KindRefusal, k.refusal)
	}
	if k.calls != "" {
		gjson.Parse(k.calls).ForEach(func(_, c gjson.Result) bool {
			dst = d.call(dst, readCallDelta(c))
			return d.broken == nil
		})
	}
	if legacy := gjson.Parse(k.legacy); legacy.IsObject() {
		name := legacy.Get("name").Str
		dst = d.call(dst, callDelta{index: 0, id: legacyID(name), name: name, args: legacy.Get("arguments").Str})
	}
	return d.release(dst)
}

// content passes text on, its leading <think> part as thinking. Where
// reasoning comes in a field of its own, tags in the text are text.
func (d *streamDecoder) content(dst []llm.Event, text string) []llm.Event {
	if text == "" {
		return dst
	}
	if d.next > 0 || d.open && d.kind == llm.KindThinking && d.think.state == thinkBefore {
		d.think.state = thinkNone
	}
	d.pieces = d.think.split(d.pieces[:0], text)
	return d.passPieces(dst)
}

func (d *streamDecoder) passPieces(dst []llm.Event) []llm.Event {
	for _, p := range d.pieces {
		dst = d.textDelta(dst, p.kind, p.text)
	}
	return dst
}

// textDelta appends text to the open block of its kind, or to a new one. It
// waits beside a call.
func (d *streamDecoder) textDelta(dst []llm.Event, kind llm.BlockKind, text string) []llm.Event {
	if text == "" || d.hold(kind, text) {
		return dst
	}
	if !d.open || d.kind != kind {
		dst = d.closeBlock(dst)
		dst = d.openBlock(dst, &llm.Block{Kind: kind, Extra: llm.Extra{From: llm.OpenAI}})
	}
	d.text = append(d.text, text...)
	return append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: text})
}

func (d *streamDecoder) openBlock(dst []llm.Event, b *llm.Block) []llm.Event {
	d.open, d.kind, d.text = true, b.Kind, d.text[:0]
	return append(dst, llm.Event{Type: llm.EventBlockStart, Index: d.next, Block: b})
}

// closeBlock ends the open block. An open call ends with it, and is noted as
// closed in the buffer.
func (d *streamDecoder) closeBlock(dst []llm.Event) []llm.Event {
	if !d.open {
		return dst
	}
	whole := &llm.Block{Kind: d.kind, Text: string(d.text), Extra: llm.Extra{From: llm.OpenAI}}
	if d.kind == llm.KindToolCall {
		dst = d.passRest(dst)
		whole.Text, whole.Call = "", d.calls.finish()
	}
	dst = append(dst, llm.Event{Type: llm.EventBlockStop, Index: d.next, Block: whole})
	d.open = false
	d.next++
	return dst
}

// Close ends a stream that sent no [DONE]. It is whole if the reason to stop
// came, or if it ends with complete calls (Cerebras leaves the reason out).
func (d *streamDecoder) Close(dst []llm.Event) []llm.Event {
	if d.ended {
		return dst
	}
	return d.close(dst)
}

func (d *streamDecoder) close(dst []llm.Event) []llm.Event {
	dst = d.flush(dst)
	whole := d.finish != "" || d.hasCall && d.calls.complete() || d.done && !d.hasCall && d.next > 0
	if !whole || !d.started {
		return d.fail(dst, dialect.CutShort())
	}
	d.ended = true
	usage, stop, matched := d.usage, d.stop(), ""
	if stop == llm.StopEnd && isStopText(d.matched) {
		stop, matched = llm.StopSequence, d.matched
	}
	return append(dst, llm.Event{Type: llm.EventFinish, Stop: stop, StopText: matched, Usage: &usage})
}

func (d *streamDecoder) stop() llm.StopReason {
	if d.refused {
		return llm.StopRefusal
	}
	return settle(decodeStop(d.finish), d.hasCall)
}

// flush passes on everything held back.
func (d *streamDecoder) flush(dst []llm.Event) []llm.Event {
	d.pieces = d.think.end(d.pieces[:0])
	dst = d.closeBlock(d.passPieces(dst))
	for d.calls.nextReady() {
		dst = d.closeBlock(d.openCall(dst))
	}
	return d.closeBlock(d.release(dst))
}
