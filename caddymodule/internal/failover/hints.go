package failover

import (
	"net/http"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/tidwall/gjson"
)

// Bounds of a wait, by reliability row 31. A spent plan may rest longer; a
// month's window is the longest there is.
const (
	minWait      = time.Second
	maxWait      = 15 * time.Minute
	maxQuotaWait = 32 * 24 * time.Hour
)

// hint is how long an answer asks to wait, as it said, before any bound.
type hint struct {
	wait  time.Duration
	known bool
	// bucket is the exhausted rate bucket the wait comes from, or "".
	bucket string
}

// sameWait is by how much two statements of one wait differ at most: one is
// rounded up to seconds, or was written a moment later.
const sameWait = 2 * time.Second

// longer takes a wait over if it is longer than what is known. A wait without
// a bucket's name that says the same again leaves the name in place.
func (h *hint) longer(wait time.Duration, ok bool, bucket string) {
	if !ok || h.known && wait <= h.wait {
		return
	}
	if !h.known || bucket != "" || wait > h.wait+sameWait {
		h.bucket = bucket
	}
	h.wait, h.known = wait, true
}

// readHint collects what an answer says about when to come back. The longest
// of its statements counts; the buckets are read first, as they say what is
// spent and not only for how long. Rate buckets are believed only if class is about
// rates or quotas: a 500 is not cured by a bucket that refills.
func readHint(v *provider.Vendor, a *Answer, r *report, class llm.Class) hint {
	var h hint
	base := statedNow(a.Header, a.Now)
	after, stated := retryAfter(a.Header, base)
	if limited(class) {
		wait, name, ok := exhausted(Pacing(v, a.Header, a.Now), a.Now)
		h.longer(wait, ok, name)
		wait, ok = unifiedReset(a.Header, base)
		h.longer(wait, ok, unifiedBucket)
		if v != nil && v.Family == "synthetic" && !h.known && !stated {
			wait, ok = nextTick(a.Header, base)
			h.longer(wait, ok, "")
		}
	}
	h.longer(after, stated, "")
	wait, ok := bodyHint(v, r, base)
	h.longer(wait, ok, "")
	return h
}

// limited reports whether waiting is what a class asks for.
func limited(c llm.Class) bool {
	return c == llm.ClassRate || c == llm.ClassQuota || c == llm.ClassConcurrency || c == llm.ClassFairUse
}

// retryAfter reads the forms of Retry-After. The millisecond forms state the
// same wait more precisely, so they win.
func retryAfter(h http.Header, base time.Time) (time.Duration, bool) {
	for _, name := range [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if v := strings.TrimSpace(lookup(h, name)); v != "" {
			if wait, ok := readStamp(v+"ms", base); ok {
				return wait, true
			}
			if strings.HasPrefix(v, "-") {
				return 0, true
			}
		}
	}
	return readStamp(lookup(h, "Retry-After"), base)
}

// unifiedBucket names the windows of Anthropic's subscriptions.
const unifiedBucket = "unified"

// unifiedReset reads the header of Anthropic's subscription limits, which
// counts only when they refused the request.
func unifiedReset(h http.Header, base time.Time) (time.Duration, bool) {
	if !strings.EqualFold(lookup(h, anthropicPrefix, "Unified-Status"), "rejected") {
		return 0, false
	}
	return readStamp(lookup(h, anthropicPrefix, "Unified-Reset"), base)
}

// nextTick returns when the first of Synthetic's rolling windows gains
// something, for a refusal whose header calls none of them empty.
func nextTick(h http.Header, base time.Time) (wait time.Duration, ok bool) {
	value := lookup(h, quotasHeader)
	if value == "" {
		return 0, false
	}
	for _, w := range provider.ReadSyntheticQuotas(value, base).Windows {
		if d := w.Reset.Sub(base); !w.Reset.IsZero() && (!ok || d < wait) {
			wait, ok = d, true
		}
	}
	return wait, ok
}

// bodyHint reads a wait from the body: a member that holds one, else the
// message.
func bodyHint(v *provider.Vendor, r *report, base time.Time) (time.Duration, bool) {
	var h hint
	for _, path := range [...]string{"resets_at", "reset_at", "metadata.headers.X-RateLimit-Reset", "metadata.headers.Retry-After"} {
		wait, ok := readStamp(scalar(r.inner.Get(path)), base)
		h.longer(wait, ok, "")
	}
	for _, path := range [...]string{"retry_after", "resets_in_seconds", "metadata.retry_after_seconds"} {
		if n := r.inner.Get(path); n.Type == gjson.Number {
			wait, ok := seconds(n.Float())
			h.longer(wait, ok, "")
		}
	}
	wait, ok := googleHint(r.inner.Get("details"), base)
	h.longer(wait, ok, "")
	wait, ok = saidReset(r.Message, v.Zone(), base)
	h.longer(wait, ok, "")
	if !h.known {
		wait, ok = saidWait(r.Text)
		h.longer(wait, ok, "")
	}
	return h.wait, h.known
}

// googleHint reads RetryInfo.retryDelay; for a quota that counts per day the
// wait goes on until midnight where Google keeps its days, California.
func googleHint(details gjson.Result, base time.Time) (time.Duration, bool) {
	if !details.IsArray() {
		return 0, false
	}
	var h hint
	details.ForEach(func(_, d gjson.Result) bool {
		wait, ok := readStamp(scalar(d.Get("retryDelay")), base)
		h.longer(wait, ok, "")
		d.Get("violations").ForEach(func(_, q gjson.Result) bool {
			if strings.Contains(q.Get("quotaId").Str, "PerDay") {
				h.longer(untilMidnight(base, california()), true, "")
			}
			return true
		})
		return true
	})
	return h.wait, h.known
}

// googleDaily reports whether the body names a quota that counts per day.
func googleDaily(inner gjson.Result) bool {
	details := inner.Get("details")
	return details.IsArray() && strings.Contains(details.Raw, "PerDay")
}

// googlePerModel reports whether every quota the body names counts one model's
// requests only.
func googlePerModel(inner gjson.Result) bool {
	named, all := false, true
	inner.Get("details").ForEach(func(_, d gjson.Result) bool {
		d.Get("violations").ForEach(func(_, q gjson.Result) bool {
			named = true
			all = all && strings.Contains(q.Get("quotaId").Str, "PerModel")
			return true
		})
		return true
	})
	return named && all
}

// california returns its time zone; without a zone database its winter time,
// which ends the day an hour late in summer.
func california() *time.Location {
	if zone, err := time.LoadLocation("America/Los_Angeles"); err == nil {
		return zone
	}
	return time.FixedZone("UTC-8", -8*3600)
}

// untilMidnight returns how long the day lasts in zone.
func untilMidnight(now time.Time, zone *time.Location) time.Duration {
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone).Sub(now)
}

// Resets stated in words are believed up to this far away. One that has passed
// or is further off was misread; asking again soon is cheap.
const (
	farReset    = 8 * 24 * time.Hour
	resetUnsure = 5 * time.Minute
)

// saidReset reads "… reset at 2026-08-12 18:58:34 …" from a message. A time
// without a zone is in the vendor's.
func saidReset(message string, zone *time.Location, base time.Time) (time.Duration, bool) {
	_, after, ok := strings.Cut(message, "reset at ")
	if !ok {
		_, after, ok = strings.Cut(message, "resets at ")
	}
	if !ok {
		return 0, false
	}
	at, ok := readDateTime(strings.TrimSpace(after), zone)
	if !ok {
		return 0, false
	}
	wait := at.Sub(base)
	if wait <= 0 || wait > farReset {
		return resetUnsure, true
	}
	return wait, true
}

func readDateTime(s string, zone *time.Location) (time.Time, bool) {
	const plain = "2006-01-02 15:04:05"
	if word, _, _ := strings.Cut(s, " "); strings.Contains(word, "T") {
		at, err := time.Parse(time.RFC3339, strings.TrimRight(word, ".,;)"))
		return at, err == nil
	}
	if len(s) < len(plain) {
		return time.Time{}, false
	}
	if rest := s[len(plain):]; strings.HasPrefix(rest, " UTC") || strings.HasPrefix(rest, "Z") {
		zone = time.UTC
	}
	at, err := time.ParseInLocation(plain, s[:len(plain)], zone)
	return at, err == nil
}

// waitWordings stand before a duration in messages (lower case).
var waitWordings = [...]string{
	"try again in ", "try again after ", "retry in ", "retry after ", "retry-after ", "resets in ", "reset in ", "reset after ",
	"available in ", "wait for ", "please wait ",
}

// saidWait reads "Please try again in 1.574s" and its kin.
func saidWait(text string) (time.Duration, bool) {
	for _, w := range waitWordings {
		_, after, ok := strings.Cut(text, w)
		if !ok {
			continue
		}
		after = strings.TrimPrefix(after, "about ")
		if d, _, ok := readDuration(after); ok {
			return d, true
		}
		if n := numberEnd(after); n > 0 { // "retry after 30"
			return readStamp(after[:n], time.Time{})
		}
	}
	return 0, false
}

// bound keeps a wait within what its class allows.
func bound(wait time.Duration, class llm.Class) (d time.Duration, clamped bool) {
	least, most := minWait, maxWait
	switch class {
	case llm.ClassQuota, llm.ClassBalance:
		most = maxQuotaWait
	case llm.ClassFairUse:
		least, most = 10*time.Minute, time.Hour // it is to be left alone for a while
	}
	d = min(max(wait, least), most)
	return d, d != wait
}
