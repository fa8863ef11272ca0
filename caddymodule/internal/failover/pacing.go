package failover

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// Bucket is one of a provider's rate buckets as an answer's header states it.
type Bucket struct {
	// Name is the header's own name for it, in lower case: "requests",
	// "tokens-minute", "input-tokens".
	Name string
	// Limit and Remaining are counts of what Name says; Limit is 0 if the
	// answer did not state it.
	Limit, Remaining int64
	// Reset is when it is full again, or zero.
	Reset time.Time
}

// The prefixes of the three headers of a bucket, in canonical form.
const (
	rateRemaining   = "X-Ratelimit-Remaining"
	rateLimit       = "X-Ratelimit-Limit"
	rateReset       = "X-Ratelimit-Reset"
	anthropicPrefix = "Anthropic-Ratelimit-"
	quotasHeader    = "X-Synthetic-Quotas"
)

// Pacing returns what an answer's header says is left of the provider's rate
// buckets, sorted by name; nil if it says nothing. now is the time of the
// answer here; reset times are measured against the answer's own clock.
func Pacing(v *provider.Vendor, h http.Header, now time.Time) []Bucket {
	return AppendPacing(nil, v, h, now)
}

// AppendPacing appends to dst what Pacing returns. It runs on every answer.
func AppendPacing(dst []Bucket, v *provider.Vendor, h http.Header, now time.Time) []Bucket {
	start := len(dst)
	var base time.Time
	for name, values := range h {
		b, ok := readBucket(h, name, values)
		if !ok {
			continue
		}
		wait, ok := readRelative(b.reset)
		if !ok && b.reset != "" {
			if base.IsZero() {
				base = statedNow(h, now)
			}
			wait, ok = readAbsolute(b.reset, base)
		}
		if ok {
			b.Reset = now.Add(wait)
		}
		dst = append(dst, b.Bucket)
	}
	if v != nil && v.Family == "synthetic" {
		dst = appendQuotas(dst, h, now)
	}
	slices.SortFunc(dst[start:], func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return dst
}

type rawBucket struct {
	Bucket
	reset string
}

// readBucket reads the bucket of which name is the "remaining" header.
func readBucket(h http.Header, name string, values []string) (b rawBucket, ok bool) {
	if len(values) == 0 {
		return b, false
	}
	var limit, reset string
	if suffix, is := strings.CutPrefix(name, rateRemaining); is {
		b.Name = bucketName(strings.TrimPrefix(suffix, "-"))
		limit, reset = lookup(h, rateLimit, suffix), lookup(h, rateReset, suffix)
	} else if middle, is := strings.CutPrefix(name, anthropicPrefix); is {
		middle, is = strings.CutSuffix(middle, "-Remaining")
		if !is {
			return b, false
		}
		b.Name = bucketName(middle)
		limit, reset = lookup(h, anthropicPrefix, middle, "-Limit"), lookup(h, anthropicPrefix, middle, "-Reset")
	} else {
		return b, false
	}
	left, err := strconv.ParseFloat(values[0], 64)
	if err != nil || left != left {
		return b, false
	}
	b.Remaining = int64(min(max(left, 0), 1e15))
	if f, err := strconv.ParseFloat(limit, 64); err == nil && f > 0 {
		b.Limit = int64(min(f, 1e15))
	}
	b.reset = reset
	return b, true
}

// lookup returns the value of the header whose canonical name the parts make
// up, without allocating the name.
func lookup(h http.Header, parts ...string) string {
	var buf [96]byte
	name := buf[:0]
	for _, p := range parts {
		name = append(name, p...)
	}
	if v := h[string(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// bucketName returns the lower-case name; the common ones cost no allocation.
func bucketName(canonical string) string {
	switch canonical {
	case "":
		return "requests" // a bare X-RateLimit-Remaining counts requests
	case "Requests":
		return "requests"
	case "Tokens":
		return "tokens"
	case "Requests-Day":
		return "requests-day"
	case "Requests-Hour":
		return "requests-hour"
	case "Requests-Minute":
		return "requests-minute"
	case "Tokens-Minute":
		return "tokens-minute"
	case "Tokens-Hour":
		return "tokens-hour"
	case "Tokens-Day":
		return "tokens-day"
	case "Input-Tokens":
		return "input-tokens"
	case "Output-Tokens":
		return "output-tokens"
	}
	return strings.ToLower(canonical)
}

// appendQuotas appends the windows of Synthetic's header as buckets of a
// thousand parts.
func appendQuotas(dst []Bucket, h http.Header, now time.Time) []Bucket {
	value := lookup(h, quotasHeader)
	if value == "" {
		return dst
	}
	base := statedNow(h, now)
	for _, w := range provider.ReadSyntheticQuotas(value, base).Windows {
		if w.Left < 0 {
			continue
		}
		b := Bucket{Name: "plan-" + w.Name, Limit: 1000, Remaining: int64(w.Left * 1000)}
		if !w.Reset.IsZero() {
			b.Reset = now.Add(w.Reset.Sub(base))
		}
		dst = append(dst, b)
	}
	return dst
}

// farClock is how far a provider's clock may be from ours and still be meant
// seriously. ownEpoch is a time before which ours cannot be right: this program
// did not exist.
const (
	farClock = 30 * 24 * time.Hour
	ownEpoch = 1_735_689_600 // Unix seconds of 2025-01-01
)

// statedNow returns the answer's own time, so that a provider whose clock is off
// is still understood; without a Date header, or with an absurd one, ours.
func statedNow(h http.Header, now time.Time) time.Time {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil || at.Sub(now).Abs() > farClock && now.Unix() >= ownEpoch {
		return now
	}
	return at
}

// exhausted returns the longest wait among the buckets that have nothing left,
// and the name of that bucket.
func exhausted(buckets []Bucket, now time.Time) (wait time.Duration, name string, ok bool) {
	for _, b := range buckets {
		if b.Remaining > 0 || b.Reset.IsZero() {
			continue
		}
		if d := b.Reset.Sub(now); !ok || d > wait {
			wait, name, ok = d, b.Name, true
		}
	}
	return wait, name, ok
}
