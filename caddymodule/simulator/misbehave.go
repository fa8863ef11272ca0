package simulator

import (
	"bytes"
	"net/http"
	"strings"
)

// misbehave carries out the faults that strike before an answer exists. False means that an answer is still due, with
// or without a fault inside it.
func (x *exchange) misbehave() bool {
	if status := x.fault.Kind.status(); status != 0 {
		if x.target.call == quotaCall && status == http.StatusUnauthorized && x.denyQuota() {
			return true
		}

		x.refuse(x.errorFor(status, x.fault))
		return true
	}
	switch x.fault.Kind {
	case Reset, Refused:
		x.drop(true)
	case Close:
		x.drop(false)
	case ResetHeaders:
		x.silentHeader()
		x.drop(true)
	case Silence:
		x.silentHeader()
		x.clock.rest(x.ctx, x.fault.For)
	case Hang:
		return !x.clock.rest(x.ctx, x.fault.For)
	case SlowHeaders:
		x.dribble()
	default:
		return x.bodyFault() || x.preface()
	}
	return true
}

// preface does what comes before a normal answer; it reports false, for the answer is still due.
func (x *exchange) preface() bool {
	switch x.fault.Kind {
	case Interim:
		for range min(x.fault.bytes(20), 1000) {
			x.w.WriteHeader(http.StatusEarlyHints)
		}
	case Goaway:
		x.w.Header().Set("Connection", "close")
	case Stale:
		doom(x.ctx)
	}
	return false
}

// silentHeader sends a header that promises an answer.
func (x *exchange) silentHeader() {
	contentType := "application/json"
	if x.ask.stream {
		contentType = "text/event-stream"
	}
	x.w.Header().Set("Content-Type", contentType)
	x.commonHeader(x.w.Header())
	x.wire.header(http.StatusOK)
	x.wire.flush()
}

// bodyFault carries out the faults that replace the whole body. False means that the fault is another.
func (x *exchange) bodyFault() bool {
	switch x.fault.Kind {
	case ErrorIn200, BaseRespError:
		if x.ask.stream && x.fault.After != 0 {
			return false // comes inside the stream
		}
		x.send(http.StatusOK, "application/json", x.errorBody(x.buf, x.midError()))
	case ContextExceeded:
		x.refuse(x.contextError())
	case HTML:
		x.send(http.StatusOK, "text/html; charset=utf-8", append(x.buf, page(http.StatusOK)...))
	case Empty:
		x.send(http.StatusOK, "application/json", nil)
	case NoContent:
		x.wire.header(http.StatusNoContent)
	case Big:
		x.repeat(`{"id":"big","filler":"`, strings.Repeat("simulator ", 1000), `"}`, x.fault.bytes(100_000_000)/10_000)
	case Deep:
		n := x.fault.bytes(100_000)
		x.repeat(strings.Repeat("[", n), "", strings.Repeat("]", n), 0)
	case Objects:
		x.repeat("[{}", strings.Repeat(",{}", 1000), "]", x.fault.bytes(5_000_000)/1000)
	case GzipBomb:
		x.sendBomb()
	default:
		return false
	}
	return true
}

// repeat sends a body too large to be built at once.
func (x *exchange) repeat(head, middle, tail string, times int) {
	x.w.Header().Set("Content-Type", "application/json")
	x.wire.header(http.StatusOK)
	x.wire.write([]byte(head))
	chunk := []byte(middle)
	for range times {
		if x.wire.err != nil || x.ctx.Err() != nil {
			return
		}
		x.wire.write(chunk)
	}
	x.wire.write([]byte(tail))
}

// sendWhole sends the answer in one piece, with what the fault does to bodies.
func (x *exchange) sendWhole(body []byte) {
	switch x.fault.Kind {
	case Malformed:
		body = append(bytes.Replace(body, []byte(`":`), []byte(`"=`), 1), '}')
	case Truncated, Cut, CutEvent:
		body = body[:len(body)/2]
	case CutFIN, CutRST, Stall, LengthLong, Hold:
		x.sendPart(body)
		return
	case ErrorFirst, ErrorMid:
		body = x.errorBody(body[:0], x.midError())
	case BOM:
		body = append([]byte("\ufeff"), body...)
	case LengthShort:
		x.understate(body)
		return
	case Gzip, Brotli, Zstd, GzipCorrupt, UnknownEncoding:
		body = x.encode(body)
	case Pings:
		x.waitWithSpaces(body)
		return
	case Split:
		x.startWhole(len(body))
		x.wire.bytes = x.fault.Bytes
		x.wire.slices(body)
		return
	case Trailers:
		x.w.Header().Set("Trailer", "X-Sim-Trailer")
		defer x.w.Header().Set("X-Sim-Trailer", "ok")
		x.startWhole(-1)
		x.wire.write(body)
		return
	}
	x.send(http.StatusOK, "application/json", body)
}

// sendPart sends a body that the transfer does not complete.
func (x *exchange) sendPart(body []byte) {
	switch x.fault.Kind {
	case LengthLong:
		x.startWhole(len(body) + 100)
		x.wire.write(body)
		return
	case Hold:
		x.startWhole(-1)
		x.wire.write(body)
		x.wire.flush()
		x.clock.rest(x.ctx, x.fault.For)
		return
	}
	x.startWhole(len(body))
	x.wire.write(body[:len(body)/2])
	x.wire.flush()
	if x.fault.Kind == Stall {
		if x.clock.rest(x.ctx, x.fault.For) {
			x.wire.write(body[len(body)/2:])
		}
		return
	}
	x.drop(x.fault.Kind == CutRST)
}

// waitWithSpaces sends blank lines before the answer, as providers do that queue.
func (x *exchange) waitWithSpaces(body []byte) {
	x.startWhole(-1)
	for range max(1, x.fault.after()) {
		x.wire.write([]byte("\n"))
		x.wire.flush()
		if !x.clock.sleep(x.ctx, x.fault.every()) {
			return
		}
	}
	x.wire.write(body)
}

// startWhole sends the header of an answer in one piece; a negative length leaves it open.
func (x *exchange) startWhole(length int) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	x.commonHeader(h)
	if length >= 0 {
		h.Set("Content-Length", string(integer(nil, length)))
	}
	x.wire.header(http.StatusOK)
}
