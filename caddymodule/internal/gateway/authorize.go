package gateway

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// Denial says which limit of a client a request does not fit in.
type Denial struct {
	// Kind is the limit: "requests" and "tokens" (a minute), "streams" (at
	// once), "daily_spend", "monthly_spend".
	Kind string
	// Team says that the limit is the team's, not the key's own.
	Team bool
	// Limit and Remaining are in the limit's unit; of spend, micro-dollars.
	Limit, Remaining int64
	// Reset is when the request would fit. 0: not known.
	Reset time.Duration
}

// authorize refuses models that are outside the client's scope. It stands
// before route, whose answer would tell which names there are.
func (x *Exchange) authorize() *llm.Error {
	if x.client.Allows(routeName(x.outline.model), x.Dialect) {
		return nil
	}
	return &llm.Error{Type: llm.ErrForbidden, Status: http.StatusForbidden, Param: "model", Code: "model_not_allowed",
		Message: fmt.Sprintf("this client key may not use model %q on %s", clip(x.Model, 120), x.endpoint.path)}
}

// defaultOutput is taken for the length of an answer when neither the request
// nor the catalogue says one.
const defaultOutput = 4096

// mostOutput bounds what a request may claim its answer will be, so that the
// arithmetic of limits stays within its integers.
const mostOutput = 10_000_000

// mostChoices is how many answers one request may ask for (n of Chat Completions,
// OpenAI's API reference).
const mostChoices = 128

// reserve takes what the request may come to from the client's limits, at the
// dearest of the targets that may answer; settle gives the rest back.
func (x *Exchange) reserve() *llm.Error {
	ask := Ask{Now: x.gateway.Now()}
	for _, t := range x.plan.Targets {
		tokens, cost := x.most(&t.Caps)
		ask.Tokens, ask.Cost = max(ask.Tokens, tokens), max(ask.Cost, cost)
	}
	grant, denial := x.client.Reserve(ask)
	if denial != nil {
		return x.deny(denial)
	}
	x.grant = grant
	return nil
}

// most is what the request may come to at a model: as many answers as it asks for,
// of the length it asks for, or else of one that is usual.
func (x *Exchange) most(caps *provider.Model) (tokens, cost int64) {
	in, out := len(x.outline.data)/4, x.outline.maxTokens
	if out <= 0 {
		out = defaultOutput
		if caps.MaxOutput > 0 {
			out = min(out, caps.MaxOutput)
		}
	}
	out = min(out, mostOutput) * min(max(x.outline.choices, 1), mostChoices)
	if x.endpoint.call != provider.CallMain {
		out = 0
	}
	return int64(in) + int64(out), caps.Price.Cost(llm.Usage{Input: in, Output: out})
}

// deny is the answer to a client that has used up what it may use, with the
// headers its SDK reads.
func (x *Exchange) deny(d *Denial) *llm.Error {
	e := &llm.Error{Type: llm.ErrRateLimited, Class: llm.ClassRate, Status: http.StatusTooManyRequests, RetryAfter: d.Reset,
		NoRetry: d.Reset > time.Minute, Code: "rate_limit_exceeded", Message: d.sentence()}
	switch d.Kind {
	case "daily_spend", "monthly_spend":
		e.Code = "insufficient_quota"
	case "requests", "tokens":
		limitHeaders(x.send.header, x.Dialect, d, x.gateway.Now())
	}
	x.Reason = "client_" + d.Kind
	return e
}

func (d *Denial) sentence() string {
	whose := "this client key"
	if d.Team {
		whose = "the team of this client key"
	}
	switch d.Kind {
	case "daily_spend", "monthly_spend":
		period := d.Kind[:len(d.Kind)-len("_spend")]
		return fmt.Sprintf("the %s spend limit of %s, $%.2f, leaves no room for this request ($%.4f are left)",
			period, whose, float64(d.Limit)/1e6, float64(d.Remaining)/1e6)
	case "streams":
		return fmt.Sprintf("%s has %d requests under way, which is all it may have at once", whose, d.Limit)
	}
	return fmt.Sprintf("%s may use %d %s a minute and has used them", whose, d.Limit, d.Kind)
}

// limitHeaders states a limit a minute in the words of the client's dialect:
// x-ratelimit-* as OpenAI's API reference has them, anthropic-ratelimit-* as
// Anthropic's.
func limitHeaders(h http.Header, dialect llm.Dialect, d *Denial, now time.Time) {
	limit, remaining := strconv.FormatInt(d.Limit, 10), strconv.FormatInt(max(d.Remaining, 0), 10)
	if dialect == llm.Anthropic {
		prefix := "Anthropic-Ratelimit-" + d.Kind
		h.Set(prefix+"-Limit", limit)
		h.Set(prefix+"-Remaining", remaining)
		h.Set(prefix+"-Reset", now.Add(d.Reset).UTC().Format(time.RFC3339))
		return
	}
	h.Set("X-Ratelimit-Limit-"+d.Kind, limit)
	h.Set("X-Ratelimit-Remaining-"+d.Kind, remaining)
	h.Set("X-Ratelimit-Reset-"+d.Kind, d.Reset.Round(time.Millisecond).String())
}
