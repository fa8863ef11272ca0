package simulator

import (
	"net/http"
	"strconv"
)

// synthetic writes the error as a string, and its limits into one header as JSON.
func synthetic() *vendor {
	const spent = "You've exceeded your subscription rate limits. Upgrade, or try again later. You can view your usage at https://synthetic.new/billing"
	rows := []row{
		{400, "", "context_length_exceeded", "", "Error from inference backend: 400 The input (215000 tokens) is longer than the model's context length (196608 tokens)"},
		{402, "", "", "", "Insufficient quota and token balance: consider upgrading your subscription on https://synthetic.new/billing"},
		{429, "", "", "", spent},
	}
	return &vendor{
		name: "synthetic", lacks: []dialect{responses}, reasoning: inReasoningContent, lenient: true, rows: rows, anthropicRows: rows,
		error: stringError, anthropicError: stringError,
		model:          func(name string) string { return "accounts/fireworks/models/" + name },
		header:         func(h http.Header, _ *exchange) { syntheticQuotas(h, "2026-09-21T09:45:00.000Z", false) },
		reset:          func(h http.Header, at string) { syntheticQuotas(h, at, true) },
		anthropicReset: func(h http.Header, at string) { syntheticQuotas(h, at, true) },
		quota:          map[string]string{"/v2/quotas": syntheticBody("2026-09-21T09:45:00.000Z", false)},
	}
}

func stringError(_ *exchange, b []byte, e apiError) []byte {
	return append(field(append(b, '{'), "error", e.message), '}')
}

func syntheticQuotas(h http.Header, next string, limited bool) {
	if limited || h.Get("X-Synthetic-Quotas") == "" {
		h.Set("X-Synthetic-Quotas", syntheticBody(next, limited))
	}
}

func syntheticBody(next string, limited bool) string {
	remaining := "380"
	if limited {
		remaining = "0"
	}
	return `{"subscription":{"limit":135,"requests":12,"renewsAt":"2026-09-21T14:36:14.288Z"},"weeklyTokenLimit":{"nextRegenAt":"2026-09-21T12:00:00.000Z",` +
		`"percentRemaining":62.5,"maxCredits":"$24.00","remainingCredits":"$15.00","nextRegenCredits":"$0.48"},"rollingFiveHourLimit":{"nextTickAt":"` + next +
		`","tickPercent":0.05,"remaining":` + remaining + `,"max":400,"limited":` + strconv.FormatBool(limited) + `}}`
}

// openAI shows no reasoning in Chat, only counts it.
func openAI() *vendor {
	return &vendor{name: "openai", lacks: []dialect{messages}, reasoning: hidden, header: openAIHeader}
}

func openAIHeader(h http.Header, x *exchange) {
	h.Set("X-Request-Id", string(x.id(nil, "req_")))
	h.Set("Openai-Organization", "simulator")
	h.Set("Openai-Processing-Ms", "7")
	h.Set("Openai-Version", "2020-10-01")
	if h.Get("X-Ratelimit-Limit-Requests") == "" {
		h.Set("X-Ratelimit-Limit-Requests", "10000")
		h.Set("X-Ratelimit-Remaining-Requests", "9999")
		h.Set("X-Ratelimit-Reset-Requests", "6ms")
	}
}

// anthropic speaks Messages; its limits reset at stated times.
func anthropic() *vendor {
	return &vendor{name: "anthropic", lacks: []dialect{responses}, pings: true, header: anthropicHeader}
}

func anthropicHeader(h http.Header, x *exchange) {
	h.Set("Request-Id", string(x.id(nil, "req_")))
	h.Set("Anthropic-Organization-Id", "simulator")
	if h.Get("Anthropic-Ratelimit-Requests-Limit") == "" {
		h.Set("Anthropic-Ratelimit-Requests-Limit", "4000")
		h.Set("Anthropic-Ratelimit-Requests-Remaining", "3999")
		h.Set("Anthropic-Ratelimit-Requests-Reset", x.stamp("rfc3339+1"))
	}
}

// openRouter has whole numbers as codes, and comments at the head of streams.
func openRouter() *vendor {
	return &vendor{
		name: "openrouter", reasoning: inDetails, lenient: true, comment: ": OPENROUTER PROCESSING\n\n",
		error: numberError, chunkError: numberError,
		header: func(h http.Header, x *exchange) { h.Set("X-Generation-Id", string(x.id(nil, "gen-"))) },
		reset: func(h http.Header, at string) {
			h.Set("X-Ratelimit-Limit", "20")
			h.Set("X-Ratelimit-Remaining", "0")
			h.Set("X-Ratelimit-Reset", at)
		},
		quota: map[string]string{
			"/credits": `{"data":{"total_credits":10,"total_usage":2.5}}`,
			"/v1/key":  `{"data":{"label":"sim","limit":10,"limit_remaining":7.5,"usage":2.5,"is_free_tier":false}}`,
		},
	}
}

// numberError has the HTTP status as code.
func numberError(_ *exchange, b []byte, e apiError) []byte {
	b = fieldInt(append(b, `{"error":{`...), "code", e.status)
	return append(field(b, "message", e.message), `,"metadata":{"provider_name":"simulator"}}}`...)
}

// groq counts requests by the day and tokens by the minute, and repeats usage in x_groq.
func groq() *vendor {
	return &vendor{
		name: "groq", lacks: []dialect{messages}, reasoning: inReasoning, strict: groqStrict, reasonFields: []string{"reasoning"},
		moreFields: []string{"reasoning_format", "include_reasoning", "search_settings"}, overflow: "context_length_exceeded",
		rows: []row{
			{400, "invalid_request_error", "tool_use_failed", "", "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details."},
			{400, "invalid_request_error", "context_length_exceeded", "messages", "Please reduce the length of the messages or completion."},
			{413, "tokens", "rate_limit_exceeded", "", "Request too large for model in organization on tokens per minute (TPM): Limit 8000, Requested 32979, please reduce your message size and try again."},
			{429, "tokens", "rate_limit_exceeded", "", "Rate limit reached for model in organization on tokens per minute (TPM): Limit 8000, Used 7900, Requested 600. Please try again in {retry}s."},
			{498, "capacity_exceeded", "flex_capacity_exceeded", "", "Flex tier capacity exceeded."},
			{499, "request_canceled", "", "", "The request was cancelled by the caller."},
		},
		extra: groqExtra,
		reset: func(h http.Header, at string) {
			h.Set("X-Ratelimit-Limit-Tokens", "8000")
			h.Set("X-Ratelimit-Remaining-Tokens", "0")
			h.Set("X-Ratelimit-Reset-Tokens", at)
		},
	}
}

func groqExtra(x *exchange, b []byte, last bool) []byte {
	if !last || x.target.dialect != chat || x.fault.Kind == NoUsage {
		return b
	}
	b = x.id(append(b, `,"x_groq":{"id":"`...), "req_")
	c := chatSpeaker{x: x}
	return append(c.usage(append(b, '"')), '}')
}

// deepSeek sends keep-alive comments while a request waits.
func deepSeek() *vendor {
	return &vendor{
		name: "deepseek", lacks: []dialect{responses}, reasoning: inReasoningContent, strict: deepSeekStrict, lenient: true, comment: ": keep-alive\n\n",
		rows: []row{
			{400, "invalid_request_error", "context_length_exceeded", "", "This model's maximum context length is 1048576 tokens. However, you requested 1050000 tokens. Please reduce the length of the messages or completion."},
			{401, "authentication_error", "invalid_request_error", "", "Authentication Fails, Your api key: ****sim is invalid"},
			{402, "unknown_error", "invalid_request_error", "", "Insufficient Balance"},
			{429, "rate_limit_error", "", "", "Too many requests: the concurrency limit of your account is reached."},
		},
		quota: map[string]string{
			"/user/balance": `{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00","granted_balance":"10.00","topped_up_balance":"100.00"}]}`,
		},
	}
}

// moonshot tells its refusals apart by type.
func moonshot() *vendor {
	return &vendor{
		name: "moonshot", reasoning: inReasoningContent, strict: moonshotStrict, lenient: true, overloaded: "engine_overloaded_error",
		rows: []row{
			{400, "invalid_request_error", "context_length_exceeded", "", "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)"},
			{401, "invalid_authentication_error", "", "", "Invalid Authentication"},
			{402, "membership_error", "", "", "Your membership does not cover this model."},
			{403, "permission_denied_error", "", "", "You've reached your usage limit for this billing cycle."},
			{429, "rate_limit_reached_error", "rate_limit_reached_error", "", "Your account reached max request rate, please try again after 1 seconds"},
			{429, "exceeded_current_quota_error", "exceeded_current_quota_error", "", "Your account is suspended, please check your plan and billing details"},
			{429, "engine_overloaded_error", "engine_overloaded_error", "", "The engine is currently overloaded, please try again later"},
		},
		header: func(h http.Header, x *exchange) { h.Set("Msh-Request-Id", string(x.id(nil, ""))) },
		quota: map[string]string{
			"/users/me/balance": `{"code":0,"data":{"available_balance":49.58,"voucher_balance":46.58,"cash_balance":3},"scode":"0x0","status":true}`,
		},
	}
}

// ollama has no codes and truncates prompts instead of refusing them.
func ollama() *vendor {
	return &vendor{
		name: "ollama", reasoning: inReasoning, strict: ollamaStrict, lenient: true,
		rows: []row{
			{404, "not_found_error", "", "", `model "sim" not found, try pulling it first`},
			{503, "api_error", "", "", "server busy, please try again. maximum pending requests exceeded"},
		},
		header: noHeader,
	}
}
