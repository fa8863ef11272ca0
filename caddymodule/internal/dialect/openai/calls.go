package openai

import (
	"errors"
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

// maxCalls is how many calls an answer may have. Finding the one a fragment
// belongs to takes the longer the more there are.
const maxCalls = 4096

// Errors of a stream whose calls cannot be put together.
var (
	errTooManyCalls  = errors.New("the answer has too many tool calls")
	errLostArguments = errors.New("arguments came for a tool call that was closed before they were complete")
)

// A callBuffer puts fragments of parallel calls in order: one call's block is
// open at a time, what comes for others waits.
type callBuffer struct {
	list   []*pendingCall
	closed int // the first so many of list are closed
	open   *pendingCall
}

// find returns the call a fragment belongs to, a new one if it begins one.
// Servers leave out index or id, repeat them, or give every call index 0.
func (b *callBuffer) find(c callDelta) *pendingCall {
	for i := len(b.list) - 1; i >= 0; i-- {
		if p := b.list[i]; p.owns(c) {
			if p.finished() && beginsObject(c.args) && !p.sameCall(c) {
				break // a second object is a second call
			}
			return p
		}
	}
	p := &pendingCall{index: c.index, custom: c.custom}
	b.list = append(b.list, p)
	return p
}

// owns reports whether a fragment may be one of p's.
func (p *pendingCall) owns(c callDelta) bool {
	if c.index >= 0 {
		return p.index == c.index && (c.id == "" || p.id == "" || p.id == c.id || c.name == "")
	}
	if c.id != "" {
		return p.id == c.id
	}
	return c.name == "" || p.name == c.name
}

// sameCall reports whether a fragment names p itself: a server that says a
// finished call again, whole, means no second one.
func (p *pendingCall) sameCall(c callDelta) bool {
	return c.id != "" && p.id == c.id && (c.name == "" || p.name == c.name)
}

// beginsObject reports whether arguments begin with an object.
func beginsObject(args string) bool {
	return strings.HasPrefix(strings.TrimLeft(args, " \t\r\n"), "{")
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

// null is how some servers say that a call has no arguments.
const null = "null"

// finished reports whether the arguments are a complete value. Free-form input
// is never known to be.
func (p *pendingCall) finished() bool {
	return !p.custom && (p.begun && p.depth == 0 && !p.inString || string(p.args) == null)
}

// undecided reports whether the arguments may turn out to be null.
func (p *pendingCall) undecided() bool {
	return !p.custom && len(p.args) <= len(null) && strings.HasPrefix(null, wire.View(p.args))
}

// none reports whether there are no arguments. Free-form input stays as it is.
func (p *pendingCall) none() bool {
	return len(p.args) == 0 || !p.custom && string(p.args) == null
}

// complete reports whether no call has arguments that were cut.
func (b *callBuffer) complete() bool {
	for _, p := range b.list {
		if p.name != "" && !p.none() && !p.custom && !wire.Valid(p.args) {
			return false
		}
	}
	return true
}

// nextReady makes the next call that has a name the open one.
func (b *callBuffer) nextReady() bool {
	for b.closed < len(b.list) && b.list[b.closed].closed {
		b.closed++
	}
	for _, p := range b.list[b.closed:] {
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
	case p.none():
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
	if len(d.calls.list) > maxCalls {
		d.broken = errTooManyCalls
		return dst
	}
	if p.finished() && (isBlank(c.args) || beginsObject(c.args)) {
		c.args = "" // white space behind it, or all of it again
	}
	if p.closed {
		if !p.finished() && !isBlank(c.args) {
			d.broken = errLostArguments
		}
		return dst
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
	for _, p := range d.calls.list[d.calls.closed:] {
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

// passArguments passes on what came of the open call's arguments, once it is
// clear that they are not null.
func (d *streamDecoder) passArguments(dst []llm.Event) []llm.Event {
	if d.calls.open.undecided() {
		return dst
	}
	return d.passRest(dst)
}

// passRest passes on everything that came and was not passed on.
func (d *streamDecoder) passRest(dst []llm.Event) []llm.Event {
	p := d.calls.open
	if p.none() {
		return dst
	}
	if part := wire.View(p.args[p.sent:]); part != "" {
		p.sent = len(p.args)
		dst = append(dst, llm.Event{Type: llm.EventDelta, Index: d.next, Text: part})
	}
	return dst
}
