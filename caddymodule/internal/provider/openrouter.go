package provider

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// openrouterRules are the failures of OpenRouter. Its code is the HTTP status
// as a number, also inside a body with HTTP 200; the reader of the body makes
// it the status. Details is metadata.limit_source.
var openrouterRules = []Rule{
	{Status: 402, Details: "openrouter_in_flight_budget", Class: llm.ClassRate},
	{Status: 402, Class: llm.ClassBalance},
	{Status: 403, Text: "moderation", Class: llm.ClassContent},
	{Status: 403, Text: "flagged", Class: llm.ClassContent},
	{Status: 403, Text: "guardrail", Class: llm.ClassContent},
	{Status: 502, Class: llm.ClassOverload},
	{Status: 503, Class: llm.ClassOverload},
	{Text: "exceeds the maximum allowed input length", Class: llm.ClassContext},
}

// readOpenRouterQuota reads GET /key.
func readOpenRouterQuota(body []byte, _ time.Time) Quota {
	if !gjson.ValidBytes(body) {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	if root.Get("error").Exists() {
		if root.Get("error.code").Int() == 401 {
			return Quota{Class: llm.ClassAuth}
		}
		return Quota{Class: llm.ClassTransient}
	}
	left := root.Get("data.limit_remaining")
	if !root.Get("data").Exists() {
		return Quota{Class: llm.ClassTransient}
	}
	if left.Type != gjson.Number {
		return Quota{} // no limit on this key
	}
	q := Quota{Balance: "$" + left.Raw}
	if left.Float() <= 0 {
		q.Class = llm.ClassBalance
	}
	return q
}
