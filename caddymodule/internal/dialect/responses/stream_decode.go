package responses

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// NewStreamDecoder returns a decoder for one streamed answer.
func (Responses) NewStreamDecoder() dialect.StreamDecoder { return &streamDecoder{} }

// streamDecoder turns the life of items into blocks, one at a time. Servers
// that imitate this dialect leave out much of it, so nothing but the terminal
// event is relied on: a delta without its item starts one, a done item says
// whatever its deltas did not, and items nobody announced are taken from the
// terminal event.
type streamDecoder struct {
	out   []llm.Event // being appended to
	items []*outputItem
	queue blockQueue

	begun   bool
	ended   bool
	called  bool // a tool call is among the blocks
	refused bool
	parts   int // items and their blocks so far
}

// maxItems is how many items and parts an answer may have. Finding one takes
// time in proportion to their number.
const maxItems = 4096

var errTooManyItems = errors.New("the answer has too many items")

// Decode appends to dst what ev means.
func (d *streamDecoder) Decode(dst []llm.Event, ev *sse.Event) ([]llm.Event, error) {
	if ev.Comment || len(ev.Data) == 0 {
		return append(dst, llm.Event{Type: llm.EventPing}), nil
	}
	if d.ended || bytes.Equal(bytes.TrimSpace(ev.Data), doneMark) {
		return dst, nil
	}
	if !wire.Valid(ev.Data) {
		return dst, fmt.Errorf("reading a stream event: %w", wire.ErrSyntax)
	}
	d.out = dst
	d.event(eventType(ev), wire.View(ev.Data))
	dst, d.out = d.out, nil
	if d.parts > maxItems {
		return dst, errTooManyItems
	}
	return dst, nil
}

// event takes one event in. Only data of delta events may be handed on without
// a copy, since it is the reader's.
func (d *streamDecoder) event(typ, data string) {
	switch typ {
	case evKeepAlive, "ping", evQueued:
		d.emit(llm.Event{Type: llm.EventPing})
		return
	case evCreated, evInProgress:
		d.start(gjson.Get(strings.Clone(data), "response"))
		return
	case evError, evFailed:
		d.fail(decodeFailure(gjson.Parse(strings.Clone(data))))
		return
	case evCompleted, evIncomplete, evCancelled:
		d.finish(gjson.Get(strings.Clone(data), "response"))
		return
	case evItemAdded:
		d.start(gjson.Result{})
		d.added(gjson.Parse(strings.Clone(data)))
		return
	case evItemDone:
		d.start(gjson.Result{})
		v := gjson.Parse(strings.Clone(data))
		whole := readItem(v.Get("item"))
		d.done(d.find(whole.id, v.Get("output_index"), kindOfItem(whole.typ)), whole)
		return
	case "":
		if e := dialect.FailureIn(gjson.Parse(data)); e != nil {
			d.fail(decodeFailure(gjson.Parse(strings.Clone(data))))
		}
		return
	}
	d.piece(typ, gjson.Parse(data))
}

func (d *streamDecoder) emit(ev llm.Event) { d.out = append(d.out, ev) }

// start emits the start once; response may be empty.
func (d *streamDecoder) start(response gjson.Result) {
	if d.begun {
		return
	}
	d.begun = true
	head := headOf(response)
	head.Usage = decodeUsage(response.Get("usage"))
	d.emit(llm.Event{Type: llm.EventStart, Response: head})
}

func (d *streamDecoder) fail(e *llm.Error) {
	d.ended = true
	d.emit(llm.Event{Type: llm.EventError, Err: e})
}

// piece takes in an event about a part of an item.
func (d *streamDecoder) piece(typ string, v gjson.Result) {
	kind, ok := pieceKind(typ)
	if !ok {
		return
	}
	d.start(gjson.Result{})
	it := d.find(v.Get("item_id").Str, v.Get("output_index"), kindOfBlock(kind))
	b := d.block(it, kind, int(v.Get("content_index").Int()))
	switch {
	case strings.HasSuffix(typ, ".delta"):
		d.delta(it, b, v)
	case kind == llm.KindThinking:
		// Reasoning ends with its item, which brings the encrypted content.
	case typ == "response.content_part.done":
		d.endPart(it, v)
	default:
		d.queue.complete(d, b, doneText(v))
	}
}

// pieceKind is the kind of block an event is about.
func pieceKind(typ string) (kind llm.BlockKind, ok bool) {
	name, found := strings.CutPrefix(typ, "response.")
	if !found {
		return 0, false
	}
	switch name {
	case "output_text.delta", "output_text.done", "content_part.done":
		return llm.KindText, true
	case "refusal.delta", "refusal.done":
		return llm.KindRefusal, true
	case "reasoning_summary_text.delta", "reasoning_text.delta":
		return llm.KindThinking, true
	case "function_call_arguments.delta", "function_call_arguments.done",
		"custom_tool_call_input.delta", "custom_tool_call_input.done":
		return llm.KindToolCall, true
	}
	return 0, false
}

// doneText is the whole text a done event states.
func doneText(v gjson.Result) string {
	for _, key := range [...]string{"text", "refusal", "arguments", "input"} {
		if s := v.Get(key); s.Type == gjson.String {
			return s.Str
		}
	}
	return ""
}

// delta takes a piece of content in. Parts of a summary are kept apart by a
// blank line, as joinTexts does.
func (d *streamDecoder) delta(it *outputItem, b *streamBlock, v gjson.Result) {
	text := v.Get("delta").Str
	if text == "" {
		return
	}
	if b.kind == llm.KindThinking {
		from := v.Get("type").Str
		if it.source == "" {
			it.source = strings.Clone(from)
		} else if it.source != from {
			return // the same reasoning in the other form
		}
		part := int(v.Get("summary_index").Int() + v.Get("content_index").Int())
		if part != it.part && b.length > 0 {
			d.queue.delta(d, b, "\n\n")
		}
		it.part = part
	}
	d.queue.delta(d, b, text)
}

// endPart closes the block of a content part.
func (d *streamDecoder) endPart(it *outputItem, v gjson.Result) {
	part := partBlock(gjson.Parse(strings.Clone(v.Get("part").Raw)))
	if !isText(&part) {
		return
	}
	b := d.block(it, part.Kind, int(v.Get("content_index").Int()))
	d.queue.complete(d, b, part.Text)
	d.queue.end(d, b, withSource(part))
}

// withSource marks citations as this dialect's.
func withSource(b llm.Block) *llm.Block {
	if b.Citations != nil {
		b.Extra.From = llm.Responses
	}
	return &b
}

// Close reports a stream that ended without its terminal event.
func (d *streamDecoder) Close(dst []llm.Event) []llm.Event {
	if d.ended {
		return dst
	}
	d.ended = true
	return append(dst, llm.Event{Type: llm.EventError, Err: &llm.Error{
		Class: llm.ClassTransient, Message: "upstream closed the stream early",
	}})
}
