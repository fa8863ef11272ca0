package dialect

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// guessClass reduces an error answer to a Class by wording (for a prompt that
// is too long), type and status, in this order.
func guessClass(e *llm.Error) llm.Class {
	if IsOverflow(e) {
		return llm.ClassContext
	}
	if c := classOfType(e.Wire, e.Code); c != llm.ClassNone {
		return c
	}
	return classOfStatus(e.Status)
}

// classOfType knows the documented error types and codes of Anthropic and OpenAI.
func classOfType(wireType, code string) llm.Class {
	switch code {
	case "insufficient_quota", "credit_balance_exhausted":
		return llm.ClassBalance
	case "model_not_found":
		return llm.ClassModelDenied
	case "rate_limit_exceeded", "request_quota_exceeded", "token_quota_exceeded", "slow_down":
		return llm.ClassRate
	case "server_is_overloaded", "queue_exceeded":
		return llm.ClassOverload
	case "content_filter", "content_policy_violation":
		return llm.ClassContent
	case "invalid_api_key", "wrong_api_key":
		return llm.ClassAuth
	}
	switch wireType {
	case "authentication_error", "authorized_error", "AuthenticationError":
		return llm.ClassAuth
	case "billing_error", "insufficient_quota", "insufficient_balance_error":
		return llm.ClassBalance
	case "permission_error", "not_found_error":
		return llm.ClassModelDenied
	case "rate_limit_error", "too_many_requests_error", "too_many_tokens_error":
		return llm.ClassRate
	case "overloaded_error", "service_unavailable_error", "engine_overloaded_error":
		return llm.ClassOverload
	case "api_error", "server_error", "timeout_error", "internal_server_error":
		return llm.ClassTransient
	case "invalid_request_error", "request_too_large", "bad_request_error":
		return llm.ClassBadRequest
	}
	return llm.ClassNone
}

func classOfStatus(status int) llm.Class {
	switch status {
	case 401:
		return llm.ClassAuth
	case 402:
		return llm.ClassBalance
	case 403, 404:
		return llm.ClassModelDenied
	case 429:
		return llm.ClassRate
	case 503, 529:
		return llm.ClassOverload
	case 400, 405, 411, 413, 414, 415, 422:
		return llm.ClassBadRequest
	}
	return llm.ClassTransient
}

// overflowWordings are pieces of the messages by which providers say that a
// prompt is too long (reference: the overflow wordings collected per vendor).
var overflowWordings = [...]string{
	"prompt is too long", "exceed context limit", "maximum context length",
	"reduce the length of the messages", "more than max tokens allowed",
	"context window exceeds limit", "longer than the model's context length",
	"context limit exceeded", "exceeded model token limit",
	"exceeds the maximum allowed input length", "range of input length should be",
	"maximum prompt length is", "max_new_tokens` must be <=",
	"exceeds the available context size", "prompt exceeds max length",
}

// IsOverflow reports whether e says that the prompt is longer than the model takes.
func IsOverflow(e *llm.Error) bool {
	switch {
	case e.Code == "context_length_exceeded", e.Code == "1261", e.Wire == "exceed_context_size_error":
		return true
	}
	msg := strings.ToLower(e.Message)
	for _, w := range overflowWordings {
		if strings.Contains(msg, w) {
			return true
		}
	}
	return strings.Contains(msg, "input token count") && strings.Contains(msg, "exceeds the maximum")
}
