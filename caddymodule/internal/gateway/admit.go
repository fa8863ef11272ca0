package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// admit turns away what cannot even be begun: while the process goes down, and
// while descriptors run out. It comes before anything that costs something.
func (x *Exchange) admit() *llm.Error {
	t := x.gateway.Traffic
	if t.draining.Load() {
		return x.turnAway(CeilingDraining, endDraining.told.Message)
	}
	if !t.pressure.filesLeft(&x.gateway.Limits) {
		return x.turnAway(CeilingFiles, "too many connections are open; try again in a moment")
	}
	return nil
}

// place waits for a place among the exchanges under way and takes one. It comes
// after authenticate, so that strangers do not fill the queue, and before the
// body is read, so that what waits weighs little.
func (x *Exchange) place() *llm.Error {
	t, limits := x.gateway.Traffic, &x.gateway.Limits
	err := t.places.enter(x.ctx, ceiling{limits.InFlight, limits.Queue, limits.QueueWait})
	switch {
	case err == nil:
		x.placed = true
		x.gateway.InFlight.Add(1)
		return x.weigh()
	case errors.Is(err, errClosed):
		return x.turnAway(CeilingDraining, endDraining.told.Message)
	case errors.Is(err, errQueueFull):
		return x.turnAway(CeilingInFlight, fmt.Sprintf("%d requests are under way, which is all this gateway takes (limits.in_flight)", limits.InFlight))
	case errors.Is(err, errQueueLate):
		return x.turnAway(CeilingQueueWait, fmt.Sprintf("no place became free within %s (limits.queue_wait)", limits.QueueWait))
	}
	return over(x.calledOff())
}

// weigh takes memory for the request's body, or turns it away: the largest
// first, for what it needs must fit into what is left.
func (x *Exchange) weigh() *llm.Error {
	size := x.request.ContentLength
	if size < 0 {
		size = x.gateway.Limits.Body
	}
	need := memoryNeed(min(size, x.gateway.Limits.Body))
	hold, ok := x.gateway.Traffic.pressure.take(need, &x.gateway.Limits)
	if !ok {
		return x.turnAway(CeilingMemory, "memory is short; try again in a moment")
	}
	x.memory = hold
	return nil
}

// openStream counts a streaming exchange.
func (x *Exchange) openStream() *llm.Error {
	if !x.Stream {
		return nil
	}
	t, limit := x.gateway.Traffic, x.gateway.Limits.Streams
	n := t.streams.Add(1)
	x.streaming = true
	if limit > 0 && n > limit {
		return x.turnAway(CeilingStreams, fmt.Sprintf("%d streams are open, which is all this gateway takes (limits.streams)", limit))
	}
	return nil
}

// turnAway counts the refusal and returns what the client hears. An SDK tries
// again by itself.
func (x *Exchange) turnAway(c Ceiling, message string) *llm.Error {
	x.gateway.Traffic.Refusals.add(c)
	x.Reason = c.String()
	if c == CeilingDraining || c == CeilingFiles {
		x.send.header.Set("Connection", "close")
	}
	return &llm.Error{Type: llm.ErrUnavailable, Class: llm.ClassOverload, Status: http.StatusServiceUnavailable,
		RetryAfter: time.Second, Message: message}
}

// giveBack returns everything the exchange took on its way in.
func (x *Exchange) giveBack() {
	t := x.gateway.Traffic
	if x.late != nil {
		x.late.Stop()
	}
	t.pressure.give(x.memory)
	if x.streaming {
		t.streams.Add(-1)
	}
	if x.placed {
		x.gateway.InFlight.Add(-1)
		t.places.leave()
	}
	x.cancel(context.Canceled)
}

// visit takes a place at a provider, if it has a ceiling. Only for the last
// target is one waited for; before that, another provider is quicker.
func (x *Exchange) visit(p *Provider, last bool) (leave func(), err *llm.Error) {
	if p.MaxInFlight <= 0 {
		return func() {}, nil
	}
	limits := &x.gateway.Limits
	c := ceiling{inside: p.MaxInFlight}
	if last {
		c.waiting, c.wait = limits.Queue, limits.QueueWait
	}
	g := x.gateway.Traffic.provider(p.Name)
	switch failed := g.enter(x.ctx, c); {
	case failed == nil:
		return g.leave, nil
	case x.ctx.Err() != nil:
		return nil, over(x.calledOff())
	}
	x.gateway.Traffic.Refusals.add(CeilingProvider)
	return nil, &llm.Error{Type: llm.ErrUnavailable, Class: llm.ClassOverload, RetryAfter: time.Second,
		Message: fmt.Sprintf("%d requests are under way at %s, which is all it is asked for at once (max_in_flight)", p.MaxInFlight, p.Name)}
}
