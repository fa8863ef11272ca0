package simulator

import "strings"

// trouble strikes before piece n of a stream if that is where the fault has its place; pieces count from 0, and the
// number of all pieces means: before the end. It may send or extend b, what is not yet sent. False means that the
// stream is over, also because the client is gone.
func (x *exchange) trouble(sp speaker, b *[]byte, n int) bool {
	if x.wire.err != nil || x.ctx.Err() != nil {
		return false
	}
	if !x.fault.active() || n != min(x.fault.after(), x.plan.pieces) {
		return true
	}
	switch x.fault.Kind {
	case ErrorMid:
		*b = sp.failure(*b, x.midError())
		return x.lastWords(b)
	case Cut:
		return x.lastWords(b)
	case CutEvent:
		half := sp.ping(sp.stray(nil))
		*b = append(*b, half[:len(half)/3]...)
		return x.lastWords(b)
	case CutFIN, CutRST:
		x.lastWords(b)
		x.drop(x.fault.Kind == CutRST)
		return false
	case Stall:
		x.lastWords(b)
		return x.clock.rest(x.ctx, x.fault.For)
	case Pings:
		return x.pingOn(sp, b)
	case NetworkError:
		x.plan.stop = stopNetwork
		x.finish(sp, *b)
		return false
	}
	x.noise(sp, b)
	return true
}

// noise appends the events of faults after which the stream goes on.
func (x *exchange) noise(sp speaker, b *[]byte) {
	switch x.fault.Kind {
	case Malformed:
		*b = append(*b, "event: content_block_delta\ndata: {\"choices\":[{\"delta\":{\"con\n\n"...)
	case UnknownEvent:
		*b = sp.stray(*b)
	case Huge:
		word := strings.Repeat("huge ", x.fault.bytes(20_000_000)/5)
		*b = x.hugeEvent(*b, word)
	case ErrorIn200, BaseRespError:
		*b = append(x.errorBody(append(*b, "data: "...), x.midError()), "\n\n"...)
	}
}

// hugeEvent appends one event with a long text, in the form of the dialect.
func (x *exchange) hugeEvent(b []byte, text string) []byte {
	switch x.target.dialect {
	case messages:
		b = append(event(b, "content_block_delta"), `,"index":0,"delta":{"type":"text_delta"`...)
		return done(append(field(b, "text", text), '}'))
	case responses:
		b = append(event(b, "response.output_text.delta"), `,"item_id":"sim","output_index":0,"content_index":0`...)
		return done(field(b, "delta", text))
	}
	c := newChatSpeaker(x)
	return c.say(b, []byte(text))
}

// lastWords sends b and reports that nothing follows.
func (x *exchange) lastWords(b *[]byte) bool {
	x.wire.events(*b)
	*b = (*b)[:0]
	return false
}

// pingOn sends pings for as long as the fault says, then lets the stream go on.
func (x *exchange) pingOn(sp speaker, b *[]byte) bool {
	x.lastWords(b)
	every, rest := x.fault.every(), x.fault.For
	for x.clock.sleep(x.ctx, every) && x.wire.err == nil {
		x.wire.events(sp.ping((*b)[:0]))
		if rest > 0 {
			if rest -= every; rest <= 0 {
				return true
			}
		}
	}
	return false
}

// midError is the error that comes inside a stream or behind HTTP 200: overload, unless the fault has a code.
func (x *exchange) midError() apiError {
	f := x.fault
	if f.Code == "" && f.Kind == BaseRespError {
		f.Code = "1008"
	}
	f.Code = or(f.Code, x.vendor.overloaded)
	switch {
	case f.Code != "":
		return x.errorFor(0, f)
	case x.anthropicSide():
		return x.errorFor(529, f)
	}
	return x.errorFor(503, f)
}
