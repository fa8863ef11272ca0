package failover

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// longQuota is the wait from which on a client shall not wait for a spent
// plan: SDKs sleep for as long as Retry-After says.
const longQuota = time.Minute

// concurrencyWait is when a client may come back to a key that was busy: such
// limits clear within seconds.
const concurrencyWait = 2 * time.Second

// tell sets what the client hears if nothing else works. The client's own
// faults keep the provider's words; a trouble of the gateway's keys or plans
// is the operator's business, so the client is told without the details and
// never with a 401, which would make it ask its user for another login.
func (d *Verdict) tell(v *provider.Vendor, a *Answer, r *report) {
	e := &llm.Error{Class: d.Class, Message: d.Message, RetryAfter: d.Wait}
	d.Err = e
	switch d.Class {
	case llm.ClassAuth, llm.ClassPlanDead:
		e.Type, e.Status, e.NoRetry = llm.ErrUpstream, http.StatusBadGateway, true
		e.Message = fmt.Sprintf("%s does not accept the gateway's key (%s)", name(v), d.Class)
	case llm.ClassBalance:
		e.Status, e.NoRetry, e.RetryAfter = http.StatusTooManyRequests, true, 0
		e.Message = fmt.Sprintf("the gateway's account at %s has no balance left", name(v))
	case llm.ClassQuota:
		e.Status, e.NoRetry = http.StatusTooManyRequests, !d.WaitKnown || d.Wait > longQuota
	case llm.ClassRate, llm.ClassConcurrency, llm.ClassFairUse:
		e.Status = http.StatusTooManyRequests
		e.NoRetry = d.Reason == ReasonTooLarge
		if d.Class == llm.ClassConcurrency && !d.WaitKnown {
			e.RetryAfter = concurrencyWait
		}
	case llm.ClassOverload:
		// No status: the dialects have their own (529, 503).
	case llm.ClassModelDenied:
		d.tellModel(v, a, r)
	case llm.ClassContext, llm.ClassBadRequest, llm.ClassContent:
		d.tellFault(a, r)
	case llm.ClassTransient:
		d.tellTransient(v, a)
	}
}

func (d *Verdict) tellModel(v *provider.Vendor, a *Answer, r *report) {
	d.Err.Status, d.Err.Type, d.Err.NoRetry = http.StatusNotFound, llm.ErrModelNotFound, true
	if d.Reason == ReasonDenied {
		d.Err.Status, d.Err.Type = http.StatusForbidden, ""
	}
	if a.Model != "" && r.Message == "" {
		d.Err.Message = fmt.Sprintf("%s does not serve the model %q", name(v), a.Model)
	}
}

func (d *Verdict) tellFault(a *Answer, r *report) {
	e := d.Err
	e.Status, e.Wire, e.Param = http.StatusBadRequest, label(r.Type), label(r.Param)
	e.Code, e.Details = label(r.Code), label(r.Details)
	e.RetryAfter = 0
	switch a.Status {
	case http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		e.Status = a.Status
	}
	if d.Class == llm.ClassContext {
		o := readOverflow(r.Text, r.inner)
		d.Tokens, d.Limit = o.tokens, o.limit
		e.Status, e.Code = http.StatusBadRequest, "context_length_exceeded"
		e.Message = o.message(Scrub(r.Message))
	}
}

func (d *Verdict) tellTransient(v *provider.Vendor, a *Answer) {
	e := d.Err
	e.Type, e.Status = llm.ErrUpstream, http.StatusBadGateway
	if a.Status == http.StatusGatewayTimeout || a.Status == http.StatusRequestTimeout {
		e.Type, e.Status = llm.ErrTimeout, http.StatusGatewayTimeout
	}
	if d.Reason == ReasonConflict && !d.WaitKnown {
		d.Wait, d.WaitKnown, d.Until = conflictWait, true, a.Now.Add(conflictWait)
	}
	e.Message = fmt.Sprintf("%s failed: %s", name(v), d.Message)
}

// conflictWait is how long to wait before a 409 is repeated.
const conflictWait = 500 * time.Millisecond
