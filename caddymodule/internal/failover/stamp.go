package failover

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// forever is the longest wait that is told apart; longer ones are this long.
const forever = 10 * 365 * 24 * time.Hour

// seconds turns a number of seconds into a duration. Negative numbers count
// as none at all, numbers too large as forever; NaN is no number.
func seconds(f float64) (time.Duration, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f <= 0:
		return 0, true
	case f >= forever.Seconds():
		return forever, true
	}
	return time.Duration(f * float64(time.Second)), true
}

// readStamp reads how long to wait from base in any of the forms vendors use
// for one: seconds ("11.382867", "34"), a duration ("6m0s", "20ms", "34s"),
// Unix seconds or milliseconds, RFC 3339, an HTTP date. What has passed is a
// wait of 0.
func readStamp(s string, base time.Time) (time.Duration, bool) {
	if d, ok := readRelative(s); ok {
		return d, true
	}
	return readAbsolute(s, base)
}

// readRelative reads the forms that need no clock.
func readRelative(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return 0, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil || isRange(err) {
		if f >= firstUnix && f < lastUnixMilli {
			return 0, false
		}
		return seconds(f)
	}
	d, rest, ok := readDuration(s)
	if !ok || strings.TrimSpace(rest) != "" {
		return 0, false
	}
	return d, true
}

// The numbers from which on one is a point in time: Unix seconds of 2001,
// Unix milliseconds of 1973.
const (
	firstUnix      = 1e9
	firstUnixMilli = 1e11
	lastUnixMilli  = 1e14
)

// readAbsolute reads the forms that name a moment.
func readAbsolute(s string, base time.Time) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return 0, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if f < firstUnixMilli {
			f *= 1000
		}
		if !(f >= firstUnixMilli && f < lastUnixMilli) {
			return 0, false
		}
		return until(time.UnixMilli(int64(f)), base), true
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return until(at, base), true
	}
	if at, err := http.ParseTime(s); err == nil {
		return until(at, base), true
	}
	return 0, false
}

// isRange reports whether a number was out of range, in which case ParseFloat
// gives an infinity.
func isRange(err error) bool {
	n, ok := err.(*strconv.NumError)
	return ok && n.Err == strconv.ErrRange
}

// until returns the time from base to at, between 0 and forever.
func until(at, base time.Time) time.Duration {
	if at.Year() > base.Year()+10 {
		return forever
	}
	return min(max(at.Sub(base), 0), forever)
}

// readDuration reads a duration at the start of s, in Go's form ("2m59.56s")
// or in words ("1.5 seconds", "2 hours 30 minutes"), and returns what follows.
func readDuration(s string) (time.Duration, string, bool) {
	var total time.Duration
	found := false
	for {
		trimmed := strings.TrimLeft(s, " ,")
		if found {
			trimmed = strings.TrimPrefix(trimmed, "and ")
		}
		n := numberEnd(trimmed)
		if n == 0 {
			break
		}
		f, err := strconv.ParseFloat(trimmed[:n], 64)
		unit, m := readUnit(trimmed[n:])
		if err != nil || m == 0 {
			break
		}
		part, _ := seconds(f * unit.Seconds())
		total = min(total+part, forever)
		s, found = trimmed[n+m:], true
	}
	return total, s, found
}

func numberEnd(s string) int {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9') {
		i++
	}
	return i
}

// units in the order they are tried: longer spellings first.
var units = [...]struct {
	name string
	is   time.Duration
}{
	{"milliseconds", time.Millisecond}, {"millisecond", time.Millisecond}, {"ms", time.Millisecond},
	{"seconds", time.Second}, {"second", time.Second}, {"secs", time.Second}, {"sec", time.Second},
	{"minutes", time.Minute}, {"minute", time.Minute}, {"mins", time.Minute}, {"min", time.Minute},
	{"hours", time.Hour}, {"hour", time.Hour}, {"hrs", time.Hour}, {"hr", time.Hour},
	{"days", 24 * time.Hour}, {"day", 24 * time.Hour},
	{"µs", time.Microsecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
	{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// readUnit reads a unit at the start of s and returns its length, blanks
// before it included; 0 if there is none.
func readUnit(s string) (time.Duration, int) {
	trimmed := strings.TrimLeft(s, " ")
	for _, u := range units {
		if !strings.HasPrefix(trimmed, u.name) {
			continue
		}
		rest := trimmed[len(u.name):]
		if rest != "" && (rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z') {
			continue
		}
		return u.is, len(s) - len(rest)
	}
	return 0, 0
}
