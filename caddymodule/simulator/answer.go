package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// answer sends what the script, the fault and the request make of the exchange.
func (x *exchange) answer() {
	switch {
	case x.step.Answer != nil:
		x.replay(x.step.Answer)
	case x.fault.active() && x.misbehave():
	case x.overLimit():
	case x.r.Method == http.MethodPost:
		x.post()
	case x.r.Method == http.MethodGet || x.r.Method == http.MethodHead:
		x.get()
	default:
		x.refuse(x.errorFor(http.StatusMethodNotAllowed, Fault{}))
	}
}

func (x *exchange) post() {
	if x.target.call != unknownCall && !x.ask.isJSON {
		x.refuse(x.errorFor(400, Fault{Message: "We could not parse the JSON body of your request."}))
		return
	}
	if x.s.opts.Strict && x.refuseStrictly() {
		return
	}
	switch x.target.call {
	case completeCall:
		x.converse()
	case countCall:
		x.countTokens()
	case embedCall:
		x.embed()
	default:
		x.refuse(x.errorFor(404, Fault{Message: "Unknown path."}))
	}
}

func (x *exchange) get() {
	switch x.target.call {
	case rootCall:
		x.introduce()
	case listCall:
		x.listModels()
	case modelCall:
		x.describeModel()
	case quotaCall:
		x.sendQuota()
	case completeCall, countCall, embedCall:
		x.refuse(x.errorFor(http.StatusMethodNotAllowed, Fault{}))
	default:
		x.refuse(x.errorFor(404, Fault{Message: "Unknown path."}))
	}
}

// converse answers a conversation.
func (x *exchange) converse() {
	if x.fault.Kind == Slow {
		x.fault.TTFT, x.fault.Rate = or(x.fault.TTFT, 2*time.Second), or(x.fault.Rate, 1)
	}
	x.clock.set(or(x.fault.TTFT, x.s.opts.TTFT), or(x.fault.Rate, x.s.opts.TokensPerSecond))
	x.planAnswer()
	stream := x.ask.stream
	switch x.fault.Kind {
	case JSONForStream:
		stream = false
	case StreamForJSON:
		stream = true
	}
	if stream {
		x.stream()
		return
	}
	if x.clock.wait(x.ctx, x.plan.pieces) {
		x.sendWhole(x.speaker().whole(x.buf))
	}
}

// send writes a complete answer with its length. The buffer behind body becomes the exchange's.
func (x *exchange) send(status int, contentType string, body []byte) {
	h := x.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	x.commonHeader(h)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.wire.header(status)
	if x.r.Method != http.MethodHead {
		x.said()
		x.wire.write(body)
	}
	if body != nil {
		x.buf = body[:0]
	}
}

// commonHeader sets what the vendor sends with every answer.
func (x *exchange) commonHeader(h http.Header) {
	if x.vendor.header != nil {
		x.vendor.header(h, x)
		return
	}
	name := "X-Request-Id"
	if x.anthropicSide() {
		name = "Request-Id"
	}
	h[name] = []string{string(x.id(nil, "req_"))}
}

// replay sends a scripted response.
func (x *exchange) replay(a *Answer) {
	h := x.w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	x.clock.set(0, 0)
	x.wire.header(or(a.Status, http.StatusOK))
	for i, piece := range a.Pieces {
		if i > 0 && a.Every > 0 && !x.clock.sleep(x.ctx, a.Every) {
			return
		}
		x.wire.write(piece)
		if len(a.Pieces) > 1 {
			x.wire.flush()
		}
	}
}
