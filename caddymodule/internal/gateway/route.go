package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// route turns the model's name into ranked targets.
func (x *Exchange) route() *llm.Error {
	o := &x.outline
	wish, err := route.ParseWish(x.request.Header.Get("X-Aimux-Route"))
	if err != nil {
		return invalid("X-Aimux-Route", err.Error())
	}
	session := x.Session
	if x.Agent != "" {
		session += "/" + x.Agent // a subagent has a prompt of its own, beside its parent's
	}
	x.query = route.Query{
		Model: routeName(o.model), Dialect: x.Dialect, Session: session, Wish: wish, Now: x.gateway.Now(),
		CacheTTL: cacheTTL(o),
		Needs: route.Needs{
			Tools: o.tools, Vision: o.vision, PDF: o.pdf, Thinking: o.thinking, Structured: o.structured,
			PromptBytes: len(o.data), MaxTokens: o.maxTokens,
		},
	}
	plan, err := x.gateway.Router.Plan(&x.query)
	if err != nil {
		return unroutable(err)
	}
	x.plan, x.Plan = plan, plan
	x.allowance = x.gateway.Budget.Request()
	return x.pin()
}

// unroutable says in the client's terms why there is nobody to ask.
func unroutable(err error) *llm.Error {
	var unknown *route.UnknownModelError
	if errors.As(err, &unknown) {
		msg := fmt.Sprintf("no model or alias %q", clip(unknown.Name, 120))
		if len(unknown.Near) > 0 {
			msg += "; did you mean " + strings.Join(unknown.Near, ", ") + "?"
		} else {
			msg += "; GET /v1/models lists what there is"
		}
		return &llm.Error{Type: llm.ErrModelNotFound, Status: http.StatusNotFound, Param: "model", Code: "model_not_found", Message: msg}
	}
	return invalid("model", err.Error())
}

// speaks returns the dialect to use with a provider for this exchange: the
// client's own if the provider has it, so that no byte is translated, else the
// one that loses least. ok is false if the provider lacks the call.
func (x *Exchange) speaks(v *provider.Vendor) (llm.Dialect, bool) {
	for _, d := range bridges[x.Dialect] {
		if e, has := v.Endpoints[d]; has && e.Has(x.endpoint.call) {
			return d, true
		}
		if x.endpoint.call != provider.CallMain {
			break // only a completion can be translated
		}
	}
	return "", false
}

// bridges lists, for each dialect of a client, the dialects of providers in the
// order of preference.
var bridges = map[llm.Dialect][]llm.Dialect{
	llm.Anthropic: {llm.Anthropic, llm.OpenAI, llm.Responses},
	llm.OpenAI:    {llm.OpenAI, llm.Anthropic, llm.Responses},
	llm.Responses: {llm.Responses, llm.OpenAI, llm.Anthropic},
}

// exhausted is the answer when no target could serve: what the failures add up
// to, never a provider's own 401, and the earliest time at which trying again
// makes sense.
func (x *Exchange) exhausted(last *llm.Error) *llm.Error {
	wake, resting := x.earliest()
	switch {
	case last != nil && last.Class.ClientFault():
		return last
	case last == nil && !resting:
		last = &llm.Error{Type: llm.ErrUnavailable, Class: llm.ClassOverload, Status: http.StatusServiceUnavailable,
			Message: fmt.Sprintf("no provider of %q can take this request", clip(x.Model, 120))}
	case last == nil:
		last = &llm.Error{Type: llm.ErrRateLimited, Class: llm.ClassRate, Status: http.StatusTooManyRequests,
			Message: fmt.Sprintf("every key for %q is resting", clip(x.Model, 120))}
	}
	e := *last
	e.Status, e.Type = finalStatus(last), finalType(last)
	if !wake.IsZero() {
		e.RetryAfter = max(wake.Sub(x.gateway.Now()).Truncate(time.Second)+time.Second, time.Second)
		e.NoRetry = e.RetryAfter > time.Minute
		if e.Class == llm.ClassRate || e.Class == llm.ClassQuota {
			e.Message += fmt.Sprintf(" (tried again in %s at the earliest)", e.RetryAfter)
		}
	}
	return &e
}

// finalStatus is the gateway's status when every target failed, by the last
// failure. 0 leaves it to the dialect.
func finalStatus(last *llm.Error) int {
	switch last.Class {
	case llm.ClassRate, llm.ClassQuota, llm.ClassBalance, llm.ClassConcurrency, llm.ClassFairUse:
		return http.StatusTooManyRequests
	case llm.ClassOverload:
		return 0
	case llm.ClassModelDenied:
		return http.StatusNotFound
	}
	if last.Type == llm.ErrTimeout {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

func finalType(last *llm.Error) llm.ErrorType {
	switch finalStatus(last) {
	case http.StatusTooManyRequests:
		return llm.ErrRateLimited
	case http.StatusNotFound:
		return llm.ErrModelNotFound
	case http.StatusGatewayTimeout:
		return llm.ErrTimeout
	case 0:
		return llm.ErrUnavailable
	}
	return llm.ErrUpstream
}

// earliest returns when the first of the plan's targets may be asked again, or
// zero if none of them is held back. resting says that some of them wait for a
// key, not only for a provider that is down.
func (x *Exchange) earliest() (wake time.Time, resting bool) {
	for _, t := range x.plan.Targets {
		p := x.gateway.Providers[t.Provider]
		if p == nil {
			continue
		}
		if until, _, rests := p.Keys.Resting(t.Model); rests {
			resting = true
			if wake.IsZero() || until.Before(wake) {
				wake = until
			}
		}
		if t.Health == nil {
			continue
		}
		if due := t.Health.Look(x.gateway.Now()).Due; !due.IsZero() && (wake.IsZero() || due.Before(wake)) {
			wake = due
		}
	}
	return wake, resting
}
