package gateway

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
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
	end := x.lastServing()
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
		v := x.askProvider(p, t, d, i == end)
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

// lastServing returns the index of the last target that can be asked at once:
// after it there is none worth hurrying on to. If none can, it is the last.
func (x *Exchange) lastServing() int {
	for i := len(x.plan.Targets) - 1; i > 0; i-- {
		p := x.gateway.Providers[x.plan.Targets[i].Provider]
		if p == nil || !x.plan.Candidates[i].Ready {
			continue
		}
		if _, speaks := x.speaks(p.Vendor); speaks {
			return i
		}
	}
	if x.plan.Candidates[0].Ready {
		return 0
	}
	return len(x.plan.Targets) - 1
}

// mayAsk reports whether a target may be asked after those before it, which is
// taken out of the allowance. The first one may.
func (x *Exchange) mayAsk(p *Provider, t *route.Target) bool {
	return len(x.Attempts) == 0 || !x.query.Wish.NoFailover && x.allowance.NextTarget(x.healthy(p, t))
}

// healthy reports whether a target is in order as far as is known, so that the
// first failover to it is free.
func (x *Exchange) healthy(p *Provider, t *route.Target) bool {
	_, _, resting := p.Keys.Resting(t.Model)
	return !resting && (t.Health == nil || t.Health.Look(x.gateway.Now()).Ready(x.gateway.Now()))
}

// passed is the verdict on a target that was not asked at all, spent on one that
// may not be asked any more.
var passed, spent = failover.Verdict{TryNextTarget: true}, failover.Verdict{}

// askProvider is askTarget within the provider's ceiling.
func (x *Exchange) askProvider(p *Provider, t *route.Target, d llm.Dialect, lastTarget bool) *failover.Verdict {
	leave, err := x.visit(p, lastTarget)
	switch {
	case err == nil:
		defer leave()
		if !x.mayAsk(p, t) {
			return &spent
		}
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
		case v.RetrySame && !asksToWait(v) && v.Class != llm.ClassCanceled && (lastTarget || v.SameFirst()) && x.allowance.SameTarget():
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

// asksToWait reports whether a provider has said that asking again at once is no
// use (reliability row 43).
func asksToWait(v *failover.Verdict) bool { return v.WaitKnown && v.Wait >= time.Second }

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
	if x.endpoint.counts() {
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
