package failover

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// noon is the time of every answer in these tests: 2026-08-12 08:00 UTC, which
// is 16:00 in Beijing.
var noon = time.Date(2026, 8, 12, 8, 0, 0, 0, time.UTC)

func vendor(t testing.TB, kind string) *provider.Vendor {
	t.Helper()
	if kind == "" {
		return nil
	}
	v, ok := provider.Catalogue().Vendor(kind)
	if !ok {
		t.Fatalf("no vendor %q", kind)
	}
	return v
}

// row is one line of a vendor's error table.
type row struct {
	name   string
	kind   string
	status int
	header string // "Name: value" lines
	body   string
	class  llm.Class
	reason string
	code   string        // "" is not compared
	wait   time.Duration // 0: unknown
}

func (r *row) answer() Answer {
	h := http.Header{}
	for line := range strings.Lines(r.header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h.Set(name, value)
	}
	return Answer{Status: r.status, Header: h, Body: []byte(r.body), Now: noon, Phase: PhaseBody}
}

func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			d := Classify(vendor(t, r.kind), r.answer())
			if d.Class != r.class || d.Reason != r.reason {
				t.Errorf("got %s/%s, want %s/%s (%+v)", d.Class, d.Reason, r.class, r.reason, d)
			}
			if r.code != "" && d.Code != r.code {
				t.Errorf("code %q, want %q", d.Code, r.code)
			}
			if d.Wait != r.wait || d.WaitKnown != (r.wait != 0) {
				t.Errorf("wait %s (known %v), want %s", d.Wait, d.WaitKnown, r.wait)
			}
			if d.WaitKnown && !d.Until.Equal(noon.Add(d.Wait)) {
				t.Errorf("until %s does not fit wait %s", d.Until, d.Wait)
			}
			checkVerdict(t, &d)
		})
	}
}

// checkVerdict holds what is true of every verdict.
func checkVerdict(t *testing.T, d *Verdict) {
	t.Helper()
	if d.Class == llm.ClassNone || d.Reason == "" || d.Err == nil || d.Err.Message == "" {
		t.Errorf("incomplete: %+v", d)
	}
	if d.Err != nil && d.Err.Status == http.StatusUnauthorized {
		t.Error("a client would hear a provider's 401")
	}
	if d.Class.ClientFault() && (d.RetrySame || d.TryNextKey || d.TryNextTarget || d.Scope != ScopeNone || d.WaitKnown) {
		t.Errorf("the client's fault is held against the provider: %+v", d)
	}
	if d.WaitKnown && d.Wait <= 0 {
		t.Errorf("a wait of %s", d.Wait)
	}
}

func TestClassify_Cerebras(t *testing.T) {
	flat := func(msg, typ, param, code string) string {
		return fmt.Sprintf(`{"message":%q,"type":%q,"param":%q,"code":%q}`, msg, typ, param, code)
	}
	const buckets = "x-ratelimit-remaining-requests-day: 14399\nx-ratelimit-reset-requests-day: 33011.382867\n" +
		"x-ratelimit-remaining-tokens-minute: 0\nx-ratelimit-reset-tokens-minute: 11.5\n"
	runRows(t, []row{
		{"unknown property", "cerebras", 400, "", flat("property 'messages.2.assistant.reasoning_content' is unsupported", "invalid_request_error", "validation_error", "wrong_api_format"), llm.ClassBadRequest, "client_fault", "wrong_api_format", 0},
		{"context by wording", "cerebras", 400, "", flat("Please reduce the length of the messages or completion. Current length is 69553 while limit is 65536", "invalid_request_error", "messages", "x"), llm.ClassContext, "client_fault", "", 0},
		{"context by code", "cerebras", 400, "", flat("too long", "invalid_request_error", "", "context_length_exceeded"), llm.ClassContext, "client_fault", "", 0},
		{"key", "cerebras", 401, "", flat("Wrong API Key", "authentication_error", "", "wrong_api_key"), llm.ClassAuth, "auth", "wrong_api_key", 0},
		{"payment", "cerebras", 402, "", flat("Payment required", "payment_required", "", ""), llm.ClassBalance, "quota", "", 0},
		{"permission", "cerebras", 403, "", flat("You may not use this", "permission_denied", "", ""), llm.ClassModelDenied, "denied", "", 0},
		{"model", "cerebras", 404, "", flat("Model x does not exist", "not_found_error", "model", "model_not_found"), llm.ClassModelDenied, "model_missing", "", 0},
		{"timeout", "cerebras", 408, "", "", llm.ClassTransient, "upstream_408", "", 0},
		{"images too large", "cerebras", 413, "", flat("Content too large", "content_too_large", "", ""), llm.ClassBadRequest, "too_large", "", 0},
		{"old validation", "cerebras", 422, "", flat("bad", "validation_error", "", ""), llm.ClassBadRequest, "client_fault", "", 0},
		{"requests a minute, a refilling window", "cerebras", 429, "", flat("Requests per minute limit exceeded - too many requests sent.", "too_many_requests_error", "quota", "request_quota_exceeded"), llm.ClassRate, "rate_limited", "request_quota_exceeded", 0},
		{"tokens a minute, with buckets", "cerebras", 429, buckets, flat("Tokens per minute limit exceeded - too many tokens processed.", "too_many_tokens_error", "quota", "token_quota_exceeded"), llm.ClassRate, "rate_limited", "", 11500 * time.Millisecond},
		{"requests a day are a spent window", "cerebras", 429, "x-ratelimit-remaining-requests-day: 0\nx-ratelimit-reset-requests-day: 33011.5", flat("limit", "too_many_requests_error", "quota", "request_quota_exceeded"), llm.ClassQuota, "quota", "", 33011500 * time.Millisecond},
		{"queue", "cerebras", 429, "", flat("We're experiencing high traffic right now! Please try again soon.", "too_many_requests_error", "queue", "queue_exceeded"), llm.ClassOverload, "overloaded", "queue_exceeded", 0},
		{"queue as 503", "cerebras", 503, "", flat("We're experiencing high traffic right now! Please try again soon.", "too_many_requests_error", "queue", "queue_exceeded"), llm.ClassOverload, "overloaded", "", 0},
		{"queue in the nested form", "cerebras", 429, "", `{"error":` + flat("busy", "too_many_requests_error", "queue", "queue_exceeded") + `}`, llm.ClassOverload, "overloaded", "", 0},
		{"500", "cerebras", 500, "", "", llm.ClassTransient, "upstream_5xx", "", 0},
		{"502", "cerebras", 502, "", "", llm.ClassTransient, "upstream_5xx", "", 0},
		{"503", "cerebras", 503, "", "", llm.ClassTransient, "upstream_5xx", "", 0},
		{"504", "cerebras", 504, "", "", llm.ClassTransient, "upstream_5xx", "", 0},
		{"error in a 200", "cerebras", 200, "", `{"error":{"message":"boom","type":"server_error","param":"","code":"","id":"x"},"status_code":500}`, llm.ClassTransient, "error_in_200", "", 0},
	})
}

// zaiTable is the table of Z.AI's codes: code, HTTP status, class.
var zaiTable = []struct {
	codes  string
	status int
	class  llm.Class
}{
	{"1000 1001 1002 1003 1004 1005", 401, llm.ClassAuth},
	{"1110 1111 1112 1121", 429, llm.ClassPlanDead},
	{"1110 1111 1112 1121", 401, llm.ClassPlanDead},
	{"1113", 429, llm.ClassBalance},
	{"1120", 500, llm.ClassTransient},
	{"1200 1230 1234 500", 500, llm.ClassTransient},
	{"1210 1212 1213 1214 1215", 400, llm.ClassBadRequest},
	{"1211", 400, llm.ClassModelDenied},
	{"1220", 403, llm.ClassModelDenied},
	{"1221 1222", 404, llm.ClassModelDenied},
	{"1231", 400, llm.ClassBadRequest},
	{"1261", 400, llm.ClassContext},
	{"1300 1301", 400, llm.ClassContent},
	{"1302", 429, llm.ClassConcurrency},
	{"1303", 429, llm.ClassRate},
	{"1304", 429, llm.ClassQuota},
	{"1305", 429, llm.ClassOverload},
	{"1305", 529, llm.ClassOverload},
	{"1308 1310 1316 1317 1318 1319 1320 1321", 429, llm.ClassQuota},
	{"1309 1314 1315", 429, llm.ClassPlanDead},
	{"1311", 429, llm.ClassModelDenied},
	{"1312", 429, llm.ClassOverload},
	{"1313", 429, llm.ClassFairUse},
}

// zaiShapes are the forms in which Z.AI's codes come.
var zaiShapes = map[string]string{
	"text in code":              `{"error":{"code":"%s","message":"some text"}}`,
	"number in code":            `{"error":{"code":%s,"message":"some text"},"request_id":"2026"}`,
	"code in type":              `{"type":"error","error":{"type":"%s","message":"some text"},"request_id":"2026"}`,
	"brackets, misleading type": `{"type":"error","error":{"type":"rate_limit_error","message":"[%s][some text][20260812abc]"}}`,
	"flat":                      `{"code":%s,"msg":"some text","success":false}`,
}

func TestClassify_ZAI_EveryCodeInEveryShape(t *testing.T) {
	for shape, format := range zaiShapes {
		for _, line := range zaiTable {
			for code := range strings.FieldsSeq(line.codes) {
				t.Run(fmt.Sprintf("%s/%s/%d", shape, code, line.status), func(t *testing.T) {
					for _, kind := range []string{"zai", "zai-coding", "zai-cn", "zai-coding-cn"} {
						d := Classify(vendor(t, kind), Answer{Status: line.status, Body: fmt.Appendf(nil, format, code), Now: noon})
						if d.Class != line.class || d.Code != code {
							t.Errorf("%s: got %s %q, want %s", kind, d.Class, d.Code, line.class)
						}
						checkVerdict(t, &d)
					}
				})
			}
		}
	}
}

func TestClassify_ZAI_CodesAlsoCountInside200AndStreams(t *testing.T) {
	for shape, format := range zaiShapes {
		t.Run(shape, func(t *testing.T) {
			body := fmt.Appendf(nil, format, "1302")
			d := Classify(vendor(t, "zai"), Answer{Status: 200, Body: body, Now: noon})
			if d.Class != llm.ClassConcurrency || d.Reason != ReasonErrorIn200 {
				t.Errorf("200: got %s/%s", d.Class, d.Reason)
			}
			d = Classify(vendor(t, "zai"), Answer{Status: 200, Body: body, InStream: true, Phase: PhaseBody, Now: noon})
			if d.Class != llm.ClassConcurrency || d.Reason != ReasonErrorFirst || !d.TryNextKey {
				t.Errorf("stream: got %s/%s", d.Class, d.Reason)
			}
			d = Classify(vendor(t, "zai"), Answer{Status: 200, Body: body, InStream: true, Phase: PhaseStream, Now: noon})
			if d.Reason != ReasonUpstreamError || d.TryNextKey || d.TryNextTarget || d.RetrySame {
				t.Errorf("after content: %+v", d)
			}
		})
	}
}

func TestClassify_ZAI_Waits(t *testing.T) {
	said := func(code, msg string) string { return fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, msg) }
	runRows(t, []row{
		{"five hours, in Beijing's time", "zai-coding", 429, "", said("1308", "Usage limit reached for 5 hour. Your limit will reset at 2026-08-12 18:58:34"), llm.ClassQuota, "quota", "1308", 2*time.Hour + 58*time.Minute + 34*time.Second},
		{"week", "zai-coding", 429, "", said("1310", "Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-08-15 16:00:00"), llm.ClassQuota, "quota", "", 72 * time.Hour},
		{"passed", "zai-coding", 429, "", said("1308", "Your limit will reset at 2026-08-12 15:59:59"), llm.ClassQuota, "quota", "", 5 * time.Minute},
		{"more than eight days away", "zai-coding", 429, "", said("1310", "Your limit will reset at 2026-08-20 16:00:01"), llm.ClassQuota, "quota", "", 5 * time.Minute},
		{"no time", "zai-coding", 429, "", said("1316", "window spent"), llm.ClassQuota, "quota", "", 5 * time.Minute},
		{"daily calls until midnight in Beijing", "zai", 429, "", said("1304", "daily"), llm.ClassQuota, "quota", "", 8 * time.Hour},
		{"the answer's own clock counts", "zai-coding", 429, "Date: Wed, 12 Aug 2026 07:58:34 GMT", said("1308", "reset at 2026-08-12 18:58:34"), llm.ClassQuota, "quota", "", 3 * time.Hour},
		{"bracketed", "zai-coding", 429, "", `{"type":"error","error":{"type":"rate_limit_error","message":"[1308][Usage limit reached for 5 hour. Your limit will reset at 2026-08-12 17:00:00][2026]"}}`, llm.ClassQuota, "quota", "1308", time.Hour},
		{"fair use says usage and is none", "zai-coding", 429, "", said("1313", "Your usage pattern has exceeded fair use. usage limit reached"), llm.ClassFairUse, "fair_use", "1313", 0},
		{"overload on the Anthropic side", "zai-coding", 529, "", `{"type":"error","error":{"type":"overloaded_error","message":"[1305][The service may be temporarily overloaded, please try again later][2026]"}}`, llm.ClassOverload, "overloaded", "1305", 0},
		{"context by other wording", "zai", 400, "", said("1210", "tokens in request more than max tokens allowed"), llm.ClassBadRequest, "client_fault", "1210", 0},
		{"context without a code", "zai", 400, "", `{"error":{"message":"tokens in request more than max tokens allowed"}}`, llm.ClassContext, "client_fault", "", 0},
		{"404 inside a 200", "zai", 200, "", `{"code":500,"msg":"404 NOT_FOUND","success":false}`, llm.ClassTransient, "error_in_200", "500", 0},
		{"broken stream says so in finish_reason", "zai", 200, "", `{"choices":[{"finish_reason":"network_error","delta":{}}]}`, llm.ClassTransient, "error_in_200", "", 0},
		{"filtered stream says so in finish_reason", "zai", 200, "", `{"choices":[{"finish_reason":"sensitive","delta":{}}]}`, llm.ClassContent, "error_in_200", "", 0},
	})
}

func TestClassify_ZAI_NamesTheOtherKindForAWrongKey(t *testing.T) {
	d := Classify(vendor(t, "zai"), Answer{Status: 429, Body: []byte(`{"error":{"code":"1113","message":"Insufficient balance"}}`), Now: noon})
	if !strings.Contains(d.Note, "zai-coding") || d.Scope != ScopeAccount {
		t.Errorf("got %+v", d)
	}
	d = Classify(vendor(t, "zai-coding"), Answer{Status: 429, Body: []byte(`{"error":{"code":"1309","message":"expired"}}`), Now: noon})
	if !strings.Contains(d.Note, "kind zai ") || d.Scope != ScopeKey {
		t.Errorf("got %+v", d)
	}
}

// minimaxTable is the table of MiniMax's codes.
var minimaxTable = []struct {
	codes string
	class llm.Class
}{
	{"1000 1001 1013 1024 1033", llm.ClassTransient},
	{"1002 1039 2045", llm.ClassRate},
	{"1004 2049", llm.ClassAuth},
	{"1008", llm.ClassBalance},
	{"1026 1027", llm.ClassContent},
	{"1028 1030 2056 2062", llm.ClassQuota},
	{"1041", llm.ClassConcurrency},
	{"1042 2013", llm.ClassBadRequest},
	{"2061", llm.ClassModelDenied},
	{"2064", llm.ClassOverload},
}

func TestClassify_MiniMax_EveryCodeInEveryShape(t *testing.T) {
	shapes := map[string]struct {
		status int
		format string
	}{
		"base_resp in a 200":   {200, `{"id":"x","choices":null,"base_resp":{"status_code":%s,"status_msg":"some text"}}`},
		"base_resp in a 500":   {500, `{"base_resp":{"status_code":%s,"status_msg":"some text"}}`},
		"brackets, spent plan": {429, `{"type":"error","error":{"type":"rate_limit_error","message":"some text (%s)","http_code":"429"},"request_id":"06"}`},
		"brackets in a 422":    {422, `{"type":"error","error":{"type":"unprocessable_entity_error","message":"some text (%s)","http_code":"422"}}`},
		"code member":          {400, `{"error":{"code":%s,"message":"some text"}}`},
	}
	for shape, s := range shapes {
		for _, line := range minimaxTable {
			for code := range strings.FieldsSeq(line.codes) {
				t.Run(shape+"/"+code, func(t *testing.T) {
					for _, kind := range []string{"minimax", "minimax-cn"} {
						d := Classify(vendor(t, kind), Answer{Status: s.status, Body: fmt.Appendf(nil, s.format, code), Now: noon})
						if d.Class != line.class || d.Code != code {
							t.Errorf("%s: got %s %q, want %s", kind, d.Class, d.Code, line.class)
						}
						checkVerdict(t, &d)
					}
				})
			}
		}
	}
}

func TestClassify_MiniMax(t *testing.T) {
	runRows(t, []row{
		{"spent plan, labelled rate limit", "minimax", 429, "", `{"type":"error","error":{"type":"rate_limit_error","message":"Token Plan usage limit reached: Upgrade your Token Plan or purchase Credits for more usage. (2056)","http_code":"429"},"request_id":"06cd"}`, llm.ClassQuota, "quota", "2056", 10 * time.Minute},
		{"plan expired or throttled", "minimax", 200, "", `{"base_resp":{"status_code":2062,"status_msg":"x"}}`, llm.ClassQuota, "error_in_200", "2062", 5 * time.Minute},
		{"context", "minimax", 400, "", `{"error":{"message":"invalid params, context window exceeds limit (2013)","type":"bad_request_error"}}`, llm.ClassContext, "client_fault", "2013", 0},
		{"tool order", "minimax", 400, "", `{"error":{"message":"invalid params, tool call result does not follow tool call (2013)","type":"bad_request_error"}}`, llm.ClassBadRequest, "client_fault", "2013", 0},
		{"balance in a 200", "minimax", 200, "", `{"id":"..","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, llm.ClassBalance, "error_in_200", "1008", 0},
		{"overload", "minimax", 529, "", `{"type":"error","error":{"type":"overloaded_error","message":"busy (2064)","http_code":"529"}}`, llm.ClassOverload, "overloaded", "2064", 0},
		{"authorized_error", "minimax", 401, "", `{"type":"error","error":{"type":"authorized_error","message":"login fail"}}`, llm.ClassAuth, "auth", "", 0},
		{"balance type", "minimax", 402, "", `{"type":"error","error":{"type":"insufficient_balance_error","message":"x"}}`, llm.ClassBalance, "quota", "", 0},
		{"server error", "minimax", 500, "", `{"type":"error","error":{"type":"server_error","message":"x"}}`, llm.ClassTransient, "upstream_5xx", "", 0},
	})
}

func TestClassify_Synthetic(t *testing.T) {
	const quotas = `x-synthetic-quotas: {"weeklyTokenLimit":{"nextRegenAt":"2026-08-12T12:00:00.000Z","percentRemaining":62.5},"rollingFiveHourLimit":{"nextTickAt":"2026-08-12T08:15:00.000Z","remaining":%d,"max":400,"limited":%v}}`
	const spent = `{"error":"You've exceeded your subscription rate limits. Upgrade, or try again later. You can view your usage at https://synthetic.new/billing"}`
	runRows(t, []row{
		{"plan spent, no header", "synthetic", 429, "", spent, llm.ClassQuota, "quota", "", 10 * time.Minute},
		{"plan spent, until the next tick", "synthetic", 429, fmt.Sprintf(quotas, 0, true), spent, llm.ClassQuota, "quota", "", 15 * time.Minute},
		{"plan spent, nothing called empty", "synthetic", 429, fmt.Sprintf(quotas, 3, false), spent, llm.ClassQuota, "quota", "", 15 * time.Minute},
		{"week spent", "synthetic", 429, `x-synthetic-quotas: {"weeklyTokenLimit":{"nextRegenAt":"2026-08-12T12:00:00.000Z","percentRemaining":0},"rollingFiveHourLimit":{"nextTickAt":"2026-08-12T08:15:00.000Z","remaining":3,"max":400,"limited":false}}`, spent, llm.ClassQuota, "quota", "", 4 * time.Hour},
		{"parallel requests", "synthetic", 429, "Retry-After: 2", `{"error":"Too many parallel requests"}`, llm.ClassConcurrency, "concurrency", "", 2 * time.Second},
		{"balance", "synthetic", 402, "", `{"error":"Insufficient quota and token balance: consider upgrading your subscription on https://synthetic.new/billing"}`, llm.ClassBalance, "quota", "", 0},
		{"context", "synthetic", 400, "", `{"error":"Error from inference backend: 400 The input (530000 tokens) is longer than the model's context length (524288 tokens)"}`, llm.ClassContext, "client_fault", "", 0},
		{"context, short", "synthetic", 400, "", `{"error":"Context limit exceeded"}`, llm.ClassContext, "client_fault", "", 0},
		{"context, empty 400", "synthetic", 400, "", ``, llm.ClassContext, "client_fault", "", 0},
		{"key", "synthetic", 401, "", `{"error":"nope"}`, llm.ClassAuth, "auth", "", 0},
		{"maintenance page", "synthetic", 503, "", `<html><body>503</body></html>`, llm.ClassTransient, "upstream_5xx", "", 0},
	})
}

func TestClassify_OpenAI(t *testing.T) {
	body := func(msg, typ, code string) string {
		return fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":%q}}`, msg, typ, code)
	}
	runRows(t, []row{
		{"key", "openai", 401, "", body("Incorrect API key provided", "invalid_request_error", "invalid_api_key"), llm.ClassAuth, "auth", "", 0},
		{"address not allowed", "openai", 401, "", body("ip", "invalid_request_error", "ip_not_authorized"), llm.ClassPlanDead, "plan_dead", "", 0},
		{"country", "openai", 403, "", body("Country not supported", "request_forbidden", "unsupported_country"), llm.ClassPlanDead, "plan_dead", "", 0},
		{"permission", "openai", 403, "", body("no access", "permission_error", ""), llm.ClassModelDenied, "denied", "", 0},
		{"model", "openai", 404, "", body("The model x does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"), llm.ClassModelDenied, "model_missing", "", 0},
		{"rate, wait in the message", "openai", 429, "", body("Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 1.574s.", "tokens", "rate_limit_exceeded"), llm.ClassRate, "rate_limited", "", 1574 * time.Millisecond},
		{"rate, wait in the bucket", "openai", 429, "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 6m0s\nx-ratelimit-remaining-tokens: 5\nx-ratelimit-reset-tokens: 20m", body("slow", "requests", "rate_limit_exceeded"), llm.ClassRate, "rate_limited", "", 6 * time.Minute},
		{"slow down", "openai", 429, "", body("slow down", "x", "slow_down"), llm.ClassRate, "rate_limited", "", 0},
		{"quota", "openai", 429, "", body("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), llm.ClassBalance, "quota", "", 0},
		{"credit", "openai", 429, "", body("x", "insufficient_quota", "credit_balance_exhausted"), llm.ClassBalance, "quota", "", 0},
		{"organization spend", "openai", 429, "", body("x", "insufficient_quota", "organization_spend_limit_exceeded"), llm.ClassBalance, "quota", "", 0},
		{"project spend", "openai", 429, "", body("x", "insufficient_quota", "project_spend_limit_exceeded"), llm.ClassBalance, "quota", "", 0},
		{"organization usage", "openai", 429, "", body("x", "insufficient_quota", "organization_usage_limit_exceeded"), llm.ClassBalance, "quota", "", 0},
		{"larger than the bucket", "openai", 429, "", body("Request too large for gpt-5 on tokens per min (TPM): Limit 30000, Requested 40000.", "tokens", "rate_limit_exceeded"), llm.ClassRate, "too_large", "", 0},
		{"plan limit with an epoch", "openai", 429, "", `{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":1786525200}}`, llm.ClassQuota, "quota", "", time.Hour},
		{"context", "openai", 400, "", body("This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens.", "invalid_request_error", "context_length_exceeded"), llm.ClassContext, "client_fault", "", 0},
		{"overloaded", "openai", 503, "", body("The engine is currently overloaded, please try again later", "server_error", ""), llm.ClassOverload, "overloaded", "", 0},
		{"slow down as 503", "openai", 503, "", body("Slow Down", "x", "slow_down"), llm.ClassOverload, "overloaded", "", 0},
		{"service unavailable", "openai", 503, "", body("x", "service_unavailable_error", ""), llm.ClassOverload, "overloaded", "", 0},
		{"server is overloaded", "openai", 503, "", body("x", "service_unavailable_error", "server_is_overloaded"), llm.ClassOverload, "overloaded", "", 0},
		{"server error", "openai", 500, "", body("x", "server_error", ""), llm.ClassTransient, "upstream_5xx", "", 0},
		{"response failed in a stream", "openai", 200, "", `{"type":"response.failed","response":{"error":{"code":"server_is_overloaded","message":"busy"}}}`, llm.ClassOverload, "error_in_200", "", 0},
		{"rate limit in a stream", "openai", 200, "", `{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"Please try again in 7s."}}}`, llm.ClassRate, "error_in_200", "", 7 * time.Second},
		{"error event", "openai", 200, "", `{"type":"error","code":"context_length_exceeded","message":"too long","param":null,"sequence_number":3}`, llm.ClassContext, "error_in_200", "", 0},
	})
}

func TestClassify_Anthropic(t *testing.T) {
	body := func(typ, msg string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_1"}`, typ, msg)
	}
	runRows(t, []row{
		{"rate with retry-after", "anthropic", 429, "retry-after: 7", body("rate_limit_error", "slow"), llm.ClassRate, "rate_limited", "", 7 * time.Second},
		{"rate by reset stamp", "anthropic", 429, "anthropic-ratelimit-input-tokens-remaining: 0\nanthropic-ratelimit-input-tokens-reset: 2026-08-12T08:00:30Z\nanthropic-ratelimit-requests-remaining: 9\nanthropic-ratelimit-requests-reset: 2026-08-12T09:00:00Z", body("rate_limit_error", "slow"), llm.ClassRate, "rate_limited", "", 30 * time.Second},
		{"reset stamp against a skewed clock", "anthropic", 429, "date: Wed, 12 Aug 2026 09:00:00 GMT\nanthropic-ratelimit-requests-remaining: 0\nanthropic-ratelimit-requests-reset: 2026-08-12T09:00:30Z", body("rate_limit_error", "slow"), llm.ClassRate, "rate_limited", "", 30 * time.Second},
		{"spend limit", "anthropic", 429, "", `{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}`, llm.ClassQuota, "quota", "", 0},
		{"own limit, a 400", "anthropic", 400, "", body("invalid_request_error", "You have reached your specified API usage limits. You will regain access on 2026-09-01."), llm.ClassQuota, "quota", "", 0},
		{"billing", "anthropic", 402, "", body("billing_error", "x"), llm.ClassBalance, "quota", "", 0},
		{"credit, a 400", "anthropic", 400, "", body("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), llm.ClassBalance, "quota", "", 0},
		{"overloaded", "anthropic", 529, "", body("overloaded_error", "Overloaded"), llm.ClassOverload, "overloaded", "", 0},
		{"overloaded in a stream", "anthropic", 200, "", body("overloaded_error", "Overloaded"), llm.ClassOverload, "error_in_200", "", 0},
		{"rate limit in a stream", "anthropic", 200, "", body("rate_limit_error", "slow"), llm.ClassRate, "error_in_200", "", 0},
		{"api error in a stream", "anthropic", 200, "", body("api_error", "boom"), llm.ClassTransient, "error_in_200", "", 0},
		{"key", "anthropic", 401, "", body("authentication_error", "invalid x-api-key"), llm.ClassAuth, "auth", "", 0},
		{"permission", "anthropic", 403, "", body("permission_error", "x"), llm.ClassModelDenied, "denied", "", 0},
		{"model", "anthropic", 404, "", body("not_found_error", "model: claude-x"), llm.ClassModelDenied, "model_missing", "", 0},
		{"conflict", "anthropic", 409, "", body("conflict_error", "x"), llm.ClassTransient, "conflict", "", 500 * time.Millisecond},
		{"too large", "anthropic", 413, "", body("request_too_large", "x"), llm.ClassBadRequest, "too_large", "", 0},
		{"context", "anthropic", 400, "", body("invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum"), llm.ClassContext, "client_fault", "", 0},
		{"context with max_tokens", "anthropic", 400, "", body("invalid_request_error", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens`"), llm.ClassContext, "client_fault", "", 0},
		{"timeout", "anthropic", 504, "", body("timeout_error", "x"), llm.ClassTransient, "upstream_5xx", "", 0},
		{"subscription spent", "anthropic", 429, "anthropic-ratelimit-unified-status: rejected\nanthropic-ratelimit-unified-reset: 1786525200", body("rate_limit_error", "x"), llm.ClassQuota, "quota", "", time.Hour},
	})
}

func TestClassify_OpenRouter(t *testing.T) {
	runRows(t, []row{
		{"credits", "openrouter", 402, "", `{"error":{"code":402,"message":"Insufficient credits","metadata":{}}}`, llm.ClassBalance, "quota", "402", 0},
		{"in-flight budget", "openrouter", 402, "Retry-After: 3", `{"error":{"code":402,"message":"x","metadata":{"limit_source":"openrouter_in_flight_budget"}}}`, llm.ClassRate, "rate_limited", "", 3 * time.Second},
		{"moderation", "openrouter", 403, "", `{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["x"]}}}`, llm.ClassContent, "client_fault", "", 0},
		{"rate", "openrouter", 429, "", `{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"headers":{"X-RateLimit-Reset":"1786521660000"}}}}`, llm.ClassRate, "rate_limited", "", time.Minute},
		{"model down", "openrouter", 502, "", `{"error":{"code":502,"message":"Provider returned error"}}`, llm.ClassOverload, "overloaded", "", 0},
		{"no provider", "openrouter", 503, "Retry-After: 9", `{"error":{"code":503,"message":"no provider"}}`, llm.ClassOverload, "overloaded", "", 9 * time.Second},
		{"429 in a 200", "openrouter", 200, "", `{"error":{"code":429,"message":"Rate limit exceeded"}}`, llm.ClassRate, "error_in_200", "", 0},
		{"402 in a 200", "openrouter", 200, "", `{"error":{"code":402,"message":"credits"},"choices":[]}`, llm.ClassBalance, "error_in_200", "", 0},
		{"502 in a choice", "openrouter", 200, "", `{"choices":[{"finish_reason":"error","error":{"code":502,"message":"down"}}]}`, llm.ClassOverload, "error_in_200", "", 0},
		{"finish_reason error", "openrouter", 200, "", `{"choices":[{"finish_reason":"error","delta":{"content":""}}]}`, llm.ClassTransient, "error_in_200", "", 0},
		{"timeout", "openrouter", 408, "", `{"error":{"code":408,"message":"x"}}`, llm.ClassTransient, "upstream_408", "", 0},
		{"context behind it", "openrouter", 400, "", `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens\"}}"}}}`, llm.ClassContext, "client_fault", "", 0},
	})
}

func TestClassify_Groq(t *testing.T) {
	runRows(t, []row{
		{"rate", "groq", 429, "retry-after: 2", `{"error":{"message":"Rate limit reached ... Please try again in 1.2s","type":"tokens","code":"rate_limit_exceeded"}}`, llm.ClassRate, "rate_limited", "", 2 * time.Second},
		{"tokens by duration", "groq", 429, "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 7.66s\nx-ratelimit-remaining-requests: 14\nx-ratelimit-reset-requests: 2m59.56s", `{"error":{"message":"x","type":"tokens","code":"rate_limit_exceeded"}}`, llm.ClassRate, "rate_limited", "", 7660 * time.Millisecond},
		{"requests count per day", "groq", 429, "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2h59m", `{"error":{"message":"x","type":"requests","code":"rate_limit_exceeded"}}`, llm.ClassQuota, "quota", "", 179 * time.Minute},
		{"larger than the bucket", "groq", 413, "", `{"error":{"message":"Request too large for model x on tokens per minute (TPM): Limit 8000, Requested 32979, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}`, llm.ClassRate, "too_large", "", 0},
		{"flex capacity", "groq", 498, "", `{"error":{"message":"x","type":"x","code":"capacity"}}`, llm.ClassOverload, "overloaded", "", 0},
		{"cancelled", "groq", 499, "", `{"error":{"message":"x"}}`, llm.ClassTransient, "bad_payload", "", 0},
		{"bad tool call", "groq", 400, "", `{"error":{"message":"Failed to call a function","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x"}}`, llm.ClassTransient, "bad_payload", "", 0},
		{"context", "groq", 400, "", `{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, llm.ClassContext, "client_fault", "", 0},
	})
}

func TestClassify_DeepSeekAndMoonshot(t *testing.T) {
	typed := func(typ, msg string) string { return fmt.Sprintf(`{"error":{"type":%q,"message":%q}}`, typ, msg) }
	runRows(t, []row{
		{"deepseek balance", "deepseek", 402, "", typed("unknown_error", "Insufficient Balance"), llm.ClassBalance, "quota", "", 0},
		{"deepseek rate", "deepseek", 429, "", typed("x", "Too many requests"), llm.ClassRate, "rate_limited", "", 0},
		{"deepseek busy", "deepseek", 503, "", "", llm.ClassOverload, "overloaded", "", 0},
		{"deepseek parameters", "deepseek", 422, "", typed("invalid_request_error", "x"), llm.ClassBadRequest, "client_fault", "", 0},
		{"deepseek context", "deepseek", 400, "", typed("invalid_request_error", "This model's maximum context length is 1048576 tokens. However, you requested 1100000 tokens"), llm.ClassContext, "client_fault", "", 0},
		{"moonshot quota", "moonshot", 429, "", typed("exceeded_current_quota_error", "x"), llm.ClassBalance, "quota", "", 0},
		{"moonshot rate", "moonshot", 429, "", typed("rate_limit_reached_error", "please try again after 1 seconds"), llm.ClassRate, "rate_limited", "", time.Second},
		{"moonshot busy", "moonshot", 429, "", typed("engine_overloaded_error", "x"), llm.ClassOverload, "overloaded", "", 0},
		{"moonshot quota in a stream", "moonshot", 200, "", typed("exceeded_current_quota_error", "x"), llm.ClassBalance, "error_in_200", "", 0},
		{"moonshot busy in a stream", "moonshot", 200, "", typed("engine_overloaded_error", "x"), llm.ClassOverload, "error_in_200", "", 0},
		{"moonshot key", "moonshot", 401, "", typed("invalid_authentication_error", "x"), llm.ClassAuth, "auth", "", 0},
		{"moonshot other key", "moonshot", 401, "", typed("incorrect_api_key_error", "x"), llm.ClassAuth, "auth", "", 0},
		{"moonshot context", "moonshot", 400, "", typed("invalid_request_error", "Your request exceeded model token limit: 262144 (requested: 269030)"), llm.ClassContext, "client_fault", "", 0},
		{"kimi membership", "kimi-coding", 402, "", typed("x", "membership required"), llm.ClassPlanDead, "plan_dead", "", 0},
		{"kimi cycle", "kimi-coding", 403, "", typed("x", "You've reached your usage limit for this billing cycle"), llm.ClassQuota, "quota", "", 0},
		{"kimi period", "kimi-coding", 429, "", typed("x", "You've reached your usage limit for this period"), llm.ClassQuota, "quota", "", 0},
		{"kimi other program", "kimi-coding", 403, "", typed("x", "only available for Coding Agents"), llm.ClassPlanDead, "plan_dead", "", 0},
	})
}

func TestClassify_LocalServers(t *testing.T) {
	runRows(t, []row{
		{"ollama model", "ollama", 404, "", `{"error":"model \"x\" not found"}`, llm.ClassModelDenied, "model_missing", "", 0},
		{"ollama model, plain text", "ollama", 404, "", `model "x" not found`, llm.ClassModelDenied, "model_missing", "", 0},
		{"ollama queue", "ollama", 503, "", `{"error":"server busy, please try again. maximum pending requests exceeded"}`, llm.ClassOverload, "overloaded", "", 0},
		{"vllm integer code", "vllm", 400, "", `{"error":{"message":"bad","type":"BadRequestError","param":null,"code":400}}`, llm.ClassBadRequest, "client_fault", "400", 0},
		{"vllm old flat form", "vllm", 400, "", `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens","type":"BadRequestError","param":null,"code":400}`, llm.ClassContext, "client_fault", "", 0},
		{"vllm error in a 200", "vllm", 200, "", `{"object":"error","message":"bad","type":"BadRequestError","code":400}`, llm.ClassBadRequest, "error_in_200", "", 0},
		{"llama.cpp loading", "llamacpp", 503, "", `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, llm.ClassOverload, "overloaded", "503", 0},
		{"llama.cpp context", "llamacpp", 400, "", `{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}`, llm.ClassContext, "client_fault", "", 0},
	})
}

func TestClassify_UnknownVendors(t *testing.T) {
	runRows(t, []row{
		{"Gemini per minute", "", 429, "", `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota","details":[{"@type":"QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"}]},{"@type":"RetryInfo","retryDelay":"34s"}]}}]`, llm.ClassRate, "rate_limited", "", 34 * time.Second},
		{"Gemini per day, until midnight in California", "openai-compatible", 429, "", `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]},{"retryDelay":"34s"}]}}`, llm.ClassQuota, "quota", "", untilMidnight(noon, california())},
		{"Gemini key, a 400", "", 400, "", `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"API key not valid. Please pass a valid API key."}}`, llm.ClassAuth, "auth", "", 0},
		{"Gemini overload", "", 503, "", `{"error":{"code":503,"status":"UNAVAILABLE","message":"The model is overloaded. Please try again later."}}`, llm.ClassOverload, "overloaded", "", 0},
		{"Azure filter", "", 400, "", `{"error":{"code":"content_filter","message":"The response was filtered"}}`, llm.ClassContent, "client_fault", "", 0},
		{"FastAPI validation", "", 422, "", `{"detail":[{"loc":["body","model"],"msg":"field required"}]}`, llm.ClassBadRequest, "client_fault", "", 0},
		{"firewall page", "", 403, "", `<!DOCTYPE html><title>Attention Required</title>`, llm.ClassTransient, "bad_payload", "", 0},
		{"wrong address", "", 404, "", `404 page not found`, llm.ClassTransient, "bad_payload", "", 0},
		{"413 without a word", "", 413, "", ``, llm.ClassContext, "too_large", "", 0},
		{"418", "", 418, "", ``, llm.ClassBadRequest, "client_fault", "", 0},
		{"529 without a body", "", 529, "", ``, llm.ClassOverload, "overloaded", "", 0},
		{"redirect", "", 307, "Location: https://evil.example/v1?key=sk-abc12345678", ``, llm.ClassTransient, "redirect", "", 0},
	})
}

func TestClassify_GeminisQuotaOfOneModelRestsThatModelOnly(t *testing.T) {
	for quota, want := range map[string]Scope{
		"GenerateRequestsPerDayPerProjectPerModel-FreeTier": ScopeKeyModel,
		"GenerateRequestsPerDayPerProject":                  ScopeAccount,
	} {
		body := `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota","details":[{"violations":[{"quotaId":"` + quota + `"}]},{"retryDelay":"34s"}]}}`
		d := Classify(nil, Answer{Status: 429, Body: []byte(body), Now: noon})
		if d.Class != llm.ClassQuota || d.Scope != want || d.Wait != untilMidnight(noon, california()) {
			t.Errorf("%s: %s, %s for %v", quota, d.Class, d.Scope, d.Wait)
		}
	}
}
