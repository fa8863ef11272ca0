package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// anthropicRules are the failures of Anthropic whose status misleads: a spent
// spending limit is a 429 without Retry-After or even a 400. Neither names a
// time, so the key rests by the caller's ladder of hours.
var anthropicRules = []Rule{
	{Details: "enforced_spend_limit_reached", Class: llm.ClassQuota},
	{Text: "you have reached your specified api usage limits", Class: llm.ClassQuota},
	{Text: "credit balance is too low", Class: llm.ClassBalance},
	{Type: "billing_error", Status: 402, Class: llm.ClassBalance},
	{Type: "overloaded_error", Status: 529, Class: llm.ClassOverload},
	{Text: "prompt is too long", Class: llm.ClassContext},
	{Text: "exceed context limit", Class: llm.ClassContext},
}
