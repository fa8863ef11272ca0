package failover

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// may is what a verdict allows: s the same target again, k another key, t
// another target.
func may(d *Verdict) string {
	out := ""
	for _, m := range []struct {
		yes  bool
		name string
	}{{d.RetrySame, "s"}, {d.TryNextKey, "k"}, {d.TryNextTarget, "t"}} {
		if m.yes {
			out += m.name
		}
	}
	return out
}

// TestClassify_ReliabilityRows covers rows 18, 26 and 33 to 56 of the fault
// matrix: what rests, what may be tried, what the client hears at the end. The
// names begin with the row.
func TestClassify_ReliabilityRows(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer Answer
		class  llm.Class
		reason string
		scope  Scope
		may    string
		status int // what the client hears; 0: the dialect's own
		final  bool
	}{
		{"18 redirect", Answer{Status: 302, Header: headers("Location", "https://other.example/")}, llm.ClassTransient, "redirect", ScopeTarget, "t", 502, false},
		{"26 429", Answer{Status: 429, Header: headers("Retry-After", "7")}, llm.ClassRate, "rate_limited", ScopeKeyModel, "kt", 429, false},
		{"33 spend cap", Answer{Status: 429, Body: []byte(`{"error":{"details":{"error_code":"enforced_spend_limit_reached"},"message":"x"}}`)}, llm.ClassQuota, "quota", ScopeAccount, "kt", 429, true},
		{"33 insufficient quota", Answer{Status: 429, Body: []byte(`{"error":{"code":"insufficient_quota","message":"x"}}`)}, llm.ClassBalance, "quota", ScopeAccount, "kt", 429, true},
		{"34 spend limit in a 400", Answer{Status: 400, Body: []byte(`{"error":{"message":"You have reached your specified API usage limits."}}`)}, llm.ClassQuota, "quota", ScopeAccount, "kt", 429, true},
		{"34 no credit in a 400", Answer{Status: 400, Body: []byte(`{"error":{"message":"insufficient credits"}}`)}, llm.ClassBalance, "quota", ScopeAccount, "kt", 429, true},
		{"35 401", Answer{Status: 401, Body: []byte(`{"error":{"message":"revoked"}}`)}, llm.ClassAuth, "auth", ScopeKey, "kt", 502, true},
		{"36 402", Answer{Status: 402}, llm.ClassBalance, "quota", ScopeAccount, "kt", 429, true},
		{"37 403 permission", Answer{Status: 403, Body: []byte(`{"error":{"message":"not your model"}}`)}, llm.ClassModelDenied, "denied", ScopeKeyModel, "kt", 403, true},
		{"37 403 firewall", Answer{Status: 403, Body: []byte(`<html>`)}, llm.ClassTransient, "bad_payload", ScopeTarget, "st", 502, false},
		{"38 404", Answer{Status: 404, Body: []byte(`{"error":{"message":"no such thing"}}`)}, llm.ClassModelDenied, "model_missing", ScopeTarget, "t", 404, true},
		{"39 408", Answer{Status: 408}, llm.ClassTransient, "upstream_408", ScopeTarget, "st", 504, false},
		{"40 409", Answer{Status: 409}, llm.ClassTransient, "conflict", ScopeNone, "st", 502, false},
		{"41 413", Answer{Status: 413, Body: []byte(`{"error":{"message":"request too big"}}`)}, llm.ClassBadRequest, "too_large", ScopeNone, "", 413, false},
		{"42 400", Answer{Status: 400, Body: []byte(`{"error":{"message":"bad"}}`)}, llm.ClassBadRequest, "client_fault", ScopeNone, "", 400, false},
		{"42 422", Answer{Status: 422, Body: []byte(`{"error":{"message":"bad"}}`)}, llm.ClassBadRequest, "client_fault", ScopeNone, "", 422, false},
		{"43 500", Answer{Status: 500}, llm.ClassTransient, "upstream_5xx", ScopeTarget, "st", 502, false},
		{"43 502", Answer{Status: 502}, llm.ClassTransient, "upstream_5xx", ScopeTarget, "st", 502, false},
		{"43 503", Answer{Status: 503, Header: headers("Retry-After", "3")}, llm.ClassTransient, "upstream_5xx", ScopeTarget, "st", 502, false},
		{"43 504", Answer{Status: 504}, llm.ClassTransient, "upstream_5xx", ScopeTarget, "st", 504, false},
		{"44 529", Answer{Status: 529}, llm.ClassOverload, "overloaded", ScopeTarget, "t", 0, false},
		{"45 context", Answer{Status: 400, Body: []byte(`{"error":{"message":"prompt is too long: 9 tokens > 3 maximum"}}`)}, llm.ClassContext, "client_fault", ScopeNone, "", 400, false},
		{"45 content policy", Answer{Status: 400, Body: []byte(`{"error":{"message":"x","code":"content_policy_violation"}}`)}, llm.ClassContent, "client_fault", ScopeNone, "", 400, false},
		{"46 5xx with x-should-retry", Answer{Status: 500, Header: headers("X-Should-Retry", "false")}, llm.ClassTransient, "upstream_5xx", ScopeTarget, "t", 502, false},
		{"47 error in a 200", Answer{Status: 200, Body: []byte(`{"error":{"type":"overloaded_error","message":"x"}}`)}, llm.ClassOverload, "error_in_200", ScopeTarget, "t", 0, false},
		{"48 page in a 200", Answer{Status: 200, Body: []byte(`<!doctype html>`)}, llm.ClassTransient, "bad_payload", ScopeTarget, "t", 502, false},
		{"49 empty 200", Answer{Status: 200}, llm.ClassTransient, "empty", ScopeTarget, "st", 502, false},
		{"49 204", Answer{Status: 204}, llm.ClassTransient, "empty", ScopeTarget, "st", 502, false},
		{"50 cut JSON", Answer{Status: 200, Body: []byte(`{"choices":[{"message":{"content":"hal`)}, llm.ClassTransient, "bad_payload", ScopeTarget, "st", 502, false},
		{"51 JSON without content", Answer{Status: 200, Body: []byte(`{"id":"x"}`)}, llm.ClassTransient, "bad_payload", ScopeTarget, "st", 502, false},
		{"51 text", Answer{Status: 200, Body: []byte(`hello`)}, llm.ClassTransient, "bad_payload", ScopeTarget, "st", 502, false},
		{"53 body over the cap, by the reader's own error", Answer{Status: 200, Err: reasoned{ReasonTooLarge}, Phase: PhaseBody}, llm.ClassTransient, "too_large", ScopeTarget, "t", 502, false},
		{"56 first event is an error", Answer{Status: 200, InStream: true, Phase: PhaseBody, Body: []byte("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}\n\n")}, llm.ClassRate, "error_first_event", ScopeKeyModel, "kt", 429, false},
		{"57 error after text", Answer{Status: 200, InStream: true, Phase: PhaseStream, Body: []byte(`{"error":{"message":"boom","code":500}}`)}, llm.ClassTransient, "upstream_error", ScopeTarget, "", 502, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.answer.Now = noon
			if c.answer.Header == nil {
				c.answer.Header = http.Header{}
			}
			d := Classify(nil, c.answer)
			if d.Class != c.class || d.Reason != c.reason {
				t.Errorf("got %s/%s, want %s/%s", d.Class, d.Reason, c.class, c.reason)
			}
			if d.Scope != c.scope || may(&d) != c.may {
				t.Errorf("got scope %s, may %q; want %s, %q", d.Scope, may(&d), c.scope, c.may)
			}
			if d.Err.Status != c.status || d.Err.NoRetry != c.final {
				t.Errorf("the client would hear %d (final %v), want %d (%v)", d.Err.Status, d.Err.NoRetry, c.status, c.final)
			}
			checkVerdict(t, &d)
		})
	}
}

func TestClassify_LongQuotaTellsTheClientNotToWait(t *testing.T) {
	for _, c := range []struct {
		wait  string
		final bool
	}{{"30", false}, {"60", false}, {"61", true}, {"18000", true}} {
		d := Classify(vendor(t, "openai"), Answer{Status: 429, Header: headers("Retry-After", c.wait), Now: noon,
			Body: []byte(`{"error":{"type":"usage_limit_reached","message":"x"}}`)})
		if d.Class != llm.ClassQuota || d.Err.NoRetry != c.final || d.Err.RetryAfter != d.Wait {
			t.Errorf("%s s: %s, final %v, %s", c.wait, d.Class, d.Err.NoRetry, d.Err.RetryAfter)
		}
	}
}

func TestClassify_KeyTroublesAreNotToldInDetail(t *testing.T) {
	d := Classify(vendor(t, "openai"), Answer{Status: 401, Now: noon,
		Body: []byte(`{"error":{"message":"Incorrect API key provided: sk-abcd1234efgh. Contact billing@acme.example","code":"invalid_api_key"}}`)})
	if d.Err.Message != "OpenAI does not accept the gateway's key (auth)" {
		t.Errorf("the client would hear %q", d.Err.Message)
	}
	if d.Message != "Incorrect API key provided: [removed]. Contact billing@acme.example" {
		t.Errorf("the log would hold %q", d.Message)
	}
}

func TestClassify_ClientFaultsKeepTheProvidersWords(t *testing.T) {
	d := Classify(vendor(t, "openai"), Answer{Status: 400, Now: noon,
		Body: []byte(`{"error":{"message":"Unknown parameter: 'foo'.","type":"invalid_request_error","param":"foo","code":"unknown_parameter"}}`)})
	want := llm.Error{Class: llm.ClassBadRequest, Status: 400, Message: "Unknown parameter: 'foo'.", Wire: "invalid_request_error", Param: "foo", Code: "unknown_parameter"}
	if *d.Err != want {
		t.Errorf("got %+v", *d.Err)
	}
	d = Classify(vendor(t, "anthropic"), Answer{Status: 400, Now: noon,
		Body: []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{"error_code":"thread_unsupported_request"}}}`)})
	if d.Err.Details != "thread_unsupported_request" {
		t.Errorf("got %+v", *d.Err)
	}
}

// A request larger than the whole bucket is not cured by waiting: the key
// stays in use and another target may be large enough.
func TestClassify_LargerThanTheBucket(t *testing.T) {
	d := Classify(vendor(t, "groq"), Answer{Status: 413, Header: headers("Retry-After", "20"), Now: noon,
		Body: []byte(`{"error":{"message":"Request too large for model x: Limit 8000, Requested 32979","code":"rate_limit_exceeded"}}`)})
	if d.Reason != ReasonTooLarge || d.Scope != ScopeNone || may(&d) != "t" || d.WaitKnown || d.Limit != 8000 || d.Tokens != 32979 || !d.Err.NoRetry {
		t.Errorf("got %+v", d)
	}
	if d.Note == "" {
		t.Error("no advice")
	}
}

// What a dialect read already counts where the body is not at hand.
func TestClassify_TakesTheDialectsErrorWithoutABody(t *testing.T) {
	err := &llm.Error{Wire: "overloaded_error", Message: "Overloaded"}
	d := Classify(vendor(t, "anthropic"), Answer{Status: 200, Err: err, InStream: true, Phase: PhaseBody, Now: noon})
	if d.Class != llm.ClassOverload || d.Reason != ReasonErrorFirst || d.Message != "Overloaded" {
		t.Errorf("got %+v", d)
	}
	d = Classify(vendor(t, "zai"), Answer{Status: 200, Err: &llm.Error{Code: "1302", Message: "x"}, Phase: PhaseBody, Now: noon})
	if d.Class != llm.ClassConcurrency || d.Code != "1302" {
		t.Errorf("got %+v", d)
	}
}

// A dialect that found no answer in a good body gives an error of its own;
// the body still says what it is.
func TestClassify_RefusedBodyIsABadPayload(t *testing.T) {
	d := Classify(nil, Answer{Status: 200, Body: []byte(`{"choices":[]}`), Err: errors.New("no choices"), Now: noon})
	if d.Reason != ReasonBadPayload || may(&d) != "st" {
		t.Errorf("got %+v", d)
	}
	d = Classify(nil, Answer{Status: 200, Body: []byte(`<html>`), Err: errors.New("not JSON"), Now: noon})
	if d.Reason != ReasonBadPayload || may(&d) != "t" {
		t.Errorf("got %+v", d)
	}
}

func TestClassify_BodyIsReadUpToItsCapOnly(t *testing.T) {
	body := append([]byte(`{"error":{"message":"boom","code":"1302"},"x":"`), make([]byte, 1<<20)...)
	start := time.Now()
	d := Classify(vendor(t, "zai"), Answer{Status: 429, Body: body, Now: noon})
	if d.Class != llm.ClassConcurrency {
		t.Errorf("got %+v", d)
	}
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func BenchmarkClassify(b *testing.B) {
	v := vendor(b, "zai-coding")
	a := Answer{Status: 429, Header: headers("Content-Type", "application/json", "Date", "Wed, 12 Aug 2026 08:00:00 GMT"), Now: noon,
		Body: []byte(`{"error":{"code":"1308","message":"Usage limit reached for 5 hour. Your limit will reset at 2026-08-12 18:58:34"}}`)}
	b.ReportAllocs()
	for b.Loop() {
		Classify(v, a)
	}
}

// Rows 61 and 64: what a stream's readers refuse has a name of its own.
func TestClassify_WhatTheReadersOfAStreamRefuse(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		stream bool
		reason string
		may    string
	}{
		{"61 event too large", fmt.Errorf("reading: %w", &sse.TooLargeError{}), true, ReasonEventTooLarge, "t"},
		{"64 events out of order", errors.New("delta before its start"), true, ReasonProtocol, "t"},
		{"58 end without the terminal event", io.ErrUnexpectedEOF, true, ReasonTruncated, "st"},
		{"66 connection reset", reading(syscall.ECONNRESET), true, ReasonResetHdr, "st"},
		{"50 body that cannot be read", errors.New("odd"), false, ReasonBadPayload, "st"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Classify(nil, Answer{Status: 200, Err: c.err, InStream: c.stream, Phase: PhaseBody, Now: noon})
			if d.Reason != c.reason || may(&d) != c.may {
				t.Errorf("got %s, may %q; want %s, %q", d.Reason, may(&d), c.reason, c.may)
			}
			d = Classify(nil, Answer{Status: 200, Err: c.err, InStream: c.stream, Phase: PhaseStream, Now: noon})
			if may(&d) != "" {
				t.Errorf("after content: may %q", may(&d))
			}
		})
	}
}
