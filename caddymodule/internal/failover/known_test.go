package failover

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// The tests of this file are named after the list of complaints about other
// gateways that concern failures, keys and waits.

func TestKnownFailure_56_ErrorAsFirstEventIsNoSuccess(t *testing.T) {
	d := Classify(vendor(t, "zai-coding"), Answer{Status: 200, InStream: true, Phase: PhaseBody, Now: noon,
		Body: []byte(`data: {"error":{"code":"1302","message":"Rate limit reached for requests"}}`)})
	if d.Class != llm.ClassConcurrency || !d.TryNextKey || !d.TryNextTarget {
		t.Errorf("got %+v", d)
	}
}

func TestKnownFailure_57_FailureIsFoundByContentNotStatus(t *testing.T) {
	for body, class := range map[string]llm.Class{
		`{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`: llm.ClassBalance,
		`<html>maintenance</html>`: llm.ClassTransient,
	} {
		if d := Classify(vendor(t, "minimax"), Answer{Status: 200, Body: []byte(body), Now: noon}); d.Class != class || !d.TryNextTarget {
			t.Errorf("%s: got %+v", body, d)
		}
	}
}

func TestKnownFailure_58_OverloadAndRateWithoutAHintFailOver(t *testing.T) {
	for _, status := range []int{429, 529} {
		for _, kind := range fuzzKinds {
			if d := Classify(vendor(t, kind), Answer{Status: status, Now: noon}); !d.TryNextTarget || d.Class.ClientFault() {
				t.Errorf("%s %d: got %+v", kind, status, d)
			}
		}
	}
}

func TestKnownFailure_59_ServerErrorsAreEvidenceAgainstTheTargetClientErrorsAreNot(t *testing.T) {
	for status, scope := range map[int]Scope{500: ScopeTarget, 502: ScopeTarget, 503: ScopeTarget, 504: ScopeTarget, 400: ScopeNone, 422: ScopeNone} {
		if d := Classify(nil, Answer{Status: status, Body: []byte(`{"error":{"message":"x"}}`), Now: noon}); d.Scope != scope {
			t.Errorf("%d: got %s, want %s", status, d.Scope, scope)
		}
	}
}

func TestKnownFailure_60_TheLongestOfAllHintsCounts(t *testing.T) {
	h := headers("Retry-After", "2", "X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "4s")
	d := Classify(nil, Answer{Status: 429, Header: h, Now: noon, Body: []byte(`{"error":{"message":"try again in 6s","resets_at":1786521608}}`)})
	if d.Wait != 8*time.Second {
		t.Errorf("got %s, want 8s", d.Wait)
	}
}

func TestKnownFailure_67_PromptTooLongNeitherRotatesNorRests(t *testing.T) {
	d := Classify(vendor(t, "anthropic"), Answer{Status: 400, Now: noon,
		Body: []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"}}`)})
	if may(&d) != "" || d.Scope != ScopeNone || d.Err.Message != "prompt is too long: 215000 tokens > 200000 maximum" {
		t.Errorf("got %+v, %+v", d, d.Err)
	}
}

func TestKnownFailure_68_SpentMoneyIsKnownWhateverItsStatus(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
	}{
		{400, `{"error":{"message":"Your credit balance is too low to access the Anthropic API."}}`},
		{403, `{"error":{"message":"You've reached your usage limit for this billing cycle"}}`},
		{403, `{"error":{"message":"Insufficient balance"}}`},
		{429, `{"error":{"code":"insufficient_quota","message":"x"}}`},
		{429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details"}}`},
		{402, ``},
	} {
		d := Classify(nil, Answer{Status: c.status, Body: []byte(c.body), Now: noon})
		if d.Class != llm.ClassBalance && d.Class != llm.ClassQuota || d.Scope != ScopeAccount || !d.TryNextKey {
			t.Errorf("%d %s: got %+v", c.status, c.body, d)
		}
	}
}

func TestKnownFailure_72_CancelledClientsCoolNoKey(t *testing.T) {
	d := Classify(nil, Answer{Err: errors.Join(errors.New("reading"), context.Canceled), Phase: PhaseBody, Now: noon})
	if d.Class != llm.ClassCanceled || d.Scope != ScopeNone {
		t.Errorf("got %+v", d)
	}
}

func TestKnownFailure_80_StaleConnectionIsRepeatedAtOnce(t *testing.T) {
	d := Classify(nil, Answer{Err: errors.New("http: server closed idle connection"), Phase: PhaseSent, Reused: true, Now: noon})
	if !d.SameFirst() || d.Scope != ScopeNone {
		t.Errorf("got %+v", d)
	}
}

func TestKnownFailure_98_NoKeyInAnythingSaid(t *testing.T) {
	const canary = "sk-canary-0123456789abcdef"
	for _, status := range []int{200, 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529} {
		for _, body := range []string{
			`{"error":{"message":"bad key ` + canary + `","code":"x"}}`, `{"error":"` + canary + `"}`, canary, `<html>` + canary,
			`{"error":{"message":"prompt is too long: ` + canary + `"}}`, `{"detail":"` + canary + `"}`,
			`{"error":{"message":"x","code":"` + canary + `","param":"` + canary + `","type":"` + canary + `"}}`,
		} {
			for _, kind := range fuzzKinds {
				d := Classify(vendor(t, kind), Answer{Status: status, Header: http.Header{"Location": {"https://h/?k=" + canary}}, Body: []byte(body), Now: noon})
				for _, said := range []string{d.Message, d.Note, d.Err.Message, d.Err.Param, d.Code, d.Err.Code, d.Err.Wire} {
					if strings.Contains(said, canary) {
						t.Errorf("%s %d %s: said %q", kind, status, body, said)
					}
				}
			}
		}
	}
}

func TestClassify_MissingModelIsNamed(t *testing.T) {
	d := Classify(vendor(t, "groq"), Answer{Status: 404, Model: "glm-9", Body: []byte(`{}`), Now: noon})
	if d.Err.Message != `Groq does not serve the model "glm-9"` || d.Err.Type != llm.ErrModelNotFound {
		t.Errorf("got %+v", d.Err)
	}
}
