package provider

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// moonshotRules are the failures of Moonshot and of the Kimi Code plan. Its
// business codes stand in error.type.
var moonshotRules = []Rule{
	{Type: "exceeded_current_quota_error", Status: 429, Class: llm.ClassBalance},
	{Type: "rate_limit_reached_error", Status: 429, Class: llm.ClassRate},
	{Type: "engine_overloaded_error", Status: 429, Class: llm.ClassOverload},
	{Type: "engine_overloaded_error", Status: 503, Class: llm.ClassOverload},
	{Type: "invalid_authentication_error", Status: 401, Class: llm.ClassAuth},
	{Type: "incorrect_api_key_error", Status: 401, Class: llm.ClassAuth},
	{Text: "usage limit for this billing cycle", Class: llm.ClassQuota},
	{Text: "usage limit for this period", Class: llm.ClassQuota},
	{Status: 402, Text: "membership", Class: llm.ClassPlanDead},
	{Status: 403, Text: "coding agent", Class: llm.ClassPlanDead, Note: "Kimi Code keys are for coding agents only"},
	{Text: "exceeded model token limit", Class: llm.ClassContext},
}

// readMoonshotBalance reads GET /v1/users/me/balance.
func readMoonshotBalance(body []byte, _ time.Time) Quota {
	left := gjson.GetBytes(body, "data.available_balance")
	if !gjson.ValidBytes(body) || left.Type != gjson.Number {
		return Quota{Class: llm.ClassTransient}
	}
	q := Quota{Balance: left.Raw}
	if left.Float() <= 0 {
		q.Class = llm.ClassBalance
	}
	return q
}

// readKimiUsage reads the Kimi Code plan's GET /usages; numbers are strings
// and resetTime is ISO 8601. The plan's own window stands in usage, shorter
// ones in limits[].detail.
func readKimiUsage(body []byte, now time.Time) Quota {
	if !gjson.ValidBytes(body) {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	if !root.Get("usage").Exists() && !root.Get("limits").Exists() {
		return Quota{Class: llm.ClassTransient}
	}
	var q Quota
	add := func(name string, r gjson.Result) {
		if !r.Exists() {
			return
		}
		left := part(r.Get("remaining"), r.Get("limit"))
		if used := r.Get("used"); left < 0 && used.Exists() {
			if p := part(used, r.Get("limit")); p >= 0 {
				left = 1 - p
			}
		}
		q.Windows = append(q.Windows, Window{Name: name, Left: left, Reset: future(r.Get("resetTime"), now)})
	}
	add("plan", root.Get("usage"))
	for _, l := range root.Get("limits").Array() {
		add("window", l.Get("detail"))
	}
	return q.judge()
}
