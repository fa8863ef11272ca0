package llm

import (
	"encoding/json"
	"iter"
	"strings"
)

// Folder makes a whole answer of a stream's events. The zero value is ready.
type Folder struct {
	response Response
	text     strings.Builder // of the open block
	open     bool
	finished bool
	err      *Error
}

// Add takes the next events of the stream.
func (f *Folder) Add(events []Event) {
	for i := range events {
		f.add(&events[i])
	}
}

func (f *Folder) add(ev *Event) {
	switch ev.Type {
	case EventStart:
		if ev.Response != nil {
			f.response = *ev.Response
			f.response.Blocks = nil
		}
	case EventBlockStart:
		f.begin(ev.Block)
	case EventDelta:
		f.text.WriteString(ev.Text)
	case EventSignature:
		if b := f.last(); b != nil {
			b.Signature += ev.Signature
		}
	case EventBlockStop:
		f.end(ev.Block)
	case EventFinish:
		f.finish(ev)
	case EventError:
		f.err = ev.Err
	}
}

func (f *Folder) last() *Block {
	if n := len(f.response.Blocks); n > 0 {
		return &f.response.Blocks[n-1]
	}
	return nil
}

func (f *Folder) begin(b *Block) {
	f.end(nil)
	if b == nil {
		return
	}
	block := *b
	if b.Call != nil {
		call := *b.Call
		block.Call = &call
	}
	f.response.Blocks = append(f.response.Blocks, block)
	f.open = true
}

// end closes the open block. whole is the block as the decoder knows it, or nil.
func (f *Folder) end(whole *Block) {
	b := f.last()
	if !f.open || b == nil {
		return
	}
	f.open = false
	text := f.text.String()
	f.text.Reset()
	switch {
	case whole != nil:
		*b = *whole
	case b.Kind == KindToolCall && b.Call != nil && b.Call.Custom:
		b.Call.Text += text
	case b.Kind == KindToolCall && b.Call != nil:
		b.Call.Input = input(b.Call.Input, text)
	default:
		b.Text += text
	}
}

// input is a call's input: the deltas if there were any, else what the start
// carried, else an empty object.
func input(start json.RawMessage, deltas string) json.RawMessage {
	switch {
	case strings.TrimSpace(deltas) != "":
		return json.RawMessage(deltas)
	case len(start) > 0:
		return start
	}
	return json.RawMessage("{}")
}

func (f *Folder) finish(ev *Event) {
	f.end(nil)
	f.response.Stop, f.response.StopText, f.finished = ev.Stop, ev.StopText, true
	if ev.Usage != nil {
		f.response.Usage = *ev.Usage
	}
}

// Response returns the answer, or the failure that ended the stream. A stream
// that just stopped is a failure too.
func (f *Folder) Response() (*Response, *Error) {
	switch {
	case f.err != nil:
		return nil, f.err
	case !f.finished:
		return nil, &Error{Class: ClassTransient, Message: "the stream ended before the answer was whole"}
	}
	return &f.response, nil
}

// Unfold yields the events of a stream that says what r says, each block in one
// delta.
func Unfold(r *Response) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if !yield(Event{Type: EventStart, Response: r}) {
			return
		}
		for i := range r.Blocks {
			if !unfoldBlock(i, &r.Blocks[i], yield) {
				return
			}
		}
		yield(Event{Type: EventFinish, Stop: r.Stop, StopText: r.StopText, Usage: &r.Usage})
	}
}

func unfoldBlock(i int, b *Block, yield func(Event) bool) bool {
	start, text := *b, b.Text
	start.Text, start.Signature = "", ""
	if b.Call != nil {
		call := *b.Call
		text = call.Text
		if !call.Custom {
			text = string(call.Input)
		}
		call.Input, call.Text = nil, ""
		start.Call = &call
	}
	return yield(Event{Type: EventBlockStart, Index: i, Block: &start}) &&
		(text == "" || yield(Event{Type: EventDelta, Index: i, Text: text})) &&
		(b.Signature == "" || yield(Event{Type: EventSignature, Index: i, Signature: b.Signature})) &&
		yield(Event{Type: EventBlockStop, Index: i, Block: b})
}
