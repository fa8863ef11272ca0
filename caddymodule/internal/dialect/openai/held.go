package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// heldText is text, reasoning or a refusal that came while the arguments of a
// call were coming in. A call cannot be cut in two: what stands beside its
// fragments goes out as blocks of their own once its arguments are complete, or
// when the stream ends.
type heldText struct {
	kind llm.BlockKind
	text []byte
}

// hold keeps a copy of text if a call that is not finished is open, and drops
// it if it is white space behind a call: many servers send a line break beside
// the end of the arguments, and a block of nothing else is refused in histories.
// It returns false if text can go out.
func (d *streamDecoder) hold(kind llm.BlockKind, text string) bool {
	p := d.calls.open
	if p == nil {
		return false
	}
	if n := len(d.held); n > 0 && d.held[n-1].kind == kind {
		d.held[n-1].text = append(d.held[n-1].text, text...)
		return true
	}
	switch {
	case isBlank(text):
		return true
	case p.finished():
		return false
	}
	d.held = append(d.held, heldText{kind, []byte(text)})
	return true
}

// release lets go of what was held, unless the open call goes on.
func (d *streamDecoder) release(dst []llm.Event) []llm.Event {
	if len(d.held) == 0 || d.calls.open != nil && !d.calls.open.finished() {
		return dst
	}
	dst = d.closeBlock(dst)
	for i := range d.held {
		dst = d.textDelta(dst, d.held[i].kind, string(d.held[i].text))
	}
	d.held = nil
	return dst
}

func isBlank(s string) bool { return strings.TrimLeft(s, " \t\r\n") == "" }
