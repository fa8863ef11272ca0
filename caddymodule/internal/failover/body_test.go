package failover

import (
	"fmt"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Inside a stream there is no status: the documented types stand in for one.
func TestBody_TypesStandInForAMissingStatus(t *testing.T) {
	for class, types := range map[llm.Class][]string{
		llm.ClassBadRequest:  {"invalid_request_error", "bad_request_error", "BadRequestError", "INVALID_ARGUMENT", "unprocessable_entity_error", "request_too_large"},
		llm.ClassAuth:        {"authentication_error", "authorized_error", "AuthenticationError", "UNAUTHENTICATED"},
		llm.ClassBalance:     {"billing_error", "insufficient_balance_error", "insufficient_quota"},
		llm.ClassModelDenied: {"permission_error", "PERMISSION_DENIED", "not_found_error", "NOT_FOUND"},
		llm.ClassRate:        {"rate_limit_error", "too_many_requests_error", "too_many_tokens_error", "RESOURCE_EXHAUSTED"},
		llm.ClassOverload:    {"overloaded_error", "service_unavailable_error", "engine_overloaded_error", "UNAVAILABLE"},
		llm.ClassTransient:   {"timeout_error", "api_error", "server_error", "something_new"},
	} {
		for _, typ := range types {
			body := fmt.Appendf(nil, `{"type":"error","error":{"type":%q,"message":"x"}}`, typ)
			d := Classify(nil, Answer{Status: 200, InStream: true, Phase: PhaseBody, Body: body, Now: noon})
			if d.Class != class || d.Reason != ReasonErrorFirst {
				t.Errorf("%s: got %s/%s, want %s", typ, d.Class, d.Reason, class)
			}
		}
	}
}

func TestBody_EveryShapeIsRead(t *testing.T) {
	for _, c := range []struct {
		name, body    string
		stream        bool
		code, message string
		failed        bool
	}{
		{"nested", `{"error":{"code":"c","message":"m"}}`, false, "c", "m", true},
		{"integer code", `{"error":{"code":429,"message":"m"}}`, false, "429", "m", true},
		{"no code", `{"error":{"code":null,"message":"m"}}`, false, "", "m", true},
		{"flat", `{"message":"m","type":"t","code":"c"}`, false, "c", "m", true},
		{"string", `{"error":"m"}`, false, "", "m", true},
		{"base_resp", `{"base_resp":{"status_code":1002,"status_msg":"m"}}`, false, "1002", "m", true},
		{"base_resp of a success", `{"choices":[{"message":{}}],"base_resp":{"status_code":0,"status_msg":"success"}}`, false, "", "", false},
		{"brackets", `{"error":{"message":"[1305][m][t]"}}`, false, "1305", "m", true},
		{"brackets without a code", `{"error":{"message":"[note] m"}}`, false, "", "[note] m", true},
		{"number at the end", `{"error":{"message":"m (2056)"}}`, false, "2056", "m (2056)", true},
		{"year at the end of nothing", `{"error":{"message":"m (20567)"}}`, false, "", "m (20567)", true},
		{"array", `[{"error":{"code":"c","message":"m"}}]`, false, "c", "m", true},
		{"BOM", "\xef\xbb\xbf" + `{"error":{"code":"c","message":"m"}}`, false, "c", "m", true},
		{"success false", `{"code":1001,"msg":"m","success":false}`, false, "1001", "m", true},
		{"status_code", `{"status_code":500,"detail":"m"}`, false, "", "m", true},
		{"errors", `{"type":"error","errors":[{"message":"m"}]}`, false, "", "m", true},
		{"response failed", `{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}`, true, "c", "m", true},
		{"response failed without an error", `{"type":"response.failed","response":{}}`, true, "", "", true},
		{"event with its frame", "event: error\r\ndata: {\"error\":{\"code\":\"c\",\"message\":\"m\"}}\r\n\r\n", true, "c", "m", true},
		{"event data without a blank", `data:{"error":{"code":"c","message":"m"}}`, true, "c", "m", true},
		{"finish error", `{"choices":[{"finish_reason":"error","error":{"code":502,"message":"m"}}]}`, true, "502", "m", true},
		{"null error", `{"error":null,"choices":[]}`, false, "", "", false},
		{"empty error", `{"error":""}`, false, "", "", false},
		{"cut", `{"error":{"code":"c","message":"m"},"x":[`, false, "c", "m", true},
		{"an answer", `{"id":"x","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}`, false, "", "", false},
		{"an answer with a message and a code", `{"message":"m","code":"c","content":[]}`, false, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := readBody(200, []byte(c.body), c.stream)
			if r.failed != c.failed || r.Code != c.code || r.Message != c.message {
				t.Errorf("got failed %v, code %q, message %q", r.failed, r.Code, r.Message)
			}
		})
	}
}

func TestSaidReset_ReadsZonesWhereTheyAreGiven(t *testing.T) {
	beijing := time.FixedZone("", 8*3600)
	for said, want := range map[string]time.Duration{
		"will reset at 2026-08-12 18:00:00":       2 * time.Hour,
		"will reset at 2026-08-12 10:00:00 UTC.":  2 * time.Hour,
		"will reset at 2026-08-12 10:00:00Z":      2 * time.Hour,
		"resets at 2026-08-12T10:00:00Z, come":    2 * time.Hour,
		"resets at 2026-08-12T18:00:00+08:00.":    2 * time.Hour,
		"reset at midnight":                       0,
		"reset at 2026-08-12":                     0,
		"reset at 2026-13-12 18:00:00":            0,
		"reset at 2026-08-12T25:00:00Z":           0,
		"":                                        0,
		"will reset at 2031-08-12 10:00:00 UTC":   resetUnsure,
		"will reset at 2026-08-12 08:00:00 UTC":   resetUnsure,
		"will reset at 0001-01-01 00:00:00 today": resetUnsure,
	} {
		if got, ok := saidReset(said, beijing, noon); got != want || ok != (want != 0) {
			t.Errorf("%q: got %s %v, want %s", said, got, ok, want)
		}
	}
}

func TestNames_OfScopesAndPhases(t *testing.T) {
	for got, want := range map[string]string{
		ScopeNone.String(): "none", ScopeTarget.String(): "target", Scope(99).String(): "unknown",
		PhaseDial.String(): "dial", PhaseStream.String(): "stream", Phase(99).String(): "unknown",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
