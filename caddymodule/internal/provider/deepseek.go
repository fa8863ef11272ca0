package provider

import (
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// deepseekRules are the failures of DeepSeek, which go by HTTP status. Its 429
// counts requests in flight per account, without a time to wait.
var deepseekRules = []Rule{
	{Status: 402, Class: llm.ClassBalance},
	{Text: "insufficient balance", Class: llm.ClassBalance},
	{Status: 429, Class: llm.ClassRate},
	{Status: 503, Class: llm.ClassOverload},
}

// readDeepSeekBalance reads GET /user/balance; amounts are strings.
func readDeepSeekBalance(body []byte, _ time.Time) Quota {
	if !gjson.ValidBytes(body) {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	available := root.Get("is_available")
	if !available.Exists() {
		return Quota{Class: llm.ClassTransient}
	}
	var parts []string
	for _, b := range root.Get("balance_infos").Array() {
		parts = append(parts, b.Get("total_balance").String()+" "+b.Get("currency").String())
	}
	q := Quota{Balance: strings.Join(parts, ", ")}
	if !available.Bool() {
		q.Class = llm.ClassBalance
	}
	return q
}
