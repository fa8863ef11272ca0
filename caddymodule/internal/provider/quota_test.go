package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 9, 21, 9, 0, 0, 0, time.UTC)

func ms(n int64) time.Time { return time.UnixMilli(n) }

func TestQuotaProbe_ReadsEveryVendorsAnswer(t *testing.T) {
	tick := time.Date(2026, 9, 21, 9, 45, 0, 0, time.UTC)
	regen := time.Date(2026, 9, 21, 12, 0, 0, 0, time.UTC)
	const later = 1790000000000 // 2026-09-21 14:13:20
	for _, c := range []struct {
		name, kind, body string
		want             Quota
	}{
		{"zai", "zai-coding", `{"code":200,"success":true,"data":{"level":"pro","limits":[{"type":"TOKENS_LIMIT","unit":3,"number":5,"percentage":15,"nextResetTime":1790000000000},{"type":"TIME_LIMIT","unit":5,"percentage":100}]}}`,
			Quota{Level: "pro", Windows: []Window{{"5h", 0.85, ms(later)}}}},
		{"zai spent", "zai-coding", `{"code":200,"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","unit":3,"percentage":100,"nextResetTime":1790000000000},{"type":"CREDIT_LIMIT","unit":6,"percentage":40}]}}`,
			Quota{Class: llm.ClassQuota, Until: ms(later), Windows: []Window{{"5h", 0, ms(later)}, {"week", 0.6, time.Time{}}}}},
		{"zai bad key, HTTP 200", "zai-coding", `{"code":1001,"msg":"no","success":false}`, Quota{Class: llm.ClassAuth}},
		{"zai odd answer", "zai-coding", `{"code":500,"success":false}`, Quota{Class: llm.ClassTransient}},
		{"minimax by counts", "minimax", `{"base_resp":{"status_code":0},"model_remains":[{"model_name":"MiniMax-M*","end_time":1790000000000,"current_interval_total_count":1500,"current_interval_usage_count":225,"current_weekly_total_count":0,"weekly_end_time":1790000000000}]}`,
			Quota{Windows: []Window{{"5h", 0.85, ms(later)}}}},
		{"minimax by percent", "minimax", `{"base_resp":{"status_code":0},"model_remains":[{"end_time":1790000000000,"current_interval_total_count":100,"current_interval_usage_count":100,"current_interval_remaining_percent":25,"current_weekly_status":3}]}`,
			Quota{Windows: []Window{{"5h", 0.25, ms(later)}, {"week", 1, time.Time{}}}}},
		{"minimax spent", "minimax", `{"base_resp":{"status_code":0},"model_remains":[{"end_time":1790000000000,"current_interval_status":2}]}`,
			Quota{Class: llm.ClassQuota, Until: ms(later), Windows: []Window{{"5h", 0, ms(later)}}}},
		{"minimax bad key, HTTP 200", "minimax", `{"base_resp":{"status_code":1004,"status_msg":"x"}}`, Quota{Class: llm.ClassAuth}},
		{"minimax no plan", "minimax", `{"base_resp":{"status_code":2062},"model_remains":null}`, Quota{Class: llm.ClassPlanDead}},
		{"synthetic", "synthetic", `{"subscription":{"limit":135,"requests":12,"renewsAt":"2026-09-21T14:36:14.288Z"},"weeklyTokenLimit":{"nextRegenAt":"2026-09-21T12:00:00.000Z","percentRemaining":62.5,"remainingCredits":"$15.00"},"rollingFiveHourLimit":{"nextTickAt":"2026-09-21T09:45:00.000Z","remaining":380,"max":400,"limited":false}}`,
			Quota{Balance: "$15.00", Windows: []Window{{"5h", 0.95, tick}, {"week", 0.625, regen}}}},
		{"synthetic limited", "synthetic", `{"rollingFiveHourLimit":{"nextTickAt":"2026-09-21T09:45:00.000Z","remaining":1,"max":400,"limited":true}}`,
			Quota{Class: llm.ClassQuota, Until: tick, Windows: []Window{{"5h", 0, tick}}}},
		{"synthetic old form", "synthetic", `{"subscription":{"limit":100,"requests":100,"renewsAt":"2026-09-21T12:00:00Z"}}`,
			Quota{Class: llm.ClassQuota, Until: regen, Windows: []Window{{"subscription", 0, regen}}}},
		{"synthetic pay as you go", "synthetic", `{}`, Quota{}},
		{"openrouter", "openrouter", `{"data":{"limit_remaining":12.5}}`, Quota{Balance: "$12.5"}},
		{"openrouter no limit", "openrouter", `{"data":{"limit_remaining":null}}`, Quota{}},
		{"openrouter empty", "openrouter", `{"data":{"limit_remaining":0}}`, Quota{Balance: "$0", Class: llm.ClassBalance}},
		{"openrouter bad key", "openrouter", `{"error":{"code":401,"message":"no"}}`, Quota{Class: llm.ClassAuth}},
		{"deepseek", "deepseek", `{"is_available":true,"balance_infos":[{"currency":"CNY","total_balance":"110.00"},{"currency":"USD","total_balance":"1.50"}]}`, Quota{Balance: "110.00 CNY, 1.50 USD"}},
		{"deepseek empty", "deepseek", `{"is_available":false,"balance_infos":[]}`, Quota{Class: llm.ClassBalance}},
		{"moonshot", "moonshot", `{"data":{"available_balance":49.5}}`, Quota{Balance: "49.5"}},
		{"moonshot empty", "moonshot", `{"data":{"available_balance":-1}}`, Quota{Balance: "-1", Class: llm.ClassBalance}},
		{"kimi", "kimi-coding", `{"usage":{"limit":"100","used":"40","resetTime":"2026-09-21T12:00:00Z"},"limits":[{"detail":{"limit":"20","remaining":"0","resetTime":"2026-09-21T09:45:00Z"}}]}`,
			Quota{Class: llm.ClassQuota, Until: tick, Windows: []Window{{"plan", 0.6, regen}, {"window", 0, tick}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, vendor(t, c.kind).Quota.Read([]byte(c.body), noon)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQuotaProbe_WhatIsNoAnswerSaysNothingAboutTheKey(t *testing.T) {
	for _, v := range Catalogue().Vendors() {
		if v.Quota == nil {
			continue
		}
		for _, body := range []string{"", "<html>", "[]", "null", `"x"`, `{"a":`, strings.Repeat("[", 100_000)} {
			if got := v.Quota.Read([]byte(body), noon); got.Class != llm.ClassTransient {
				t.Errorf("%s: %.20q gave %+v", v.Kind, body, got)
			}
		}
	}
}

func TestQuotaProbe_RequestCarriesTheKeyAsTheVendorWantsIt(t *testing.T) {
	for kind, want := range map[string]string{"zai-coding": "k", "minimax": "Bearer k"} {
		req, err := vendor(t, kind).Quota.Request("k")
		if err != nil || req.Method != "GET" || req.Header.Get("Authorization") != want {
			t.Errorf("%s: %v %v", kind, err, req)
		}
	}
	if _, err := (&QuotaProbe{URL: ":"}).Request("k"); err == nil {
		t.Error("a URL that is none gave a request")
	}
}

func FuzzQuota(f *testing.F) {
	f.Add(`{"base_resp":{"status_code":0},"model_remains":[{"end_time":1e300,"current_interval_total_count":-1}]}`)
	f.Add(`{"code":200,"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","percentage":"x","nextResetTime":-1}]}}`)
	f.Add(`{"rollingFiveHourLimit":{"nextTickAt":"9999-12-31T23:59:59Z","remaining":1e9,"max":1e-9}}`)
	f.Add(`{"rollingFiveHourLimit":{"remaining":"NaN","max":"Inf"},"weeklyTokenLimit":{"percentRemaining":"NaN"}}`)
	f.Add(`{"usage":{"limit":"NaN","used":"Inf"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, v := range Catalogue().Vendors() {
			if v.Quota == nil {
				continue
			}
			q := v.Quota.Read([]byte(body), noon)
			for _, w := range q.Windows {
				if !(w.Left == -1 || w.Left >= 0 && w.Left <= 1) {
					t.Fatalf("%s: %v left", v.Kind, w.Left)
				}
			}
		}
	})
}
