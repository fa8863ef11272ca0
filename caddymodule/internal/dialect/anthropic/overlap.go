package anthropic

import (
	"errors"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

var errOverlap = errors.New("a delta came for a block that another block had cut short")

// places knows which blocks of a stream were cut short by the start of another
// one, by the index the provider gave them. Blocks come one after another; some
// providers only leave out or delay the stops, and some count wrongly, which
// does no harm. What still comes for a block that was cut short would end up in
// another one.
type places struct {
	at  int // index of the open block; -1: not given
	cut map[int]bool
}

// indexOf is the index that an event gives, or -1.
func indexOf(v gjson.Result) int {
	if v = v.Get("index"); v.Type == gjson.Number && v.Num >= 0 {
		return int(v.Int())
	}
	return -1
}

// opened notes that a block was opened, wasOpen that another one was open.
func (p *places) opened(at int, wasOpen bool) {
	if wasOpen && p.at >= 0 {
		if p.cut == nil {
			p.cut = map[int]bool{}
		}
		p.cut[p.at] = true
	}
	delete(p.cut, at)
	p.at = at
}

// isLate reports whether a stop is that of a block which was cut short.
func (p *places) isLate(at int) bool {
	late := at != p.at && p.cut[at]
	delete(p.cut, at)
	return late
}

// strayed reports whether a delta would go to another block than its own. A
// text that was cut short by a block of another kind goes on in a block of its
// own.
func (d *streamDecoder) strayed(data []byte, delta gjson.Result) bool {
	if len(d.places.cut) == 0 {
		return false
	}
	at := indexOf(gjson.Parse(wire.View(data)))
	if at == d.places.at || !d.places.cut[at] {
		return false
	}
	delete(d.places.cut, at)
	return d.open && d.kind == deltaKinds[delta.Get("type").Str]
}

var deltaKinds = map[string]llm.BlockKind{
	"text_delta": llm.KindText, "citations_delta": llm.KindText, "thinking_delta": llm.KindThinking,
	"signature_delta": llm.KindThinking, "input_json_delta": llm.KindToolCall,
}
