package gateway

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/route"
)

// patience is how long a client waits for an answer, as far as it says.
type patience struct {
	wait time.Duration // 0: not known
	// total says that the time is for the whole call; else it is for the
	// silence before the answer begins, which a ping ends.
	total bool
}

// patienceOf reads how long a client waits. The SDKs of OpenAI and Anthropic
// say X-Stainless-Timeout in seconds: it is the time they wait for the header,
// or for the next byte. The others are for the whole call: Grpc-Timeout as
// gRPC's protocol writes it ("30S"), X-Request-Timeout and Request-Timeout in
// seconds or as Go writes durations.
func patienceOf(h http.Header) patience {
	if d, ok := readPatience(h.Get("X-Stainless-Timeout")); ok {
		return patience{wait: d}
	}
	if d, ok := readGRPCTimeout(h.Get("Grpc-Timeout")); ok {
		return patience{wait: d, total: true}
	}
	for _, name := range [...]string{"X-Request-Timeout", "Request-Timeout"} {
		if d, ok := readPatience(h.Get(name)); ok {
			return patience{wait: d, total: true}
		}
	}
	return patience{}
}

// The patience that is believed. What is shorter is a mistake of units, and
// what is longer than any timer of the gateway changes nothing.
const (
	leastPatience = 10 * time.Millisecond
	mostPatience  = 24 * time.Hour
)

// readPatience reads seconds ("600", "1.5") or a duration ("30s", "1m30s").
func readPatience(s string) (time.Duration, bool) {
	if s == "" || len(s) > 32 {
		return 0, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if !(f > 0 && f < mostPatience.Seconds()) {
			return 0, false
		}
		return believed(time.Duration(f * float64(time.Second)))
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, false
	}
	return believed(d)
}

// readGRPCTimeout reads up to eight digits and a unit (gRPC over HTTP/2,
// "Timeout").
func readGRPCTimeout(s string) (time.Duration, bool) {
	if len(s) < 2 || len(s) > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	at := strings.IndexByte("HMSmun", s[len(s)-1])
	if err != nil || at < 0 {
		return 0, false
	}
	units := [...]time.Duration{time.Hour, time.Minute, time.Second, time.Millisecond, time.Microsecond, time.Nanosecond}
	if int64(n) > int64(mostPatience/units[at]) {
		return 0, false
	}
	return believed(time.Duration(n) * units[at])
}

func believed(d time.Duration) (time.Duration, bool) {
	return d, d >= leastPatience && d < mostPatience
}

// heed starts the client's clock. A stream is pinged at half of the client's
// patience, which ends the silence it has patience for, and leaves time to fail
// over. What cannot be pinged is answered a little before the client gives up,
// so that it hears why.
func (x *Exchange) heed() (firstPing time.Duration) {
	p := patienceOf(x.request.Header)
	firstPing = x.gateway.Limits.FirstPing
	if p.wait == 0 {
		return firstPing
	}
	if x.Stream && !p.total {
		return min(firstPing, p.wait/2)
	}
	left := p.wait - min(p.wait/20, 250*time.Millisecond) - x.since()
	x.deadline = x.gateway.Now().Add(left)
	x.late = time.AfterFunc(max(left, 0), func() {
		x.send.beforeCommit(func() { x.cancel(endLate) })
	})
	return firstPing
}

// leastAttempt is what an attempt at a target that was never measured takes at
// the least.
const leastAttempt = 50 * time.Millisecond

// inTime reports whether another attempt at t can be over in time. The first
// one is always made.
func (x *Exchange) inTime(t *route.Target) bool {
	if x.deadline.IsZero() || len(x.Attempts) == 0 {
		return true
	}
	now := x.gateway.Now()
	expected := leastAttempt
	if t.Health != nil {
		if d, known := t.Health.Expect(now, len(x.outline.data), 0); known {
			expected = d
		}
	}
	return x.deadline.Sub(now) >= expected
}

// conflictPause is how long a conflict is given to pass (reliability row 40),
// on average.
func conflictPause() time.Duration {
	return 400*time.Millisecond + rand.N(200*time.Millisecond) // #nosec G404 -- spreads attempts in time; nobody gains by guessing it
}

// pause waits, unless the exchange ends before, or would be late after.
func (x *Exchange) pause(d time.Duration) bool {
	if !x.deadline.IsZero() && x.deadline.Sub(x.gateway.Now()) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}
