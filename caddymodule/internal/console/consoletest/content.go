package consoletest

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// Hostile is text that breaks pages, logs and shells which treat text as
// anything else.
var Hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`'; DROP TABLE requests; --`,
	"javascript:alert(1)",
	"{{constructor.constructor('alert(1)')()}}",
	"${jndi:ldap://127.0.0.1/a}",
	"=HYPERLINK(\"http://127.0.0.1\")",
	"line\nbreak\r\nSet-Cookie: a=b",
	"bidi \u202e gnp.exe",
	"zero\u200bwidth",
	"nul\x00and bell\x07",
	"broken utf-8 \xff\xfe\xc3\x28",
	"\u2028\u2029",
	"%00%2e%2e%2f",
	"🏴‍☠️ ĀĂĄ 漢字 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
}

func (f *Fake) fill() {
	now := f.now()
	f.providers = []console.Provider{
		content("cerebras", "Cerebras", "https://api.cerebras.ai/v1", 1, "ok", now),
		content("zai", "Z.AI", "https://api.z.ai/api/paas/v4", 1, "degraded", now),
		content("minimax", "MiniMax", "https://api.minimax.io/v1", 2, "ok", now),
	}
	f.keys = []console.Key{
		{Provider: "cerebras", Name: "main", Account: "acme", State: "ready", Enabled: true, Source: "env", Requests: 410, Rests: []console.Rest{}},
		{Provider: "cerebras", Name: "spare", State: "disabled", Source: "vault", Last4: "9f2c", Tag: "b1c2d3", Rests: []console.Rest{}},
		{
			Provider: "zai", Name: "main", State: "resting", Until: console.At(now.Add(90 * time.Second)), Reason: "rate limited",
			Enabled: true, Source: "vault", Last4: "77aa", Requests: 120, Failures: 7,
			Rests: []console.Rest{{Model: "glm-5.2", Until: console.At(now.Add(90 * time.Second)), Reason: "rate limited"}},
			Quota: &console.Quota{RemainingRequests: ptr(int64(12)), RemainingTokens: ptr(int64(40_000)), Reset: console.At(now.Add(time.Minute))},
		},
		{Provider: "minimax", Name: "main", State: "ready", Enabled: true, Source: "file", Rests: []console.Rest{}},
	}
	f.rows = []console.ModelRow{
		{Alias: "coder", Provider: "zai", Model: "glm-5.2", Tier: ptr(1), Weight: ptr(1), Enabled: ptr(true)},
		{Alias: "coder", Provider: "minimax", Model: "MiniMax-M3", Tier: ptr(1), Weight: ptr(1), Enabled: ptr(true)},
		{Alias: "quick", Provider: "cerebras", Model: "gpt-oss-120b", Tier: ptr(1), Weight: ptr(2), Enabled: ptr(true)},
	}
	for i := range 25 {
		f.requests = append(f.requests, exchange(i, now))
	}
	f.clients = []console.Client{{
		ID: "laptop", Created: console.At(now.Add(-48 * time.Hour)), SpentTodayMicroUSD: 120_000, SpentMonthMicroUSD: 2_400_000, Source: "store",
		ClientSettings: console.ClientSettings{Name: "laptop", Team: "core", Enabled: ptr(true), Models: []string{"coder"}, DailyMicroUSD: 5_000_000},
	}, {
		ID: "ci", Source: "config", ClientSettings: console.ClientSettings{Name: "ci", Enabled: ptr(true), Networks: []string{"10.0.0.0/8"}},
	}}
	f.alerts = []console.Alert{{
		Name: "error rate", State: "firing", Metric: "error_rate", Value: 0.12, Threshold: 0.05,
		Since: console.At(now.Add(-3 * time.Minute)), Provider: "zai", Text: "12 % of requests failed in 5 minutes",
	}}
	f.overrides = []console.ConfigSet{{Pointer: "/providers/zai/tier", Value: []byte("1")}}
}

func content(id, title, url string, tier int, status string, now time.Time) console.Provider {
	spark := make(console.Series, 30)
	for i := range spark {
		spark[i] = float64(int(wave(now.Add(time.Duration(i)*10*time.Second), 2, 40)))
	}
	return console.Provider{
		ID: id, Kind: id, Title: title, BaseURL: url, Tier: tier, Weight: 1, Enabled: true, Origin: "file",
		Status: status, StatusText: "as expected", SuccessRate: ptr(0.993), Uptime: ptr(0.999),
		Requests: 540, Failures: 4, InFlight: 2, PingMS: 31.5, TTFTMS: 240.25, TokensPerSecond: 180.5, Spark: spark,
		Targets: []console.Target{
			{Model: "large", Breaker: "closed", TTFTMS: 240.25, TokensPerSecond: 180.5, SuccessRate: ptr(0.99)},
			{Model: "small", Breaker: "open", Until: console.At(now.Add(20 * time.Second)), SuccessRate: ptr(0.0)},
		},
	}
}

func exchange(i int, now time.Time) console.RequestDetail {
	r := console.RequestDetail{
		Request: console.Request{
			ID: id("req", i), Start: console.At(now.Add(-time.Duration(i) * 20 * time.Second)), Client: "laptop", Dialect: "anthropic", Call: "messages",
			Model: "coder", Stream: true, Session: id("session", i/5), Agent: "main", Provider: "zai", Target: "glm-5.2", Status: 200,
			TTFTMS: 230.5, DurationMS: 4100.125, TokensIn: 1800, TokensOut: 420, TokensCached: 900, CostMicroUSD: 2310, Attempts: 2, BytesOut: 9120,
		},
		Tries: []console.Attempt{
			{Provider: "minimax", Model: "MiniMax-M3", Key: "main", Dialect: "anthropic", DurationMS: 180, Status: 529, Class: "overloaded", Reason: "overloaded", Code: "overloaded_error", Message: "busy", Dropped: []string{}},
			{Provider: "zai", Model: "glm-5.2", Key: "main", Dialect: "anthropic", StartMS: 181, TTFTMS: 230.5, DurationMS: 3919, Status: 200, Dropped: []string{"top_k"}},
		},
		Decision: &console.Decision{Strategy: "fastest", Affinity: "none", Candidates: []console.DecisionTarget{
			{Provider: "minimax", Model: "MiniMax-M3", Tier: 1, ScoreMS: 210, Picked: true, Reason: "fastest"},
			{Provider: "cerebras", Model: "gpt-oss-120b", Tier: 2, Reason: "other tier", Filtered: "no vision"},
		}},
	}
	if i%7 == 3 {
		r.Status, r.Class, r.Reason, r.TokensOut = 502, "overloaded", "every target failed", 0
	}
	return r
}
