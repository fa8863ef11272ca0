package responses

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// outputItem is an item of the answer as far as it has arrived.
type outputItem struct {
	id     string
	index  int64
	kind   itemKind
	blocks []*streamBlock
	done   bool
	source string // of the two forms of reasoning, the event type that came first
	part   int    // of the summary or content of reasoning, the one being written
}

// itemKind tells apart what can never be one item.
type itemKind uint8

const (
	anyItem itemKind = iota // not known yet
	messageItem
	reasoningItem
	callItem
	otherItem
)

// kindOfItem is the kind of an item by its type.
func kindOfItem(typ string) itemKind {
	switch typ {
	case "message":
		return messageItem
	case "reasoning":
		return reasoningItem
	case "function_call", "custom_tool_call":
		return callItem
	case "":
		return anyItem
	}
	return otherItem
}

// kindOfBlock is the kind of the items that have blocks of kind b.
func kindOfBlock(b llm.BlockKind) itemKind {
	switch b {
	case llm.KindThinking:
		return reasoningItem
	case llm.KindToolCall:
		return callItem
	}
	return messageItem
}

// find returns the item an event is about: the one with its id or, from
// servers that give none, at its index. GitHub Copilot, and what stands before
// it, gives an item another id in each event: what is open at the index and of
// the same kind is meant, whatever it was called. An unknown item is begun.
func (d *streamDecoder) find(id string, index gjson.Result, kind itemKind) *outputItem {
	return d.known(id, index, kind, true)
}

// announced returns the item that an event announces. Under an id of its own it
// is another one than what is open at its index: some servers count none.
func (d *streamDecoder) announced(id string, index gjson.Result, kind itemKind) *outputItem {
	return d.known(id, index, kind, false)
}

func (d *streamDecoder) known(id string, index gjson.Result, kind itemKind, renamed bool) *outputItem {
	var at *outputItem
	for _, it := range d.items {
		if id != "" && it.id == id {
			return it
		}
		if index.Exists() && it.index == index.Int() && (id == "" || it.id == "" || renamed && !it.done && it.is(kind)) {
			at = it
		}
	}
	if at == nil {
		return d.begin(id, index.Int(), kind)
	}
	if at.id == "" {
		at.id = strings.Clone(id)
	}
	if at.kind == anyItem {
		at.kind = kind
	}
	return at
}

// is reports whether it can be of a kind.
func (it *outputItem) is(kind itemKind) bool {
	return it.kind == kind || it.kind == anyItem || kind == anyItem
}

// begin adds an item.
func (d *streamDecoder) begin(id string, index int64, kind itemKind) *outputItem {
	d.parts++
	it := &outputItem{id: strings.Clone(id), index: index, kind: kind}
	d.items = append(d.items, it)
	return it
}

// block returns it's block of a kind, which for message parts is the one at
// place. It is begun if need be.
func (d *streamDecoder) block(it *outputItem, kind llm.BlockKind, place int) *streamBlock {
	if kind == llm.KindToolCall || kind == llm.KindThinking {
		place = 0
	}
	for _, b := range it.blocks {
		if b.kind == kind && b.place == place {
			return b
		}
	}
	d.parts++
	b := &streamBlock{kind: kind, place: place}
	it.blocks = append(it.blocks, b)
	return b
}

// added takes in the announcement of an item. A call's name is known from here
// on, so its block begins.
func (d *streamDecoder) added(v gjson.Result) {
	item := readItem(v.Get("item"))
	it := d.announced(item.id, v.Get("output_index"), kindOfItem(item.typ))
	if item.typ == "function_call" || item.typ == "custom_tool_call" {
		b := d.block(it, llm.KindToolCall, 0)
		b.name(item)
		d.called = true
		d.queue.begin(d, b)
	}
}

// done takes in a complete item: what its deltas have not said is said now.
func (d *streamDecoder) done(it *outputItem, item item) {
	if it.done {
		return
	}
	it.done = true
	switch item.typ {
	case "message":
		d.doneMessage(it, item)
	case "function_call", "custom_tool_call":
		b := d.block(it, llm.KindToolCall, 0)
		b.name(item)
		d.called = true
		d.queue.complete(d, b, argumentText(item))
		d.queue.end(d, b, nil)
	case "reasoning":
		d.doneReasoning(it, item)
	case "":
	default:
		b := d.block(it, llm.KindOther, 0)
		whole := otherBlock(item)
		d.queue.end(d, b, &whole)
	}
}

func (d *streamDecoder) doneMessage(it *outputItem, item item) {
	var r reader
	for place, part := range r.parts("content", item.content) {
		if !isText(&part) || part.Text == "" && len(it.blocks) == 0 {
			continue
		}
		if d.parts > maxItems {
			return
		}
		b := d.block(it, part.Kind, place)
		d.queue.complete(d, b, part.Text)
		d.queue.end(d, b, withSource(part))
	}
	for _, b := range it.blocks {
		d.queue.end(d, b, nil)
	}
}

// doneReasoning ends a reasoning item with its seal, without which it cannot
// go back to its maker.
func (d *streamDecoder) doneReasoning(it *outputItem, item item) {
	text := reasoningText(item)
	if it.source == "response.reasoning_text.delta" {
		text = firstOf(joinTexts(item.content), text)
	}
	seal := sealItem(item.id, item.secret)
	if text == "" && seal == "" && len(it.blocks) == 0 {
		return
	}
	b := d.block(it, llm.KindThinking, 0)
	d.queue.complete(d, b, text)
	d.queue.end(d, b, &llm.Block{Kind: llm.KindThinking, Text: text, Signature: seal})
}

// argumentText is what the deltas of a call add up to.
func argumentText(it item) string {
	if it.text.IsObject() {
		return it.text.Raw
	}
	return it.text.Str
}

// finish takes in the terminal event: whatever of the output did not come by
// itself, then why the model stopped.
func (d *streamDecoder) finish(response gjson.Result) {
	if response.Get("status").Str == "failed" {
		d.fail(decodeFailure(response))
		return
	}
	d.start(response)
	n := 0
	response.Get("output").ForEach(func(_, v gjson.Result) bool {
		d.done(d.inOutput(n, v), readItem(v))
		n++
		return d.parts <= maxItems
	})
	d.queue.endAll(d)
	d.ended = true
	usage := decodeUsage(response.Get("usage"))
	d.emit(llm.Event{Type: llm.EventFinish, Stop: d.stop(response), Usage: &usage})
}

// inOutput returns the n-th item of the output: the one with its id or, as
// some servers give other ids in the end, the one at its place or the n-th that
// came.
func (d *streamDecoder) inOutput(n int, v gjson.Result) *outputItem {
	id, kind := v.Get("id").Str, kindOfItem(v.Get("type").Str)
	var at *outputItem
	for _, it := range d.items {
		if id != "" && it.id == id {
			return it
		}
		if at == nil && it.index == int64(n) && it.is(kind) {
			at = it
		}
	}
	switch {
	case at != nil:
		return at
	case n < len(d.items):
		return d.items[n]
	}
	return d.begin(id, int64(n), kind)
}

func (d *streamDecoder) stop(response gjson.Result) llm.StopReason {
	var kinds []llm.Block
	if d.refused {
		kinds = append(kinds, llm.Block{Kind: llm.KindRefusal})
	}
	if d.called {
		kinds = append(kinds, llm.Block{Kind: llm.KindToolCall})
	}
	return stopOf(response, kinds)
}

// name notes what an item says about a call.
func (b *streamBlock) name(it item) {
	if b.call == nil {
		b.call = &llm.ToolCall{}
	}
	c := b.call
	c.Custom = it.typ == "custom_tool_call"
	c.Name, c.Namespace = firstOf(c.Name, it.name), firstOf(c.Namespace, it.namespace)
	c.ItemID = firstOf(c.ItemID, it.id)
	if c.ID == "" {
		c.ID = dialect.WireID(firstOf(it.callID, it.id))
	}
}
