package simulator

import (
	"bytes"
	"net/http"
)

// stream sends the plan as events.
func (x *exchange) stream() {
	sp := x.speaker()
	if !x.clock.wait(x.ctx, 0) {
		return
	}
	x.startStream()
	b := x.buf
	if x.fault.Kind == ErrorFirst {
		x.wire.events(sp.failure(b, x.midError()))
		return
	}
	if x.fault.Kind == EarlyDelta && len(x.plan.parts) > 0 && x.plan.pieces > 0 {
		b = sp.piece(b, 0, 0)
	}
	b = sp.opening(b)
	b, ok := x.parts(sp, b)
	if !ok || !x.trouble(sp, &b, x.plan.pieces) {
		return
	}
	x.finish(sp, b)
}

// startStream sends the header of a stream.
func (x *exchange) startStream() {
	h := x.w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-cache"}
	x.commonHeader(h)
	if x.fault.Kind == Trailers {
		h.Set("Trailer", "X-Sim-Trailer")
	}
	x.wire.quirk, x.wire.bytes = x.fault.Kind, x.fault.Bytes
	x.wire.header(http.StatusOK)
	if x.fault.Kind == BOM {
		x.wire.write([]byte("\ufeff"))
	}
}

// parts sends the parts of the plan, piece by piece. False means that the stream is over. What is not yet sent is
// returned.
func (x *exchange) parts(sp speaker, b []byte) ([]byte, bool) {
	n := 0
	for i := range x.plan.parts {
		if x.fault.Kind == Interleave && x.plan.parts[i].kind == callPart && x.target.dialect == chat {
			return x.interleaved(sp, b, i, n)
		}
		b = sp.begin(b, i)
		for j := range x.plan.parts[i].ends {
			if b = x.await(b, n); !x.trouble(sp, &b, n) {
				return b, false
			}
			if b = sp.piece(b, i, j); len(b) > 0 {
				b = x.say(b)
			}
			n++
		}
		b = x.endPart(sp, b, i)
		if x.wire.err != nil || x.ctx.Err() != nil {
			return b, false
		}
	}
	return b, true
}

// endPart appends the end of part i, twice if the fault says so.
func (x *exchange) endPart(sp speaker, b []byte, i int) []byte {
	b = sp.end(b, i)
	if x.fault.Kind == DoubleStop {
		b = sp.end(b, i)
	}
	return b
}

// interleaved sends all parts from part i on, calls every one, a piece of each in turns.
func (x *exchange) interleaved(sp speaker, b []byte, i, n int) ([]byte, bool) {
	parts := x.plan.parts
	for k := i; k < len(parts); k++ {
		b = sp.begin(b, k)
	}
	for j, more := 0, true; more; j++ {
		more = false
		for k := i; k < len(parts); k++ {
			if j < len(parts[k].ends) {
				b = x.say(sp.piece(x.await(b, n), k, j))
				n, more = n+1, true
			}
		}
	}
	return b, x.wire.err == nil
}

// await sends what is waiting when piece n is not due yet, and waits for it.
func (x *exchange) await(b []byte, n int) []byte {
	if x.clock.step > 0 && len(b) > 0 && n > 0 {
		x.wire.events(b)
		b = b[:0]
	}
	x.clock.wait(x.ctx, n)
	return b
}

// say sends b.
func (x *exchange) say(b []byte) []byte {
	x.wire.events(b)
	return b[:0]
}

// finish sends the end of the answer, as far as the fault allows.
func (x *exchange) finish(sp speaker, b []byte) {
	b = sp.closing(b)
	if x.fault.Kind == DoubleStop {
		b = sp.closing(b)
	}
	if x.fault.Kind != NoDone {
		b = sp.terminal(b)
	}
	switch x.fault.Kind {
	case UsageLate:
		b = sp.late(b)
	case AfterDone:
		b = sp.opening(b)
	case NoBlankLine:
		b = bytes.TrimRight(b, "\n")
	}
	x.said()
	x.wire.events(b)
	x.buf = b[:0]
	switch x.fault.Kind {
	case Hold:
		x.clock.rest(x.ctx, x.fault.For)
	case Trailers:
		x.w.Header().Set("X-Sim-Trailer", "ok")
	}
}

// said stops the watch for the client: who hangs up at the last event has not gone away early.
func (x *exchange) said() {
	if x.record != nil && x.fault.Kind != Hold {
		x.unhook()
		x.complete = true
	}
}
