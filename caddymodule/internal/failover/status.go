package failover

import (
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// byStatus classifies a failure for which the vendor has no rule: by HTTP
// status, and where that leaves several meanings, by wording. The error's type
// has stood in for a missing status already, inside a stream or an answer with
// status 200.
func byStatus(a *Answer, r *report) llm.Class {
	status := r.Status
	if status < 300 {
		switch r.finish {
		case "sensitive":
			return llm.ClassContent
		case "network_error", "error":
			return llm.ClassTransient
		}
	}
	switch {
	case status == 401:
		return llm.ClassAuth
	case status == 402:
		return llm.ClassBalance
	case status == 403 && (r.shape == shapeHTML || r.shape == shapeEmpty),
		status == 404 && r.shape != shapeJSON && !strings.Contains(r.Text, "model"):
		return llm.ClassTransient // a firewall or a wrong address, not the vendor
	case status == 403:
		class := firstClass(r.plain(), llm.ClassModelDenied, saysQuota, saysBalance, saysBadKey)
		return firstClass(r.Text, class, saysContent)
	case status == 404:
		return r.absentClass()
	case status == 408 || status == 409 || status == 425:
		return llm.ClassTransient
	case status == 429 && strings.Contains(r.inner.Get("details").Raw, "retryDelay"):
		return llm.ClassRate // Google speaks of "current quota" for every rate limit
	case status == 429:
		return firstClass(r.Text, llm.ClassRate, saysBalance, saysQuota, saysBusy)
	case status == 413 && r.shape == shapeEmpty:
		return llm.ClassContext // a body too long for the server is a prompt too long
	case status == 498, status == 529:
		return llm.ClassOverload
	case status >= 400 && status < 500:
		return r.faultClass()
	case status == 503:
		return firstClass(r.Text, llm.ClassTransient, saysBusy)
	}
	class := firstClass(r.plain(), llm.ClassTransient, saysBalance)
	return firstClass(r.Text, class, saysLong, saysBusy)
}

// typeStatus returns the status that the documented error types of Anthropic,
// OpenAI and Google stand for, or 0.
func typeStatus(errorType string) int {
	switch errorType {
	case "invalid_request_error", "bad_request_error", "BadRequestError", "INVALID_ARGUMENT", "unprocessable_entity_error":
		return 400
	case "authentication_error", "authorized_error", "AuthenticationError", "UNAUTHENTICATED":
		return 401
	case "billing_error", "insufficient_balance_error", "insufficient_quota":
		return 402
	case "permission_error", "PERMISSION_DENIED":
		return 403
	case "not_found_error", "NOT_FOUND":
		return 404
	case "request_too_large":
		return 413
	case "rate_limit_error", "too_many_requests_error", "too_many_tokens_error",
		"exceeded_current_quota_error", "rate_limit_reached_error", "RESOURCE_EXHAUSTED":
		return 429
	case "overloaded_error", "service_unavailable_error", "engine_overloaded_error", "UNAVAILABLE":
		return 529
	case "timeout_error":
		return 504
	}
	return 0
}

// phrases is a class and the wordings (lower case) that give it away.
type phrases struct {
	class llm.Class
	any   []string
}

var (
	saysBalance = phrases{llm.ClassBalance, []string{
		"insufficient balance", "insufficient credit", "insufficient_quota", "insufficient quota",
		"exceeded your current quota", "credit balance", "out of credits", "payment required", "account balance",
		"billing hard limit", "add credits", "recharge",
	}}
	saysQuota = phrases{llm.ClassQuota, []string{
		"usage limit reached", "reached your usage limit", "reached your specified api usage limit",
		"exceeded your subscription", "plan usage limit", "weekly limit", "monthly limit", "daily limit",
		"limit exhausted", "quota exhausted", "spend limit", "spending limit",
	}}
	saysBusy = phrases{llm.ClassOverload, []string{
		"overloaded", "high traffic", "at capacity", "no capacity", "slow down", "temporarily unavailable due to load",
		"server is busy", "server busy", "high demand", "queue full", "queue is full", "loading model",
	}}
	saysContent = phrases{llm.ClassContent, []string{
		"content filter", "content_filter", "content policy", "content management policy", "safety system",
		"safety filter", "moderation", "flagged", "sensitive content", "unsafe",
	}}
	saysBadKey = phrases{llm.ClassAuth, []string{
		"invalid api key", "incorrect api key", "api key not valid", "invalid_api_key", "api key expired",
		"api key has been disabled", "invalid authentication",
	}}
	saysNoModel = phrases{llm.ClassModelDenied, []string{
		"model not found", "model does not exist", "unknown model", "model_not_found", "no such model",
		"is not a valid model", "model is not supported", "not exist or you do not have access",
	}}
	saysLong = phrases{class: llm.ClassContext} // the wordings stand in overflow.go
)

// firstClass returns the class of the first group of which a wording stands in
// text, else otherwise.
func firstClass(text string, otherwise llm.Class, groups ...phrases) llm.Class {
	for _, g := range groups {
		if g.class == llm.ClassContext && saysOverflow(text) {
			return g.class
		}
		for _, p := range g.any {
			if strings.Contains(text, p) {
				return g.class
			}
		}
	}
	return otherwise
}

// reason returns the result code. What came inside an answer with status 200
// says so: the class tells the rest.
func reason(c llm.Class, a *Answer, r *report) string {
	switch {
	case a.InStream && a.Phase == PhaseStream:
		return ReasonUpstreamError
	case a.InStream:
		return ReasonErrorFirst
	case a.Status < 300:
		return ReasonErrorIn200
	}
	switch c {
	case llm.ClassAuth:
		return ReasonAuth
	case llm.ClassBalance, llm.ClassQuota:
		return ReasonQuota
	case llm.ClassPlanDead:
		return ReasonPlanDead
	case llm.ClassRate:
		return ReasonRateLimited
	case llm.ClassConcurrency:
		return ReasonConcurrency
	case llm.ClassOverload:
		return ReasonOverloaded
	case llm.ClassFairUse:
		return ReasonFairUse
	case llm.ClassModelDenied:
		if missing(a, r) {
			return ReasonModelMissing
		}
		return ReasonDenied
	case llm.ClassTransient:
		return transientReason(a)
	}
	if a.Status == 413 {
		return ReasonTooLarge
	}
	return ReasonClientFault
}

// missing tells a model that is not there from one this key may not use.
func missing(a *Answer, r *report) bool {
	return a.Status == 404 || r.Code == "1211" || firstClass(r.Text, llm.ClassNone, saysNoModel) != llm.ClassNone
}

func transientReason(a *Answer) string {
	switch {
	case a.Status == 408:
		return ReasonUpstream408
	case a.Status == 409:
		return ReasonConflict
	case a.Status < 500: // a firewall's page, a malformed tool call
		return ReasonBadPayload
	}
	return ReasonUpstream5xx
}

// silence describes an answer that came without a message.
func silence(r *report) string {
	switch r.shape {
	case shapeHTML:
		return fmt.Sprintf("status %d with a web page instead of an answer", r.Status)
	case shapeEmpty:
		return fmt.Sprintf("status %d without a body", r.Status)
	}
	if r.finish != "" {
		return "the answer ended with finish_reason " + r.finish
	}
	return fmt.Sprintf("status %d without a message", r.Status)
}

// largerThanBucket reports a request that is larger than the bucket holds,
// which vendors call a rate limit.
func (r *report) largerThanBucket() bool {
	return strings.Contains(r.Text, "request too large") && strings.Contains(r.Text, "requested")
}

// bucketNumbers reads "Limit 8000, Requested 32979".
func (r *report) bucketNumbers() (limit, requested int) {
	if _, after, ok := strings.Cut(r.Text, "limit "); ok {
		limit = at(numbers(after, 1), 0)
	}
	if _, after, ok := strings.Cut(r.Text, "requested "); ok {
		requested = at(numbers(after, 1), 0)
	}
	return limit, requested
}

func lower(s string) string { return strings.ToLower(s) }

// name returns the vendor's title for messages.
func name(v *provider.Vendor) string {
	if v == nil || v.Title == "" {
		return "the provider"
	}
	return v.Title
}
