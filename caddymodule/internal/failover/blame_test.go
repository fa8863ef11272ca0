package failover

import (
	"net/http"
	"slices"
	"testing"
)

// byReason holds, for every reason an answer or an error can give, one that
// gives it; the errors of the transport name their reason themselves.
func byReason() map[string]Answer {
	said := func(status int, body string) Answer { return Answer{Status: status, Body: []byte(body)} }
	return map[string]Answer{
		ReasonRateLimited:   said(429, ``),
		ReasonConcurrency:   said(429, `{"error":{"code":"1302","message":"x"}}`),
		ReasonQuota:         said(402, ``),
		ReasonFairUse:       said(429, `{"error":{"code":"1313","message":"x"}}`),
		ReasonPlanDead:      said(429, `{"error":{"code":"1309","message":"x"}}`),
		ReasonAuth:          said(401, ``),
		ReasonDenied:        said(403, `{"error":{"message":"x"}}`),
		ReasonModelMissing:  said(404, `{"error":{"message":"model x not found"}}`),
		ReasonUpstream408:   said(408, ``),
		ReasonConflict:      said(409, `{"error":{"message":"x"}}`),
		ReasonTooLarge:      said(413, `{"error":{"message":"Request too large for model x: Limit 8000, Requested 32979","code":"rate_limit_exceeded"}}`),
		ReasonClientFault:   said(400, `{"error":{"message":"x"}}`),
		ReasonUpstream5xx:   said(500, ``),
		ReasonOverloaded:    said(529, ``),
		ReasonErrorIn200:    said(200, `{"error":{"type":"rate_limit_error","message":"x"}}`),
		ReasonErrorFirst:    {Status: 200, InStream: true, Phase: PhaseBody, Body: []byte(`{"error":{"type":"rate_limit_error","message":"x"}}`)},
		ReasonUpstreamError: {Status: 200, InStream: true, Phase: PhaseStream, Body: []byte(`{"error":{"type":"rate_limit_error","message":"x"}}`)},
		ReasonBadPayload:    said(200, `{}`),
		ReasonEmpty:         said(200, ``),
		ReasonRedirect:      said(302, ``),
	}
}

func TestVerdict_BlamelessOverAllReasons(t *testing.T) {
	blameless := []string{ReasonTooLarge, ReasonConflict, ReasonStaleConn, ReasonGoAway, ReasonH2Refused}
	answers := byReason()
	for _, reason := range Reasons() {
		t.Run(reason, func(t *testing.T) {
			a, ok := answers[reason]
			if !ok {
				a = Answer{Err: reasoned{reason}, Phase: PhaseSent}
			}
			a.Now = noon
			if a.Header == nil {
				a.Header = http.Header{}
			}
			d := Classify(vendor(t, "zai"), a)
			if d.Reason != reason {
				t.Fatalf("the answer gives reason %s", d.Reason)
			}
			if want := slices.Contains(blameless, reason); d.Blameless() != want {
				t.Errorf("blameless %v, want %v (%s, scope %s)", d.Blameless(), want, d.Class, d.Scope)
			}
		})
	}
}

// The same reason is the target's when its answer is too large, and the
// client's when the vendor does not speak of a bucket.
func TestVerdict_TooLargeIsBlamelessForABucketOnly(t *testing.T) {
	for name, a := range map[string]Answer{
		"answer over the cap":      {Status: 200, Err: reasoned{ReasonTooLarge}, Phase: PhaseBody, Now: noon},
		"request over the cap":     {Status: 413, Body: []byte(`{"error":{"message":"too big"}}`), Now: noon},
		"prompt over the window":   {Status: 413, Now: noon},
		"a rate limit like others": {Status: 429, Now: noon},
	} {
		if d := Classify(nil, a); d.Blameless() {
			t.Errorf("%s: blameless (%s, scope %s)", name, d.Class, d.Scope)
		}
	}
}
