package provider

import (
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// syntheticRules are the wordings of Synthetic, whose error member is a plain
// string. A 429 with Retry-After is the limit of parallel requests; the one
// without is a spent plan.
var syntheticRules = []Rule{
	{Status: 429, RetryAfter: true, Class: llm.ClassConcurrency},
	{Text: "exceeded your subscription rate limits", Class: llm.ClassQuota, Rest: 10 * time.Minute},
	{Text: "insufficient quota and token balance", Class: llm.ClassBalance},
	{Text: "longer than the model's context length", Class: llm.ClassContext},
	{Text: "context limit exceeded", Class: llm.ClassContext},
	{Status: 400, NoBody: true, Class: llm.ClassContext},
}

// readSyntheticQuota reads /v2/quotas and the x-synthetic-quotas header, which
// holds the same object. Every part is optional; accounts without a plan
// answer {}. The rolling windows fill in ticks, so a spent one is worth asking
// again at its next tick, not at a full reset.
func readSyntheticQuota(body []byte, now time.Time) Quota {
	if !gjson.ValidBytes(body) || !gjson.ParseBytes(body).IsObject() {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	var q Quota
	if five := root.Get("rollingFiveHourLimit"); five.Exists() {
		left := part(five.Get("remaining"), five.Get("max"))
		if five.Get("limited").Bool() {
			left = 0
		}
		q.Windows = append(q.Windows, Window{Name: "5h", Left: left, Reset: future(five.Get("nextTickAt"), now)})
	}
	if week := root.Get("weeklyTokenLimit"); week.Exists() {
		left := -1.0
		if p := week.Get("percentRemaining"); p.Exists() {
			left = clampPart(p.Float() / 100)
		}
		q.Windows = append(q.Windows, Window{Name: "week", Left: left, Reset: future(week.Get("nextRegenAt"), now)})
		q.Balance = week.Get("remainingCredits").String()
	}
	if sub := root.Get("subscription"); sub.Exists() && len(q.Windows) == 0 {
		left := part(sub.Get("requests"), sub.Get("limit"))
		if left >= 0 {
			left = 1 - left
		}
		q.Windows = append(q.Windows, Window{Name: "subscription", Left: left, Reset: future(sub.Get("renewsAt"), now)})
	}
	return q.judge()
}

// ReadSyntheticQuotas reads the x-synthetic-quotas header.
func ReadSyntheticQuotas(header string, now time.Time) Quota {
	return readSyntheticQuota([]byte(strings.TrimSpace(header)), now)
}

// part returns have/of as a part of 1, or -1 if it cannot be known.
func part(have, of gjson.Result) float64 {
	if !have.Exists() || of.Float() <= 0 {
		return -1
	}
	return clampPart(have.Float() / of.Float())
}

// future reads an ISO 8601 time that has not passed, else zero.
func future(r gjson.Result, now time.Time) time.Time {
	at, err := time.Parse(time.RFC3339, r.String())
	if err != nil || !at.After(now) {
		return time.Time{}
	}
	return at
}
