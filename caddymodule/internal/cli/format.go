package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// none stands where nothing is known.
const none = "-"

func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// millis writes milliseconds; 0 is not known.
func millis(ms float64) string {
	switch {
	case ms == 0:
		return none
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
}

func percent(share *float64) string {
	if share == nil {
		return none
	}
	return strconv.FormatFloat(*share*100, 'f', 1, 64) + "%"
}

func perSecond(rate float64) string {
	if rate == 0 {
		return none
	}
	if rate < 1 {
		return strconv.FormatFloat(rate, 'f', 2, 64)
	}
	return strconv.FormatFloat(rate, 'f', 1, 64)
}

// span writes a duration in one unit or two: "3m12s", "2h5m", "4d".
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// until writes how long it is to a moment; nothing if that is past or unknown.
func (s *session) until(t console.Time) string {
	left := t.Sub(s.host.Now())
	if t.IsZero() || left <= 0 {
		return none
	}
	return "in " + span(left)
}

// ago writes how long a moment is past.
func (s *session) ago(t console.Time) string {
	if t.IsZero() {
		return none
	}
	return span(max(0, s.host.Now().Sub(t.Time))) + " ago"
}

func stamp(t console.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func yes(on bool) cell {
	if on {
		return cell{"yes", ""}
	}
	return cell{"no", Yellow}
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func listed(items []string, otherwise string) string {
	if len(items) == 0 {
		return otherwise
	}
	return strings.Join(items, ",")
}

// colourOf is the colour of a word for how something is.
func colourOf(state string) string {
	switch state {
	case "ok", "ready", "open", "resolved":
		return Green
	case "degraded", "resting", "pending", "half-open", "warn", "locked", "missing":
		return Yellow
	case "down", "failed", "firing", "fail":
		return Red
	case "disabled", "idle", "absent":
		return dim
	}
	return ""
}

func state(word string) cell { return cell{word, colourOf(word)} }

// moment reads a time that a user gave, for the API: an age such as 24h or 7d
// and RFC 3339 pass as they are, a date is the beginning of that day in UTC.
func moment(flag, text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if text == "today" {
		text = now.UTC().Format(time.DateOnly)
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Format(time.RFC3339), nil
	}
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return text, nil
	}
	if _, ok := age(text); ok {
		return text, nil
	}
	return "", usagef("--%s %q: a time such as 2026-11-22T14:00:00Z, a date such as 2026-11-22, today, or an age such as 30m, 24h or 7d belongs here", flag, clean(text))
}

// age reads a duration that may be in days.
func age(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0 && n <= 3660
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}
