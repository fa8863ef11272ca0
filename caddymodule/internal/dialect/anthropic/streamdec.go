package anthropic

import (
	"errors"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// NewStreamDecoder returns a decoder for one streamed answer.
func (Messages) NewStreamDecoder() dialect.StreamDecoder { return &streamDecoder{} }

// A streamDecoder reads the events of one answer. It forgives what has one
// possible meaning only: a missing message_start, a delta whose block was not
// opened or is of another kind, a stop that comes twice.
type streamDecoder struct {
	started, ended, stopped bool
	open                    bool // a block is open
	kind                    llm.BlockKind
	next                    int // index of the next block
	places                  places
	block                   llm.Block // the open block, but for its text
	text                    []byte    // the open block's text so far
	stop                    llm.StopReason
	stopText                string
	usage                   llm.Usage
}

var errNotJSON = errors.New("an event is not valid JSON")

// Decode appends what ev means.
func (d *streamDecoder) Decode(dst []llm.Event, ev *sse.Event) ([]llm.Event, error) {
	switch {
	case d.ended:
		return dst, nil
	case ev.Comment:
		return append(dst, llm.Event{Type: llm.EventPing}), nil
	}
	if !wire.Valid(ev.Data) {
		if len(ev.Data) == 0 || string(ev.Data) == "[DONE]" {
			return dst, nil
		}
		return dst, errNotJSON
	}
	kind := eventType(ev)
	if kind == "content_block_delta" {
		v := gjson.Get(wire.View(ev.Data), "delta")
		if d.strayed(ev.Data, v) {
			return dst, errOverlap
		}
		return d.delta(d.ensureStart(dst), v)
	}
	return d.rare(dst, kind, gjson.Parse(string(ev.Data))), nil
}

// rare reads the events that come once or a few times an answer.
func (d *streamDecoder) rare(dst []llm.Event, kind string, root gjson.Result) []llm.Event {
	switch kind {
	case "ping":
		return append(dst, llm.Event{Type: llm.EventPing})
	case "message_start":
		return d.start(dst, root.Get("message"))
	case "content_block_start":
		if block := root.Get("content_block"); block.IsObject() {
			return d.openBlock(d.ensureStart(dst), decodeBlock(block), indexOf(root))
		}
		return dst
	case "content_block_stop":
		if d.places.isLate(indexOf(root)) {
			return dst
		}
		return d.closeBlock(dst)
	case "message_delta":
		return d.messageDelta(dst, root)
	case "message_stop":
		return d.finish(dst)
	case "error":
		return d.fail(dst, dialect.ReadError(0, nil, wire.Raw(root.Raw)))
	}
	if e := dialect.FailureIn(root); e != nil {
		return d.fail(dst, e)
	}
	return dst
}

func (d *streamDecoder) fail(dst []llm.Event, e *llm.Error) []llm.Event {
	d.ended = true
	return append(dst, llm.Event{Type: llm.EventError, Err: e})
}

// start passes on the first message_start; a second one changes nothing.
func (d *streamDecoder) start(dst []llm.Event, m gjson.Result) []llm.Event {
	if d.started {
		return dst
	}
	d.started = true
	d.usage.Update(decodeUsage(m.Get("usage")))
	return append(dst, llm.Event{Type: llm.EventStart, Response: &llm.Response{
		ID: m.Get("id").Str, Model: m.Get("model").Str, Usage: d.usage, Extra: llm.Extra{From: llm.Anthropic}}})
}

func (d *streamDecoder) ensureStart(dst []llm.Event) []llm.Event {
	return d.start(dst, gjson.Result{})
}

// openBlock begins a block, the one before closed. Text and thinking that the
// opening event already holds comes as a delta. at is the index the provider
// gave, or -1.
func (d *streamDecoder) openBlock(dst []llm.Event, b llm.Block, at int) []llm.Event {
	d.places.opened(at, d.open)
	dst = d.closeBlock(dst)
	d.open, d.kind = true, b.Kind
	early, input := b.Text, ""
	b.Text = ""
	if b.Call != nil {
		input = earlyInput(b.Call.Input)
		b.Call.Input = nil
	}
	d.block, d.text = b, d.text[:0]
	shown := b
	if b.Call != nil {
		call := *b.Call
		shown.Call = &call // the decoder goes on filling its own
	}
	dst = append(dst, llm.Event{Type: llm.EventBlockStart, Index: d.next, Block: &shown})
	if early+input != "" {
		dst = append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: early + input})
		d.text = append(d.text, early...)
		d.grow(input)
	}
	return dst
}

// earlyInput is the input that a call's opening event holds: mostly none, which
// is said as an empty object.
func earlyInput(raw []byte) string {
	if in := string(wire.Compact(raw)); in == "{}" || in == "null" {
		return ""
	}
	return string(raw)
}

// grow remembers a call's input as it comes in.
func (d *streamDecoder) grow(input string) {
	if d.block.Call != nil {
		d.block.Call.Input = append(d.block.Call.Input, input...)
	}
}

func (d *streamDecoder) delta(dst []llm.Event, v gjson.Result) ([]llm.Event, error) {
	switch v.Get("type").Str {
	case "text_delta":
		return d.textDelta(dst, llm.KindText, v.Get("text").Str), nil
	case "thinking_delta":
		return d.textDelta(dst, llm.KindThinking, v.Get("thinking").Str), nil
	case "signature_delta":
		dst = d.ensureKind(dst, llm.KindThinking)
		d.block.Signature = strings.Clone(v.Get("signature").Str)
		return append(dst, llm.Event{Type: llm.EventSignature, Index: d.next, Signature: d.block.Signature}), nil
	case "input_json_delta":
		return d.inputDelta(dst, v.Get("partial_json").Str)
	case "citations_delta":
		d.cite(v.Get("citation").Raw)
	}
	return dst, nil
}

// ensureKind opens a block of kind unless one is open.
func (d *streamDecoder) ensureKind(dst []llm.Event, kind llm.BlockKind) []llm.Event {
	if d.open && d.kind == kind {
		return dst
	}
	return d.openBlock(dst, llm.Block{Kind: kind, Extra: llm.Extra{From: llm.Anthropic}}, -1)
}

func (d *streamDecoder) textDelta(dst []llm.Event, kind llm.BlockKind, text string) []llm.Event {
	if text == "" {
		return dst
	}
	dst = d.ensureKind(dst, kind)
	d.text = append(d.text, text...)
	return append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: text})
}

var errLostInput = errors.New("tool input came without an open call")

func (d *streamDecoder) inputDelta(dst []llm.Event, part string) ([]llm.Event, error) {
	switch {
	case part == "" || d.open && d.kind == llm.KindOther:
		return dst, nil // a server tool's input
	case !d.open || d.kind != llm.KindToolCall:
		return dst, errLostInput
	}
	d.grow(part)
	return append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: part}), nil
}

func (d *streamDecoder) cite(raw string) {
	if !d.open || d.kind != llm.KindText || raw == "" {
		return
	}
	list := d.block.Citations
	if n := len(list); n > 2 {
		d.block.Citations = append(append(append(list[:n-1:n-1], ','), raw...), ']')
	} else {
		d.block.Citations = []byte("[" + raw + "]")
	}
}

// closeBlock ends the open block, if any, and hands it on whole.
func (d *streamDecoder) closeBlock(dst []llm.Event) []llm.Event {
	if !d.open {
		return dst
	}
	whole := d.block
	whole.Text = string(d.text)
	if whole.Call != nil && len(whole.Call.Input) == 0 {
		whole.Call.Input = []byte("{}")
	}
	dst = append(dst, llm.Event{Type: llm.EventBlockStop, Index: d.next, Block: &whole})
	d.open, d.block = false, llm.Block{}
	d.next++
	return dst
}

func (d *streamDecoder) messageDelta(dst []llm.Event, root gjson.Result) []llm.Event {
	d.usage.Update(decodeUsage(root.Get("usage")))
	if s := root.Get("delta.stop_reason"); s.Type == gjson.String {
		d.stopped, d.stop = true, decodeStop(s.Str)
		d.stopText = root.Get("delta.stop_sequence").Str
	}
	return dst
}

func (d *streamDecoder) finish(dst []llm.Event) []llm.Event {
	dst = d.closeBlock(d.ensureStart(dst))
	d.ended = true
	stop := d.stop
	if stop == "" {
		stop = llm.StopEnd
	}
	usage := d.usage
	return append(dst, llm.Event{Type: llm.EventFinish, Stop: stop, StopText: d.stopText, Usage: &usage})
}

// Close ends the stream: well if message_stop came or at least the reason to
// stop did, with an error if not.
func (d *streamDecoder) Close(dst []llm.Event) []llm.Event {
	switch {
	case d.ended:
		return dst
	case d.stopped:
		return d.finish(dst)
	}
	return d.fail(dst, dialect.CutShort())
}
