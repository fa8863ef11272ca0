package gateway

import (
	"net/http"
	"slices"
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/tidwall/gjson"
)

// maxPins is how many answers are remembered.
const maxPins = 20_000

// Pins remembers who made an answer that a later request may refer to by its
// id: previous_response_id of Responses, a message thread of Messages. Such ids
// mean something only to the organisation whose key made them. The oldest are
// forgotten first. The zero value is ready, and safe for concurrent use.
type Pins struct {
	mu    sync.Mutex
	byID  map[string]pin
	order []string
	next  int
}

type pin struct{ provider, key string }

func (p *Pins) put(id string, to pin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil {
		p.byID = map[string]pin{}
	}
	if _, known := p.byID[id]; !known {
		if len(p.order) < maxPins {
			p.order = append(p.order, id)
		} else {
			delete(p.byID, p.order[p.next])
			p.order[p.next] = id
			p.next = (p.next + 1) % maxPins
		}
	}
	p.byID[id] = to
}

func (p *Pins) get(id string) (pin, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, ok := p.byID[id]
	return to, ok
}

// pin leaves in the plan only whoever can go on with what the request refers
// to, and is an error if nobody can: dropping the reference would lose the
// conversation in silence.
func (x *Exchange) pin() *llm.Error {
	o := &x.outline
	switch {
	case o.previous != "":
		return x.follow(o.previous, &llm.Error{
			Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest, Param: "previous_response_id", Code: "previous_response_not_found",
			Message: "previous_response_id was not made by a provider that can go on with it; send the whole conversation in input",
		})
	case x.Dialect == llm.Anthropic && gjson.Get(o.thread, "type").Exists():
		return x.thread()
	}
	return nil
}

// thread handles Anthropic's message threads. SDKs that are told
// thread_unsupported_request send whole conversations from then on.
func (x *Exchange) thread() *llm.Error {
	unsupported := &llm.Error{
		Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest, Param: "thread", Details: "thread_unsupported_request",
		Message: "thread: no provider of this model keeps message threads; send the whole conversation",
	}
	x.keep(func(t *route.Target) bool {
		p := x.gateway.Providers[t.Provider]
		return p != nil && p.policy(llm.Anthropic, t.Model).Genuine && p.Vendor.Endpoints[llm.Anthropic].BaseURL != ""
	})
	if len(x.plan.Targets) == 0 {
		return unsupported
	}
	if id := gjson.Get(x.outline.thread, "previous_message_id").Str; id != "" {
		return x.follow(id, unsupported)
	}
	return nil
}

// follow keeps the target that made the answer id, and its key. An answer
// nobody remembers can still be followed where there is only one place it can
// have come from.
func (x *Exchange) follow(id string, lost *llm.Error) *llm.Error {
	native := func(t *route.Target) bool { return t.Speaks(x.Dialect) }
	made, known := x.gateway.Pins.get(id)
	if !known {
		x.keep(native)
		if len(x.plan.Targets) == 0 || !x.onePlace() {
			return lost
		}
		return nil
	}
	x.keep(func(t *route.Target) bool { return native(t) && t.Provider == made.provider })
	if len(x.plan.Targets) == 0 {
		return lost
	}
	x.pinned = made.key
	return nil
}

// onePlace reports whether all targets are one provider's with one key.
func (x *Exchange) onePlace() bool {
	first := x.plan.Targets[0].Provider
	other := func(t *route.Target) bool { return t.Provider != first }
	p := x.gateway.Providers[first]
	return p != nil && !slices.ContainsFunc(x.plan.Targets, other) && len(p.Keys.Keys()) == 1
}

func (x *Exchange) keep(fits func(*route.Target) bool) {
	x.plan.Targets = slices.DeleteFunc(slices.Clone(x.plan.Targets), func(t *route.Target) bool { return !fits(t) })
}

// remember notes who made an answer, if a later request may refer to it.
func (a *try) remember(id string) {
	if id != "" {
		a.gateway.Pins.put(id, pin{provider: a.provider.Name, key: a.lease.Key().Name})
	}
}

// refersBack reports whether later requests may refer to the answer.
func (a *try) refersBack() bool {
	return !a.translates() && (a.Dialect == llm.Responses || a.Dialect == llm.Anthropic && a.outline.thread != "")
}

// rememberAnswer is remember for an answer that is one document.
func (a *try) rememberAnswer(data []byte) {
	if a.refersBack() {
		a.remember(gjson.GetBytes(data, "id").Str)
	}
}

// rememberEvent is remember for the event that opens a stream.
func (a *try) rememberEvent(data []byte) {
	if !a.refersBack() {
		return
	}
	id := gjson.GetBytes(data, "response.id").Str
	if a.Dialect == llm.Anthropic {
		id = gjson.GetBytes(data, "message.id").Str
	}
	a.remember(id)
}
