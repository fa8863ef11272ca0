package failover

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// TestHints_ReliabilityRows covers rows 26 to 32 of the fault matrix; the
// names begin with the row.
func TestHints_ReliabilityRows(t *testing.T) {
	for _, c := range []struct {
		name    string
		header  http.Header
		body    string
		want    time.Duration
		known   bool
		clamped bool
	}{
		{"26 seconds", headers("Retry-After", "7"), "", 7 * time.Second, true, false},
		{"27 HTTP date", headers("Retry-After", "Wed, 12 Aug 2026 08:00:42 GMT"), "", 42 * time.Second, true, false},
		{"27 HTTP date of a skewed clock", headers("Retry-After", "Wed, 12 Aug 2026 10:00:42 GMT", "Date", "Wed, 12 Aug 2026 10:00:00 GMT"), "", 42 * time.Second, true, false},
		{"27 date that has passed", headers("Retry-After", "Wed, 12 Aug 2026 07:00:00 GMT"), "", time.Second, true, true},
		{"28 retry-after-ms", headers("Retry-After-Ms", "1500"), "", 1500 * time.Millisecond, true, false},
		{"28 x-ms-retry-after-ms", headers("X-Ms-Retry-After-Ms", "2500"), "", 2500 * time.Millisecond, true, false},
		{"28 the ms form wins", headers("Retry-After", "3", "Retry-After-Ms", "2500"), "", 2500 * time.Millisecond, true, false},
		{"28 a broken ms form does not", headers("Retry-After", "3", "Retry-After-Ms", "soon"), "", 3 * time.Second, true, false},
		{"28 fraction", headers("Retry-After", "1.5"), "", 1500 * time.Millisecond, true, false},
		{"29 Go duration of the empty bucket", headers("X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "6m0s", "X-Ratelimit-Remaining-Tokens", "10", "X-Ratelimit-Reset-Tokens", "9m"), "", 6 * time.Minute, true, false},
		{"29 the larger of two empty buckets", headers("X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "6m0s", "X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "9m"), "", 9 * time.Minute, true, false},
		{"29 no empty bucket is no hint", headers("X-Ratelimit-Remaining-Requests", "1", "X-Ratelimit-Reset-Requests", "6m0s"), "", 0, false, false},
		{"29 milliseconds", headers("X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "20ms"), "", time.Second, true, true},
		{"29 RFC 3339", headers("X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "2026-08-12T08:00:20Z"), "", 20 * time.Second, true, false},
		{"29 epoch seconds", headers("X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1786521625"), "", 25 * time.Second, true, false},
		{"29 epoch milliseconds", headers("X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1786521625000"), "", 25 * time.Second, true, false},
		{"29 float seconds", headers("X-Ratelimit-Remaining-Tokens-Minute", "0", "X-Ratelimit-Reset-Tokens-Minute", "11.5"), "", 11500 * time.Millisecond, true, false},
		{"30 Gemini per minute", nil, `{"error":{"details":[{"retryDelay":"34s"}],"message":"x"}}`, 34 * time.Second, true, false},
		{"31 a day", headers("Retry-After", "86400"), "", 15 * time.Minute, true, true},
		{"31 negative", headers("Retry-After", "-5"), "", time.Second, true, true},
		{"31 negative ms", headers("Retry-After-Ms", "-5"), "", time.Second, true, true},
		{"31 NaN", headers("Retry-After", "NaN"), "", 0, false, false},
		{"31 1e99", headers("Retry-After", "1e99"), "", 15 * time.Minute, true, true},
		{"32 nothing", nil, "", 0, false, false},
		{"body: try again in", nil, `{"error":{"message":"Please try again in 1.574s. Visit us"}}`, 1574 * time.Millisecond, true, false},
		{"body: retry after, no unit", nil, `{"error":{"message":"Rate limited, retry after 30"}}`, 30 * time.Second, true, false},
		{"body: minutes", nil, `{"error":{"message":"try again in 7m12s"}}`, 432 * time.Second, true, false},
		{"body: words", nil, `{"error":{"message":"Please wait 2 minutes and 3 seconds"}}`, 123 * time.Second, true, false},
		{"body: resets_at epoch", nil, `{"error":{"message":"x","resets_at":1786521660}}`, time.Minute, true, false},
		{"body: resets_in_seconds", nil, `{"error":{"message":"x","resets_in_seconds":61}}`, 61 * time.Second, true, false},
		{"body: retry_after", nil, `{"error":{"message":"x","retry_after":2.5}}`, 2500 * time.Millisecond, true, false},
		{"body: flat retry_after", nil, `{"message":"x","retry_after":2.5,"code":1}`, 2500 * time.Millisecond, true, false},
		{"the longest of several wins", headers("Retry-After", "2"), `{"error":{"message":"try again in 9s"}}`, 9 * time.Second, true, false},
		{"the longest of several wins, other way", headers("Retry-After", "20"), `{"error":{"message":"try again in 9s"}}`, 20 * time.Second, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Classify(nil, Answer{Status: 429, Header: c.header, Body: []byte(c.body), Now: noon})
			if d.Wait != c.want || d.WaitKnown != c.known || d.Clamped != c.clamped {
				t.Errorf("got %s (known %v, clamped %v), want %s (%v, %v)", d.Wait, d.WaitKnown, d.Clamped, c.want, c.known, c.clamped)
			}
			if d.Err.RetryAfter != d.Wait {
				t.Errorf("the client would hear %s", d.Err.RetryAfter)
			}
		})
	}
}

// A spent window keeps its name beside a Retry-After that says the same, or
// rounds it up.
func TestHints_RetryAfterDoesNotHideTheWindowThatIsSpent(t *testing.T) {
	const hours = 3 * time.Hour
	unified := []string{"Anthropic-Ratelimit-Unified-Status", "rejected", "Anthropic-Ratelimit-Unified-Reset", "1786532400"}
	perDay := []string{"X-Ratelimit-Remaining-Requests-Day", "0", "X-Ratelimit-Reset-Requests-Day", "10799.4"}
	groqDay := []string{"X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "2h59m59.6s"}
	for _, c := range []struct {
		name, kind string
		header     []string
		after      string
		class      llm.Class
		scope      Scope
		wait       time.Duration
	}{
		{"unified alone", "anthropic", unified, "", llm.ClassQuota, ScopeAccount, hours},
		{"unified, the same", "anthropic", unified, "10800", llm.ClassQuota, ScopeAccount, hours},
		{"unified, rounded up", "anthropic", unified, "10801", llm.ClassQuota, ScopeAccount, hours + time.Second},
		{"unified, less", "anthropic", unified, "60", llm.ClassQuota, ScopeAccount, hours},
		{"requests a day", "cerebras", perDay, "10800", llm.ClassQuota, ScopeAccount, hours},
		{"requests a day at Groq", "groq", groqDay, "10800", llm.ClassQuota, ScopeAccount, hours},
		{"minute's bucket, rounded up", "openai", []string{"X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "11.5s"}, "12", llm.ClassRate, ScopeKeyModel, 12 * time.Second},
		{"more than the window", "anthropic", unified, "10830", llm.ClassRate, ScopeKeyModel, maxWait},
		{"no window", "anthropic", nil, "10800", llm.ClassRate, ScopeKeyModel, maxWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := headers(c.header...)
			if c.after != "" {
				h.Set("Retry-After", c.after)
			}
			d := Classify(vendor(t, c.kind), Answer{Status: 429, Header: h, Now: noon, Body: []byte(`{"error":{"type":"rate_limit_error","message":"x"}}`)})
			if d.Class != c.class || d.Scope != c.scope || d.Wait != c.wait {
				t.Errorf("got %s, scope %s, for %s; want %s, %s, %s", d.Class, d.Scope, d.Wait, c.class, c.scope, c.wait)
			}
		})
	}
}

func TestHints_AnAbsurdDateIsReplacedByOurs(t *testing.T) {
	at := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
	dead := time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC) // a machine whose clock has no battery
	for _, c := range []struct {
		name             string
		date, until, now time.Time
		want             time.Duration
	}{
		{"1970", time.Unix(0, 0), noon.Add(5 * time.Second), noon, 5 * time.Second},
		{"2099", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), noon.Add(500 * time.Second), noon, 500 * time.Second},
		{"a month ahead", noon.AddDate(0, 1, 0), noon.Add(5 * time.Second), noon, 5 * time.Second},
		{"a day ahead, both", noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 1).Add(5 * time.Second), noon, 5 * time.Second},
		{"a week behind, both", noon.AddDate(0, 0, -7), noon.AddDate(0, 0, -7).Add(5 * time.Second), noon, 5 * time.Second},
		{"ours is at fault", noon, noon.Add(5 * time.Second), dead, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := headers("Date", at(c.date), "Retry-After", at(c.until))
			if d := Classify(nil, Answer{Status: 429, Header: h, Now: c.now}); d.Wait != c.want {
				t.Errorf("waits %s, want %s", d.Wait, c.want)
			}
		})
	}
}

func TestHints_AServerErrorIsNotCuredByABucket(t *testing.T) {
	h := headers("X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "6m0s")
	if d := Classify(nil, Answer{Status: 500, Header: h, Now: noon}); d.WaitKnown {
		t.Errorf("got %s", d.Wait)
	}
	h.Set("Retry-After", "4")
	if d := Classify(nil, Answer{Status: 503, Header: h, Now: noon}); d.Wait != 4*time.Second {
		t.Errorf("got %s", d.Wait)
	}
}

func TestHints_AClientsFaultHasNone(t *testing.T) {
	d := Classify(nil, Answer{Status: 400, Header: headers("Retry-After", "4"), Body: []byte(`{"error":{"message":"try again in 5s"}}`), Now: noon})
	if d.WaitKnown || d.Err.RetryAfter != 0 {
		t.Errorf("got %+v", d)
	}
}

func TestHints_WhatNoTimeMendsHasNone(t *testing.T) {
	for _, status := range []int{401, 403, 404} {
		d := Classify(nil, Answer{Status: status, Header: headers("Retry-After", "4"), Body: []byte(`{"error":{"message":"x"}}`), Now: noon})
		if d.WaitKnown || d.Err.RetryAfter != 0 {
			t.Errorf("%d: got %+v", status, d)
		}
	}
}

func TestHints_ABusyKeyIsWorthAskingAgainSoon(t *testing.T) {
	d := Classify(vendor(t, "zai"), Answer{Status: 429, Body: []byte(`{"error":{"code":"1302","message":"x"}}`), Now: noon})
	if d.WaitKnown || d.Err.RetryAfter != 2*time.Second {
		t.Errorf("got %+v, the client would hear %s", d, d.Err.RetryAfter)
	}
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		class llm.Class
		in    time.Duration
		want  time.Duration
	}{
		{llm.ClassRate, 0, time.Second},
		{llm.ClassRate, time.Hour, 15 * time.Minute},
		{llm.ClassOverload, time.Hour, 15 * time.Minute},
		{llm.ClassTransient, 10 * time.Second, 10 * time.Second},
		{llm.ClassFairUse, 3 * time.Hour, time.Hour},
		{llm.ClassFairUse, time.Second, 10 * time.Minute},
		{llm.ClassQuota, 3 * time.Hour, 3 * time.Hour},
		{llm.ClassQuota, forever, 32 * 24 * time.Hour},
		{llm.ClassBalance, 30 * time.Hour, 30 * time.Hour},
	} {
		if got, clamped := bound(c.in, c.class); got != c.want || clamped != (c.in != c.want) {
			t.Errorf("%s %s: got %s %v", c.class, c.in, got, clamped)
		}
	}
}

func TestPacing_ReadsEveryVendorsBuckets(t *testing.T) {
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	for _, c := range []struct {
		name, kind string
		header     http.Header
		want       []Bucket
	}{
		{"nothing", "openai", headers("Content-Type", "x"), nil},
		{"cerebras", "cerebras", headers(
			"x-ratelimit-limit-requests-day", "14400", "x-ratelimit-limit-tokens-minute", "60000",
			"x-ratelimit-remaining-requests-day", "14399", "x-ratelimit-remaining-tokens-minute", "58000",
			"x-ratelimit-reset-requests-day", "33011.5", "x-ratelimit-reset-tokens-minute", "11.5"),
			[]Bucket{{"requests-day", 14400, 14399, in(33011500 * time.Millisecond)}, {"tokens-minute", 60000, 58000, in(11500 * time.Millisecond)}}},
		{"cerebras, a window of tomorrow", "cerebras", headers("x-ratelimit-remaining-uncached-tokens-week", "5", "x-ratelimit-limit-uncached-tokens-week", "10", "x-ratelimit-reset-uncached-tokens-week", "5"),
			[]Bucket{{"uncached-tokens-week", 10, 5, in(5 * time.Second)}}},
		{"openai", "openai", headers("x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "59", "x-ratelimit-reset-requests", "1s",
			"x-ratelimit-limit-tokens", "150000", "x-ratelimit-remaining-tokens", "149984", "x-ratelimit-reset-tokens", "6m0s"),
			[]Bucket{{"requests", 60, 59, in(time.Second)}, {"tokens", 150000, 149984, in(6 * time.Minute)}}},
		{"groq", "groq", headers("x-ratelimit-limit-requests", "14400", "x-ratelimit-remaining-requests", "14370", "x-ratelimit-reset-requests", "2m59.56s"),
			[]Bucket{{"requests", 14400, 14370, in(179560 * time.Millisecond)}}},
		{"anthropic", "anthropic", headers("anthropic-ratelimit-requests-limit", "50", "anthropic-ratelimit-requests-remaining", "49", "anthropic-ratelimit-requests-reset", "2026-08-12T08:00:02Z",
			"anthropic-ratelimit-input-tokens-limit", "40000", "anthropic-ratelimit-input-tokens-remaining", "39000", "anthropic-ratelimit-input-tokens-reset", "2026-08-12T08:00:04Z"),
			[]Bucket{{"input-tokens", 40000, 39000, in(4 * time.Second)}, {"requests", 50, 49, in(2 * time.Second)}}},
		{"anthropic with a skewed clock", "anthropic", headers("Date", "Wed, 12 Aug 2026 09:00:00 GMT", "anthropic-ratelimit-requests-remaining", "49", "anthropic-ratelimit-requests-reset", "2026-08-12T09:00:02Z"),
			[]Bucket{{"requests", 0, 49, in(2 * time.Second)}}},
		{"bare", "", headers("X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "3", "X-RateLimit-Reset", "1786521605"),
			[]Bucket{{"requests", 10, 3, in(5 * time.Second)}}},
		{"synthetic", "synthetic", headers("x-synthetic-quotas", `{"rollingFiveHourLimit":{"nextTickAt":"2026-08-12T08:15:00Z","remaining":380,"max":400}}`),
			[]Bucket{{"plan-5h", 1000, 950, in(15 * time.Minute)}}},
		{"nonsense", "openai", headers("x-ratelimit-remaining-requests", "many", "x-ratelimit-remaining-tokens", "NaN", "anthropic-ratelimit-x", "1"), nil},
		{"negative and huge", "openai", headers("x-ratelimit-remaining-requests", "-4", "x-ratelimit-remaining-tokens", "1e300", "x-ratelimit-reset-tokens", "soon"),
			[]Bucket{{Name: "requests"}, {Name: "tokens", Remaining: 1e15}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Pacing(vendor(t, c.kind), c.header, noon)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzHints puts arbitrary text where hints stand.
func FuzzHints(f *testing.F) {
	f.Add("7", "0", "6m0s", "try again in 2s", uint8(0))
	f.Add("Wed, 12 Aug 2026 08:00:42 GMT", "1", "1786521630", "reset at 2026-08-12 18:58:34", uint8(1))
	f.Add("1e99", "-1", "9999-12-31T23:59:59Z", "reset at 0000-00-00 00:00:00", uint8(2))
	f.Add("NaN", "0", "-1", `{"retryDelay":"1e9s"}`, uint8(7))
	kinds := [...]string{"", "zai", "synthetic", "anthropic", "groq", "cerebras"}
	f.Fuzz(func(t *testing.T, after, left, reset, said string, kind uint8) {
		h := headers("Retry-After", after, "X-Ratelimit-Remaining-Requests", left, "X-Ratelimit-Reset-Requests", reset,
			"Retry-After-Ms", left, "X-Synthetic-Quotas", said, "Anthropic-Ratelimit-Tokens-Remaining", left, "Date", after,
			"Anthropic-Ratelimit-Unified-Status", "rejected", "Anthropic-Ratelimit-Unified-Reset", reset)
		body := fmt.Appendf(nil, `{"error":{"message":%q,"resets_at":%q,"code":"1308"}}`, said, reset)
		d := Classify(vendor(t, kinds[int(kind)%len(kinds)]), Answer{Status: 429, Header: h, Body: body, Now: noon})
		if d.WaitKnown && (d.Wait < minWait || d.Wait > maxQuotaWait) || !d.WaitKnown && d.Wait != 0 {
			t.Fatalf("wait %s, known %v", d.Wait, d.WaitKnown)
		}
		for _, b := range Pacing(vendor(t, kinds[int(kind)%len(kinds)]), h, noon) {
			if b.Remaining < 0 || b.Limit < 0 || b.Name == "" || !b.Reset.IsZero() && b.Reset.Before(noon) {
				t.Fatalf("bucket %+v", b)
			}
		}
	})
}

func BenchmarkPacing(b *testing.B) {
	h := headers("Date", "Wed, 12 Aug 2026 08:00:00 GMT", "Content-Type", "text/event-stream", "X-Request-Id", "x", "Server", "y",
		"x-ratelimit-limit-requests-day", "14400", "x-ratelimit-limit-tokens-minute", "60000",
		"x-ratelimit-remaining-requests-day", "14399", "x-ratelimit-remaining-tokens-minute", "58000",
		"x-ratelimit-reset-requests-day", "33011.382867", "x-ratelimit-reset-tokens-minute", "11.382867")
	v := vendor(b, "cerebras")
	var buckets []Bucket
	b.ReportAllocs()
	for b.Loop() {
		buckets = AppendPacing(buckets[:0], v, h, noon)
	}
}
