package responses

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// streamBlock is a block on its way through a blockQueue.
type streamBlock struct {
	kind   llm.BlockKind
	place  int // of a message's part
	call   *llm.ToolCall
	length int // bytes of content so far

	begun, ended bool
	cut          bool       // by another block: it goes on in a second one
	waiting      []byte     // content that could not go out yet
	whole        *llm.Block // known at its end
	index        int
}

// blockQueue lets one block out at a time. A text or thinking block gives way
// to whatever comes next, and is continued by a new block if more of it comes.
// A call cannot be cut in two: what comes beside it waits until it is done.
type blockQueue struct {
	open  *streamBlock
	rest  []*streamBlock // waiting, in order of arrival
	index int            // of the next block
}

// begin announces b, without content.
func (q *blockQueue) begin(d *streamDecoder, b *streamBlock) {
	if b.begun || b.ended || !b.named() {
		return
	}
	if q.open != nil && q.open.kind == llm.KindToolCall {
		q.wait(b)
		return
	}
	q.stop(d)
	q.start(d, b)
}

// named reports whether the head of b is known: a call needs a name.
func (b *streamBlock) named() bool {
	return b.kind != llm.KindToolCall || b.call != nil && b.call.Name != ""
}

func (q *blockQueue) wait(b *streamBlock) {
	if !slices.Contains(q.rest, b) {
		q.rest = append(q.rest, b)
	}
}

// delta takes a piece of b's content.
func (q *blockQueue) delta(d *streamDecoder, b *streamBlock, text string) {
	if b.ended || text == "" {
		return
	}
	b.length += len(text)
	if q.open != b {
		if b.begun && b.kind == llm.KindToolCall {
			return
		}
		if !b.named() || q.open != nil && q.open.kind == llm.KindToolCall {
			b.waiting = append(b.waiting, text...)
			q.wait(b)
			return
		}
		q.stop(d)
		q.start(d, b)
	}
	d.emit(llm.Event{Type: llm.EventDelta, Index: b.index, Text: text})
}

// complete adds what the whole content has beyond the deltas.
func (q *blockQueue) complete(d *streamDecoder, b *streamBlock, whole string) {
	if !b.ended && b.length < len(whole) {
		q.delta(d, b, whole[b.length:])
	}
}

// end ends b. whole is the block as the provider states it, or nil.
func (q *blockQueue) end(d *streamDecoder, b *streamBlock, whole *llm.Block) {
	if b.ended {
		return
	}
	b.ended, b.whole = true, whole
	switch {
	case q.open == b:
		q.stop(d)
	case q.open == nil || q.open.kind != llm.KindToolCall:
		if b.begun || !b.named() || b.silent() {
			// It was cut short by another block, or never was one. A signature
			// alone gets no block of its own: clients choke on one at the end.
			return
		}
		q.stop(d)
		q.start(d, b)
		q.stop(d)
	default:
		q.wait(b)
	}
	q.next(d)
}

// silent reports whether b would be an empty block.
func (b *streamBlock) silent() bool {
	if b.kind == llm.KindToolCall || b.kind == llm.KindOther {
		return false
	}
	return b.length == 0 && (b.whole == nil || b.whole.Signature == "")
}

// next lets out what waits, as far as it goes.
func (q *blockQueue) next(d *streamDecoder) {
	for q.open == nil && len(q.rest) > 0 {
		b := q.rest[0]
		q.rest = q.rest[1:]
		if !b.named() || b.ended && b.silent() {
			continue
		}
		q.start(d, b)
		if b.ended {
			q.stop(d)
		}
	}
}

// endAll ends everything: the answer is over.
func (q *blockQueue) endAll(d *streamDecoder) {
	q.stop(d)
	for _, b := range q.rest {
		b.ended = true
	}
	q.next(d)
}

// start emits b's start and what waited.
func (q *blockQueue) start(d *streamDecoder, b *streamBlock) {
	q.rest = slices.DeleteFunc(q.rest, func(w *streamBlock) bool { return w == b })
	q.open, b.index, b.cut, b.begun = b, q.index, b.begun, true
	q.index++
	head := &llm.Block{Kind: b.kind}
	switch {
	case b.kind == llm.KindToolCall:
		call := *b.call
		head.Call = &call
	case b.kind == llm.KindOther && b.whole != nil:
		head = b.whole
	case b.kind == llm.KindRefusal:
		d.refused = true
	}
	d.emit(llm.Event{Type: llm.EventBlockStart, Index: b.index, Block: head})
	if len(b.waiting) > 0 {
		d.emit(llm.Event{Type: llm.EventDelta, Index: b.index, Text: string(b.waiting)})
		b.waiting = nil
	}
}

// stop ends the open block, its seal first.
func (q *blockQueue) stop(d *streamDecoder) {
	b := q.open
	if b == nil {
		return
	}
	q.open = nil
	if b.whole != nil && b.whole.Signature != "" {
		d.emit(llm.Event{Type: llm.EventSignature, Index: b.index, Signature: b.whole.Signature})
	}
	d.emit(llm.Event{Type: llm.EventBlockStop, Index: b.index, Block: b.stopped()})
}

// stopped is the whole block at its end, if what is known is all of it.
func (b *streamBlock) stopped() *llm.Block {
	if b.kind == llm.KindOther || b.kind == llm.KindText && !b.cut {
		return b.whole
	}
	return nil
}
