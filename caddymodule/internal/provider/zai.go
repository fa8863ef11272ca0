package provider

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

const (
	zaiWrongPlan = "the key may belong to a GLM Coding Plan: use the kind zai-coding (or zai-coding-cn) for it"
	zaiNoPlan    = "the key has no Coding Plan: use the kind zai (or zai-cn) for a pay-as-you-go key"
)

// zaiRules are the business codes of Z.AI and BigModel. They come as text in
// error.code (OpenAI side), in error.type, or in brackets in front of the
// message (Anthropic side, where 1305 has HTTP 529).
//
// 1302 is a concurrency limit that clears in seconds; 1313's text speaks of a
// "usage pattern", so that no wording with "usage" may overrule the codes.
var zaiRules = []Rule{
	{Code: "1000", Class: llm.ClassAuth},
	{Code: "1001", Class: llm.ClassAuth},
	{Code: "1002", Class: llm.ClassAuth},
	{Code: "1003", Class: llm.ClassAuth},
	{Code: "1004", Class: llm.ClassAuth},
	{Code: "1005", Class: llm.ClassAuth},
	{Code: "1110", Class: llm.ClassPlanDead},
	{Code: "1111", Class: llm.ClassPlanDead},
	{Code: "1112", Class: llm.ClassPlanDead},
	{Code: "1113", Class: llm.ClassBalance, Note: zaiWrongPlan},
	{Code: "1120", Class: llm.ClassTransient},
	{Code: "1121", Class: llm.ClassPlanDead},
	{Code: "1200", Class: llm.ClassTransient},
	{Code: "1210", Class: llm.ClassBadRequest},
	{Code: "1211", Class: llm.ClassModelDenied},
	{Code: "1212", Class: llm.ClassBadRequest},
	{Code: "1213", Class: llm.ClassBadRequest},
	{Code: "1214", Class: llm.ClassBadRequest},
	{Code: "1215", Class: llm.ClassBadRequest},
	{Code: "1220", Class: llm.ClassModelDenied},
	{Code: "1221", Class: llm.ClassModelDenied},
	{Code: "1222", Class: llm.ClassModelDenied},
	{Code: "1230", Class: llm.ClassTransient},
	{Code: "1231", Class: llm.ClassBadRequest},
	{Code: "1234", Class: llm.ClassTransient},
	{Code: "1261", Class: llm.ClassContext},
	{Code: "1300", Class: llm.ClassContent},
	{Code: "1301", Class: llm.ClassContent},
	{Code: "1302", Class: llm.ClassConcurrency},
	{Code: "1303", Class: llm.ClassRate},
	{Code: "1304", Class: llm.ClassQuota, Rest: zaiNextDay, KeyModel: true},
	{Code: "1305", Class: llm.ClassOverload},
	{Code: "1308", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1309", Class: llm.ClassPlanDead, Note: zaiNoPlan},
	{Code: "1310", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1311", Class: llm.ClassModelDenied},
	{Code: "1312", Class: llm.ClassOverload},
	{Code: "1313", Class: llm.ClassFairUse},
	{Code: "1314", Class: llm.ClassPlanDead},
	{Code: "1315", Class: llm.ClassPlanDead},
	{Code: "1316", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1317", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1318", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1319", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1320", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "1321", Class: llm.ClassQuota, Rest: zaiReprobe},
	{Code: "500", Class: llm.ClassTransient},
	{Text: "tokens in request more than max tokens allowed", Class: llm.ClassContext},
}

const (
	// zaiReprobe is how long a spent window rests when its message names no
	// time, or one that cannot be right.
	zaiReprobe = 5 * time.Minute
	// zaiNextDay marks a window that ends with the day in Beijing.
	zaiNextDay = RestUntilMidnight
)

// RestUntilMidnight, as a Rule's Rest, stands for the time until the day ends
// at the vendor's place.
const RestUntilMidnight = time.Duration(-1)

// Zone returns the time zone in which the vendor's messages state times and
// its days end. Z.AI writes times without a zone; two projects measured that
// they are UTC+8.
func (v *Vendor) Zone() *time.Location {
	if v != nil && v.Family == "zai" {
		return beijing()
	}
	return time.UTC
}

func beijing() *time.Location { return time.FixedZone("UTC+8", 8*3600) }

// readZaiQuota reads /api/monitor/usage/quota/limit. The HTTP status is 200
// even for a bad key: code and success are looked at first.
func readZaiQuota(body []byte, now time.Time) Quota {
	if !gjson.ValidBytes(body) {
		return Quota{Class: llm.ClassTransient}
	}
	root := gjson.ParseBytes(body)
	if code := root.Get("code").Int(); root.Get("success").Type == gjson.False || code != 200 {
		if code >= 1000 && code <= 1005 || code == 401 {
			return Quota{Class: llm.ClassAuth}
		}
		return Quota{Class: llm.ClassTransient}
	}
	q := Quota{Level: root.Get("data.level").String()}
	for _, l := range root.Get("data.limits").Array() {
		kind := l.Get("type").String()
		if kind != "TOKENS_LIMIT" && kind != "CREDIT_LIMIT" {
			continue // TIME_LIMIT is the budget of the MCP tools
		}
		w := Window{Name: zaiWindowName(l), Left: -1}
		if p := l.Get("percentage"); p.Exists() {
			w.Left = clampPart(1 - p.Float()/100)
		}
		if at := time.UnixMilli(l.Get("nextResetTime").Int()); at.After(now) {
			w.Reset = at
		}
		q.Windows = append(q.Windows, w)
	}
	return q.judge()
}

func zaiWindowName(l gjson.Result) string {
	switch l.Get("unit").Int() {
	case 3:
		return "5h"
	case 6:
		return "week"
	}
	return "month"
}
