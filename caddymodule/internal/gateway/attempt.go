package gateway

import (
	"errors"
	"net/http"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// attempt is the only retry loop: over the plan's targets, and for each over
// its keys, until an answer is committed, the request itself turns out to be
// at fault, or the budget is spent.
func (x *Exchange) attempt() *llm.Error {
	firstPing := x.heed()
	if x.Stream {
		x.send.keepAlive(firstPing, x.gateway.Limits.Ping)
	}
	var last *llm.Error
	mute := true // no target speaks what is asked
	for i, t := range x.plan.Targets {
		p := x.gateway.Providers[t.Provider]
		if p == nil {
			continue
		}
		d, ok := x.speaks(p.Vendor)
		if !ok {
			continue
		}
		mute = false
		if !x.inTime(t) {
			continue
		}
		if len(x.Attempts) > 0 && (x.query.Wish.NoFailover || !x.allowance.NextTarget(x.healthy(p, t))) {
			break
		}
		v := x.askProvider(p, t, d, i == len(x.plan.Targets)-1)
		switch {
		case v == nil: // answered
			return nil
		case v.Err != nil:
			last = v.Err
		}
		if v.Class == llm.ClassCanceled {
			return over(v)
		}
		if !v.TryNextTarget {
			break
		}
	}
	if mute {
		return x.unspoken()
	}
	return x.exhausted(last)
}

// healthy reports whether a target is in order as far as is known, so that the
// first failover to it is free.
func (x *Exchange) healthy(p *Provider, t *route.Target) bool {
	_, _, resting := p.Keys.Resting(t.Model)
	return !resting && (t.Health == nil || t.Health.Look(x.gateway.Now()).Ready(x.gateway.Now()))
}

// passed is the verdict on a target that was not asked at all.
var passed = failover.Verdict{TryNextTarget: true}

// askProvider is askTarget within the provider's ceiling.
func (x *Exchange) askProvider(p *Provider, t *route.Target, d llm.Dialect, lastTarget bool) *failover.Verdict {
	leave, err := x.visit(p, lastTarget)
	switch {
	case err == nil:
		defer leave()
		return x.askTarget(p, t, d, lastTarget)
	case x.ctx.Err() != nil:
		return x.calledOff()
	}
	return &failover.Verdict{Class: llm.ClassOverload, TryNextTarget: true, Err: err}
}

// askTarget tries one target with one key after another. It returns nil when
// the exchange has been answered, well or not.
func (x *Exchange) askTarget(p *Provider, t *route.Target, d llm.Dialect, lastTarget bool) *failover.Verdict {
	allowed, probe := true, false
	if t.Health != nil {
		allowed, probe = t.Health.Allow()
	}
	if !allowed {
		return &passed
	}
	verdict := &passed
	var tried []*keypool.Key
	for {
		lease, err := x.selectKey(p, t, tried)
		if err != nil {
			if probe {
				t.Health.Forgo()
			}
			return verdict
		}
		a := x.newTry(p, t, d, lease, probe)
		v := a.run()
		if v == nil {
			return nil
		}
		verdict, probe = v, false
		switch {
		case x.mend(a, v):
			// without the thinking that was refused
		case !x.inTime(t):
			return verdict
		case v.RetrySame && v.Class != llm.ClassCanceled && (lastTarget || v.SameFirst()) && x.allowance.SameTarget():
			// the same key once more, on a fresh connection or for a blip
			if v.Reason == failover.ReasonConflict && !x.pause(conflictPause()) {
				return x.unlessOver(verdict)
			}
		case v.TryNextKey && x.allowance.NextKey():
			tried = append(tried, lease.Key())
		default:
			return verdict
		}
	}
}

// unlessOver is v, or what ended the exchange meanwhile.
func (x *Exchange) unlessOver(v *failover.Verdict) *failover.Verdict {
	if x.ctx.Err() != nil {
		return x.calledOff()
	}
	return v
}

// selectKey takes a lease on a key that was not tried: the one the session used
// before, if it is free, else the one whose turn it is.
func (x *Exchange) selectKey(p *Provider, t *route.Target, tried []*keypool.Key) (*keypool.Lease, error) {
	wasTried := func(k *keypool.Key) bool {
		return slices.Contains(tried, k) || x.pinned != "" && k.Name != x.pinned
	}
	if x.plan.Key != "" && x.plan.Targets[0] == t {
		return p.Keys.AcquirePreferring(x.plan.Key, t.Model, wasTried)
	}
	return p.Keys.Acquire(t.Model, wasTried)
}

// unspoken answers a call that none of the model's providers has.
func (x *Exchange) unspoken() *llm.Error {
	switch x.endpoint.call {
	case provider.CallCountTokens, provider.CallInputTokens:
		return x.countLocally()
	}
	return &llm.Error{Type: llm.ErrInvalidRequest, Status: http.StatusBadRequest, Param: "model",
		Message: "no provider of " + clip(x.Model, 120) + " serves " + x.endpoint.path}
}

// asError makes any error one a client can be told.
func asError(err error) *llm.Error {
	var e *llm.Error
	if errors.As(err, &e) {
		return e
	}
	return &llm.Error{Type: llm.ErrInternal, Class: llm.ClassTransient, Status: http.StatusInternalServerError, Message: err.Error()}
}
