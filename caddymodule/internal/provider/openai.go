package provider

import "github.com/aimux/aimux/caddymodule/internal/llm"

// openaiRules are the codes of OpenAI. Many others send them too, so they are
// asked for every vendor after its own.
var openaiRules = []Rule{
	{Code: "context_length_exceeded", Class: llm.ClassContext},
	{Code: "invalid_api_key", Class: llm.ClassAuth},
	{Code: "incorrect_api_key", Class: llm.ClassAuth},
	{Code: "insufficient_quota", Class: llm.ClassBalance},
	{Type: "insufficient_quota", Status: 429, Class: llm.ClassBalance},
	{Code: "credit_balance_exhausted", Class: llm.ClassBalance},
	{Code: "organization_spend_limit_exceeded", Class: llm.ClassBalance},
	{Code: "project_spend_limit_exceeded", Class: llm.ClassBalance},
	{Code: "organization_usage_limit_exceeded", Class: llm.ClassBalance},
	{Code: "billing_hard_limit_reached", Class: llm.ClassBalance},
	{Code: "model_not_found", Class: llm.ClassModelDenied},
	{Code: "rate_limit_exceeded", Class: llm.ClassRate},
	{Code: "slow_down", Status: 503, Class: llm.ClassOverload},
	{Code: "slow_down", Class: llm.ClassRate},
	{Code: "server_is_overloaded", Class: llm.ClassOverload},
	{Type: "service_unavailable_error", Status: 503, Class: llm.ClassOverload},
	{Code: "ip_not_authorized", Class: llm.ClassPlanDead},
	{Code: "unsupported_country", Class: llm.ClassPlanDead},
	{Code: "unsupported_country_region_territory", Class: llm.ClassPlanDead},
	{Code: "account_deactivated", Class: llm.ClassPlanDead},
	{Type: "usage_limit_reached", Status: 429, Class: llm.ClassQuota},
	{Code: "usage_limit_reached", Class: llm.ClassQuota},
	{Code: "usage_not_included", Class: llm.ClassPlanDead},
	{Code: "content_filter", Class: llm.ClassContent},
	{Code: "content_policy_violation", Class: llm.ClassContent},
	{Code: "invalid_prompt", Class: llm.ClassBadRequest},
	{Code: "server_error", Class: llm.ClassTransient},
}
