package failover

import (
	"errors"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// Classify says what a failed attempt means. v may be nil, for a vendor of
// which nothing is known. It is to be called for failures only: any answer it
// is given is taken for one.
func Classify(v *provider.Vendor, a Answer) Verdict {
	if a.Err != nil && canceled(&a) {
		return Verdict{Class: llm.ClassCanceled, Reason: ReasonCanceled, Message: "the request was cancelled",
			Err: &llm.Error{Class: llm.ClassCanceled, Status: 499, Message: "the request was cancelled", NoRetry: true}}
	}
	if a.Status == 0 && !a.InStream {
		return transport(v, &a)
	}
	r := readBody(a.Status, a.Body, a.InStream)
	r.adopt(a.Err)
	if a.Status >= 300 || r.failed {
		return answered(v, &a, r)
	}
	if a.Err != nil && (ofTransport(&a) || len(a.Body) == 0) {
		return transport(v, &a)
	}
	return payload(v, &a, r)
}

// adopt takes over what a dialect has read already, if there was no body to
// read it from.
func (r *report) adopt(err error) {
	var e *llm.Error
	if r.failed || !errors.As(err, &e) {
		return
	}
	if e.Wire == "" && e.Code == "" && e.Class == llm.ClassNone {
		return
	}
	r.failed = true
	r.Code, r.Type, r.Param, r.Details = e.Code, e.Wire, e.Param, e.Details
	r.Message = e.Message
	if r.Status < 300 {
		r.Status = max(e.Status, typeStatus(e.Wire))
	}
	r.unwrapCode()
	r.Text = lower(r.Message)
}

// answered judges an answer that reports a failure.
func answered(v *provider.Vendor, a *Answer, r *report) Verdict {
	if a.Status >= 300 && a.Status < 400 {
		return redirected(v, a)
	}
	r.RetryAfter = a.Header.Get("Retry-After") != ""
	r.NoBody = r.shape == shapeEmpty
	rule := r.rule(v)
	class := llm.ClassNone
	if rule != nil {
		class = rule.Class
	} else {
		class = byStatus(a, r)
	}
	d := Verdict{Class: class, Code: label(r.Code), Message: Scrub(r.Message)}
	if d.Message == "" {
		d.Message = silence(r)
	}
	if rule != nil {
		d.Note = rule.Note
	}
	d.setWait(v, a, r, rule)
	d.Reason = reason(d.Class, a, r)
	d.setScope(rule, r)
	d.setActions(a)
	if d.Class == llm.ClassRate && r.largerThanBucket() {
		d.larger(r)
	}
	d.tell(v, a, r)
	return d
}

// setWait reads the wait and keeps it within bounds. A rate bucket that counts
// per day makes a rate limit a spent window.
func (d *Verdict) setWait(v *provider.Vendor, a *Answer, r *report, rule *provider.Rule) {
	switch d.Class {
	case llm.ClassContext, llm.ClassBadRequest, llm.ClassContent, llm.ClassAuth, llm.ClassPlanDead, llm.ClassModelDenied:
		return // no time mends these
	}
	h := readHint(v, a, r, d.Class)
	if d.Class == llm.ClassRate && (spentWindow(h.bucket, v) || googleDaily(r.inner)) {
		d.Class = llm.ClassQuota
	}
	if !h.known && rule != nil && rule.Rest != 0 {
		h = hint{wait: rule.Rest, known: true}
		if rule.Rest == provider.RestUntilMidnight {
			h.wait = untilMidnight(statedNow(a.Header, a.Now), v.Zone())
		}
	}
	if !h.known {
		return
	}
	d.Wait, d.Clamped = bound(h.wait, d.Class)
	d.WaitKnown, d.Until = true, a.Now.Add(d.Wait)
}

// setScope says what rests.
func (d *Verdict) setScope(rule *provider.Rule, r *report) {
	switch d.Class {
	case llm.ClassAuth, llm.ClassPlanDead:
		d.Scope = ScopeKey
	case llm.ClassBalance, llm.ClassQuota, llm.ClassFairUse:
		d.Scope = ScopeAccount
	case llm.ClassRate, llm.ClassConcurrency, llm.ClassModelDenied:
		d.Scope = ScopeKeyModel
	case llm.ClassOverload, llm.ClassTransient:
		d.Scope = ScopeTarget
	}
	if d.Class == llm.ClassQuota && googlePerModel(r.inner) || rule != nil && rule.KeyModel && d.Scope == ScopeAccount || d.Class == llm.ClassQuota && rule != nil && rule.Class == llm.ClassRate {
		d.Scope = ScopeKeyModel
	}
	if d.Reason == ReasonModelMissing {
		d.Scope = ScopeTarget
	}
	if d.Reason == ReasonConflict {
		d.Scope = ScopeNone
	}
}

// setActions says what may be tried. Nothing may once content was relayed.
func (d *Verdict) setActions(a *Answer) {
	if a.Phase == PhaseStream {
		return
	}
	switch d.Class {
	case llm.ClassAuth, llm.ClassBalance, llm.ClassPlanDead, llm.ClassQuota, llm.ClassRate,
		llm.ClassConcurrency, llm.ClassFairUse:
		d.TryNextKey, d.TryNextTarget = true, true
	case llm.ClassModelDenied:
		d.TryNextKey, d.TryNextTarget = d.Reason != ReasonModelMissing, true
	case llm.ClassOverload:
		d.TryNextTarget = true
	case llm.ClassTransient:
		d.TryNextTarget = true
		d.RetrySame = a.Header.Get("X-Should-Retry") != "false"
	}
}

// larger marks a request that no wait makes fit: it is larger than the whole
// bucket. The key is not at fault and does not rest.
func (d *Verdict) larger(r *report) {
	d.Reason, d.Scope, d.TryNextKey = ReasonTooLarge, ScopeNone, false
	d.Wait, d.WaitKnown, d.Until = 0, false, time.Time{}
	d.Limit, d.Tokens = r.bucketNumbers()
	d.Note = "the request counts more tokens than the provider's bucket holds: lower max_tokens"
}

// spentWindow reports whether an exhausted bucket is a plan's window, or one
// that counts per day. Groq's "requests" does, without saying so.
func spentWindow(bucket string, v *provider.Vendor) bool {
	return bucket == unifiedBucket || strings.HasSuffix(bucket, "-day") || bucket == "requests" && v != nil && v.Family == "groq"
}
