package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// A callDelta is one fragment of a tool call.
type callDelta struct {
	index          int // -1: not given
	id, name, args string
	custom         bool
}

func readCallDelta(v gjson.Result) callDelta {
	c := callDelta{index: -1}
	v.ForEach(func(k, f gjson.Result) bool {
		switch k.Str {
		case "index":
			if f.Type == gjson.Number {
				c.index = int(f.Int())
			}
		case "id":
			c.id = f.String()
		case "function":
			c.name = f.Get("name").Str
			c.args = argumentsText(f.Get("arguments"))
		case "custom":
			c.name, c.args, c.custom = f.Get("name").Str, f.Get("input").Str, true
		}
		return true
	})
	return c
}

// argumentsText is the arguments fragment: a string, or the whole object.
func argumentsText(v gjson.Result) string {
	if v.IsObject() {
		return v.Raw
	}
	return v.Str
}

// A pendingCall is a call of which fragments have come.
type pendingCall struct {
	index    int
	id, name string
	custom   bool
	args     []byte
	sent     int // how much of args was passed on
	depth    int // open braces and brackets of args
	inString bool
	escaped  bool
	begun    bool // args held an object
	closed   bool // its block ended
}

// A callBuffer puts fragments of parallel calls in order: one call's block is
// open at a time, what comes for others waits.
type callBuffer struct {
	list []*pendingCall
	open *pendingCall
}

// find returns the call a fragment belongs to, a new one if it begins one.
// Servers leave out index or id, repeat them, or give every call index 0.
func (b *callBuffer) find(c callDelta) *pendingCall {
	n := len(b.list)
	for i := n - 1; i >= 0; i-- {
		p := b.list[i]
		sameID := c.id == "" || p.id == "" || p.id == c.id
		found := c.index >= 0 && p.index == c.index && (sameID || c.name == "") ||
			c.index < 0 && c.id != "" && p.id == c.id ||
			c.index < 0 && c.id == "" && (c.name == "" || p.name == c.name)
		if found && p.finished() && strings.HasPrefix(c.args, "{") {
			break // a second object is a second call
		}
		if found {
			return p
		}
	}
	p := &pendingCall{index: c.index, custom: c.custom}
	b.list = append(b.list, p)
	return p
}

// add takes a fragment in. Id and name count once; the first given stays.
func (p *pendingCall) add(c callDelta) {
	if p.id == "" {
		p.id = strings.Clone(c.id)
	}
	if p.name == "" {
		p.name = strings.Clone(c.name)
	}
	p.args = append(p.args, c.args...)
	for i := range len(c.args) {
		p.scan(c.args[i])
	}
}

// scan follows the nesting of the arguments.
func (p *pendingCall) scan(c byte) {
	switch {
	case p.escaped:
		p.escaped = false
	case p.inString:
		p.escaped, p.inString = c == '\\', c != '"'
	case c == '"':
		p.inString = true
	case c == '{' || c == '[':
		p.depth++
		p.begun = true
	case c == '}' || c == ']':
		p.depth--
	}
}

// finished reports whether the arguments are a complete value. Free-form input
// is never known to be.
func (p *pendingCall) finished() bool {
	return !p.custom && p.begun && p.depth == 0 && !p.inString
}

// complete reports whether no call has arguments that were cut.
func (b *callBuffer) complete() bool {
	for _, p := range b.list {
		if p.name != "" && len(p.args) > 0 && !p.custom && !wire.Valid(p.args) {
			return false
		}
	}
	return true
}

// nextReady makes the next call that has a name the open one.
func (b *callBuffer) nextReady() bool {
	for _, p := range b.list {
		if !p.closed && p.name != "" {
			b.open = p
			return true
		}
	}
	return false
}

// finish ends the open call and returns it whole.
func (b *callBuffer) finish() *llm.ToolCall {
	p := b.open
	p.closed, b.open = true, nil
	c := &llm.ToolCall{ID: p.id, Name: p.name, Custom: p.custom}
	switch {
	case p.custom:
		c.Text = string(p.args)
	case len(p.args) == 0:
		c.Input = []byte("{}")
	default:
		c.Input = p.args
	}
	return c
}

// call takes a fragment in and passes on what can be: the fragments of the
// open call at once, a new call as soon as the one before is complete.
func (d *streamDecoder) call(dst []llm.Event, c callDelta) []llm.Event {
	p := d.calls.find(c)
	if p.closed {
		return dst // white space behind a complete call
	}
	p.add(c)
	for {
		if d.calls.open != nil {
			dst = d.passArguments(dst)
			if !d.calls.open.finished() || !d.waiting() {
				return dst
			}
			dst = d.closeBlock(dst)
		}
		if !d.calls.nextReady() {
			return dst
		}
		dst = d.openCall(dst)
	}
}

// waiting reports whether a named call other than the open one waits.
func (d *streamDecoder) waiting() bool {
	for _, p := range d.calls.list {
		if !p.closed && p.name != "" && p != d.calls.open {
			return true
		}
	}
	return false
}

// openCall opens the block of the call that nextReady chose.
func (d *streamDecoder) openCall(dst []llm.Event) []llm.Event {
	p := d.calls.open
	d.calls.open = nil
	dst = d.closeBlock(dst)
	d.calls.open = p
	if p.id == "" {
		p.id = dialect.MadeID(d.answer, d.next, p.name)
	}
	d.hasCall = true
	dst = d.openBlock(dst, &llm.Block{Kind: llm.KindToolCall, Extra: llm.Extra{From: llm.OpenAI},
		Call: &llm.ToolCall{ID: p.id, Name: p.name, Custom: p.custom}})
	return d.passArguments(dst)
}

func (d *streamDecoder) passArguments(dst []llm.Event) []llm.Event {
	p := d.calls.open
	if part := wire.View(p.args[p.sent:]); part != "" {
		p.sent = len(p.args)
		dst = append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: part})
	}
	return dst
}
