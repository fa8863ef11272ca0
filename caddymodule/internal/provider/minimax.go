package provider

import (
	"math"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// minimaxRules are MiniMax's business codes: status_code of base_resp, which
// comes with HTTP 200 or 500, or the number in brackets at the end of a
// message on the Anthropic side, where a spent plan (2056) is labelled
// rate_limit_error.
var minimaxRules = []Rule{
	{Code: "1000", Class: llm.ClassTransient},
	{Code: "1001", Class: llm.ClassTransient},
	{Code: "1002", Class: llm.ClassRate},
	{Code: "1004", Class: llm.ClassAuth},
	{Code: "1008", Class: llm.ClassBalance},
	{Code: "1013", Class: llm.ClassTransient},
	{Code: "1024", Class: llm.ClassTransient},
	{Code: "1026", Class: llm.ClassContent},
	{Code: "1027", Class: llm.ClassContent},
	{Code: "1028", Class: llm.ClassQuota},
	{Code: "1030", Class: llm.ClassQuota},
	{Code: "1033", Class: llm.ClassTransient},
	{Code: "1039", Class: llm.ClassRate},
	{Code: "1041", Class: llm.ClassConcurrency},
	{Code: "1042", Class: llm.ClassBadRequest},
	{Code: "2013", Text: "context window exceeds limit", Class: llm.ClassContext},
	{Code: "2013", Class: llm.ClassBadRequest},
	{Text: "context window exceeds limit", Class: llm.ClassContext},
	{Code: "2045", Class: llm.ClassRate, Note: "requests grew too quickly; ramp up slowly"},
	{Code: "2049", Class: llm.ClassAuth},
	{Code: "2056", Class: llm.ClassQuota, Rest: 10 * time.Minute, Note: "the answer names no reset time; ask the quota endpoint"},
	{Code: "2061", Class: llm.ClassModelDenied},
	{Code: "2062", Class: llm.ClassQuota, Rest: 5 * time.Minute, Note: "plan expired or throttled; ask the quota endpoint"},
	{Code: "2064", Class: llm.ClassOverload},
	{Type: "insufficient_balance_error", Status: 402, Class: llm.ClassBalance},
	{Type: "overloaded_error", Status: 529, Class: llm.ClassOverload},
	{Text: "plan usage limit reached", Class: llm.ClassQuota, Rest: 10 * time.Minute},
}

// readMiniMaxQuota reads /v1/token_plan/remains. The HTTP status is 200 even
// for a bad key, so base_resp is looked at first.
//
// Early answers are reported to have put the remaining count into the field
// named usage_count; newer ones add percentages and a status, which are
// believed first.
func readMiniMaxQuota(body []byte, now time.Time) Quota {
	if !gjson.ValidBytes(body) {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	switch code := root.Get("base_resp.status_code"); {
	case !code.Exists():
		return Quota{Class: llm.ClassTransient}
	case code.Int() == 1004 || code.Int() == 2049:
		return Quota{Class: llm.ClassAuth}
	case code.Int() == 2062:
		return Quota{Class: llm.ClassPlanDead}
	case code.Int() != 0:
		return Quota{Class: llm.ClassTransient}
	}
	var q Quota
	for _, m := range root.Get("model_remains").Array() {
		q.Windows = append(q.Windows, minimaxWindow(m, "5h", "current_interval", m.Get("end_time"), now))
		if weekly := minimaxWindow(m, "week", "current_weekly", m.Get("weekly_end_time"), now); weekly.Left >= 0 {
			q.Windows = append(q.Windows, weekly)
		}
	}
	return q.judge()
}

func minimaxWindow(m gjson.Result, name, prefix string, end gjson.Result, now time.Time) Window {
	w := Window{Name: name, Left: -1, Reset: time.UnixMilli(end.Int())}
	if !end.Exists() || w.Reset.Before(now) {
		w.Reset = time.Time{}
	}
	total, used := m.Get(prefix+"_total_count").Float(), m.Get(prefix+"_usage_count").Float()
	switch percent := m.Get(prefix + "_remaining_percent"); {
	case m.Get(prefix+"_status").Int() == 3: // unlimited
		w.Left = 1
	case m.Get(prefix+"_status").Int() == 2: // exhausted
		w.Left = 0
	case percent.Exists():
		w.Left = clampPart(percent.Float() / 100)
	case total > 0:
		w.Left = clampPart((total - used) / total)
	}
	return w
}

// clampPart keeps a part of 1 between 0 and 1; what is no number is unknown.
func clampPart(f float64) float64 {
	if math.IsNaN(f) {
		return -1
	}
	return min(max(f, 0), 1)
}
