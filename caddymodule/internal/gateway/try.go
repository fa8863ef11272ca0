package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// try is one attempt at one target with one key: stages 5 to 9.
type try struct {
	// What each event of a stream touches comes first, as in sender.
	send     *sender
	answer   *upstream.Answer
	upstream dialect.Dialect // the provider's
	decoder  dialect.StreamDecoder
	out      []byte
	pieces   int  // of content that came
	passed   int  // events passed on as they came
	content  bool // the first content has arrived
	finished bool // the model said why it stopped
	asked    bool // the provider was asked for usage on the gateway's behalf
	more     bool // another event is there already
	streams  bool // the provider answers with an event stream
	drained  bool // the rest of the answer is read by others
	sent     bool // the provider has the whole request, and has not refused it
	ended    bool
	encoder  dialect.StreamEncoder
	events   []llm.Event

	*Exchange
	provider *Provider
	target   *route.Target
	endpoint provider.Endpoint
	lease    *keypool.Lease
	trial    *health.Trial // nil for targets without health

	begun    time.Time
	first    time.Duration // when the first content arrived, since the attempt began
	usage    llm.Usage
	encoding time.Duration // that a translation took
}

func (x *Exchange) newTry(p *Provider, t *route.Target, d llm.Dialect, lease *keypool.Lease, probe bool) *try {
	a := &try{
		Exchange: x, send: x.send, provider: p, target: t, endpoint: p.Vendor.Endpoints[d],
		upstream: x.gateway.Dialects.Get(d), lease: lease, begun: x.gateway.Now(),
	}
	if t.Health != nil {
		a.trial = t.Health.Begin(len(x.outline.data), probe)
		if !x.Stream {
			a.trial.Whole() // nothing of the answer comes before all of it
		}
	}
	return a
}

// run makes the attempt. It returns nil once the client has been answered; else
// what the failure means for the next one.
func (a *try) run() *failover.Verdict {
	defer a.abandon()
	v := a.encodeAndSend()
	if v == nil {
		v = a.deliver()
	}
	a.end(v)
	if v != nil && a.send.committed() {
		return nil // it failed after the commit point; the client has been told
	}
	return v
}

// abandon gives back what an attempt holds that panicked; its target and its key
// are not to blame.
func (a *try) abandon() {
	if !a.ended {
		a.end(&failover.Verdict{Class: llm.ClassCanceled, Reason: "panic", Message: "a stage panicked"})
	}
}

func (a *try) encodeAndSend() *failover.Verdict {
	secret, err := a.lease.Secret(a.ctx)
	if err != nil {
		return a.keyless(err)
	}
	req, e := a.encode(secret)
	if e != nil {
		return &failover.Verdict{Class: llm.ClassBadRequest, Reason: failover.ReasonClientFault, Message: e.Message, TryNextTarget: true, Err: e}
	}
	return a.dispatch(req)
}

// keyless is the verdict on a key whose secret cannot be had.
func (a *try) keyless(err error) *failover.Verdict {
	return &failover.Verdict{
		Class: llm.ClassAuth, Reason: failover.ReasonAuth, Scope: failover.ScopeKey, Message: err.Error(),
		TryNextKey: true, TryNextTarget: true,
		Err: &llm.Error{Class: llm.ClassAuth, Type: llm.ErrUpstream, Status: http.StatusBadGateway,
			Message: "a key of " + a.provider.Name + " cannot be read"},
	}
}

// end gives back what the attempt held and notes how it went. v is nil if it
// went well.
func (a *try) end(v *failover.Verdict) {
	a.ended = true
	a.Exchange.events += a.pieces
	if a.answer != nil && !a.drained {
		a.answer.Close()
	}
	now := a.gateway.Now()
	took := now.Sub(a.begun)
	record := Attempt{
		Provider: a.provider.Name, Model: a.target.Model, Key: a.lease.Key().Name, Dialect: a.upstream.Name(),
		Start: a.begun.Sub(a.Start), TTFT: a.first, Duration: took, Reason: "ok", Dropped: a.dropped, Encode: a.encoding,
	}
	outcome := keypool.Outcome{TTFT: a.first, Duration: took, OutputTokens: a.usage.Output}
	if a.answer != nil {
		record.Status = a.answer.Status
		outcome.Pacing = a.pacing(now)
	}
	if v != nil {
		record.Class, record.Reason, record.Code = v.Class, v.Reason, v.Code
		record.Message, record.Wait = v.Message, v.Wait
		record.Billable = a.sent && v.Class == llm.ClassTransient
		outcome.Class, outcome.Wait, outcome.WaitKnown = v.Class, v.Wait, v.WaitKnown
		outcome.KeyWide = v.Scope == failover.ScopeKey || v.Scope == failover.ScopeAccount
		if v.Blameless() {
			outcome.Class = llm.ClassCanceled
		}
	}
	a.lease.Release(outcome)
	if a.trial != nil {
		a.trial.End(health.Outcome{Class: outcome.Class, Broke: v != nil && v.Broke(), Tokens: a.usage.Output, Duration: took})
	}
	a.Attempts = append(a.Attempts, record)
	if !a.send.committed() {
		return
	}
	a.Usage = a.usage
	a.partial = v != nil && !a.finished && a.usage.Known
	if v == nil {
		a.gateway.Router.Bind(a.plan, &a.query, a.target, a.lease.Key().Name)
		a.learnTokens(a.target.ID)
	}
}

func (a *try) pacing(now time.Time) []keypool.Bucket {
	buckets := failover.Pacing(a.provider.Vendor, a.answer.Header, now)
	if len(buckets) == 0 {
		return nil
	}
	out := make([]keypool.Bucket, len(buckets))
	for i, b := range buckets {
		out[i] = keypool.Bucket{Limit: b.Limit, Remaining: b.Remaining, Reset: b.Reset}
	}
	return out
}

// judge classifies a failure.
func (a *try) judge(answer failover.Answer) *failover.Verdict {
	if a.ctx.Err() != nil {
		return a.calledOff()
	}
	answer.Now, answer.Model = a.gateway.Now(), a.target.Model
	if a.answer != nil {
		answer.Status, answer.Header, answer.Reused = a.answer.Status, a.answer.Header, a.answer.Reused
	}
	if a.send.committed() {
		answer.Phase = failover.PhaseStream
	}
	v := failover.Classify(a.provider.Vendor, answer)
	a.countCeiling(&v, answer.Err)
	return &v
}

// countCeiling counts an answer that was ended because it reached a ceiling.
func (a *try) countCeiling(v *failover.Verdict, err error) {
	var large tooMuch
	refusals := &a.gateway.Traffic.Refusals
	switch {
	case errors.Is(err, upstream.ErrRatio):
		refusals.add(CeilingEncoding)
	case errors.As(err, &large):
		refusals.add(CeilingResponse)
	case v.Reason == failover.ReasonEventTooLarge:
		refusals.add(CeilingEvent)
	}
}
