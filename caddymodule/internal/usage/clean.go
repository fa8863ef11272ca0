package usage

import (
	"strings"
	"time"
	"unicode/utf8"
)

// The longest texts the ledger keeps, in bytes. Clients choose some of them.
const (
	longName = 200 // models as asked and as served
	longID   = 128 // sessions, agents, request ids, names
)

// most is the largest number a row may state. Sums of nine million such rows
// still fit 64 bits, so that no figure, however wrong, breaks a total.
const most = int64(1e12)

// clean makes x fit to be kept: numbers within bounds, texts valid and short.
func (x *Exchange) clean() {
	for _, n := range [...]*int64{
		&x.Input, &x.Output, &x.CacheRead, &x.CacheWrite, &x.Reasoning, &x.Cost, &x.BytesIn, &x.BytesOut,
	} {
		*n = bounded(*n)
	}
	for _, s := range [...]*string{
		&x.ID, &x.Client, &x.Team, &x.Dialect, &x.Call, &x.Session, &x.Agent, &x.Provider, &x.Key, &x.Class, &x.Reason,
	} {
		*s = short(*s, longID)
	}
	x.Alias, x.Model = short(x.Alias, longName), short(x.Model, longName)
	for i := range x.Attempts {
		a := &x.Attempts[i]
		for _, s := range [...]*string{&a.Provider, &a.Key, &a.Dialect, &a.Class, &a.Reason, &a.Code} {
			*s = short(*s, longID)
		}
		a.Model = short(a.Model, longName)
	}
}

func bounded(n int64) int64 { return min(max(n, 0), most) }

// micros is a duration as the ledger keeps it.
func micros(d time.Duration) int64 { return bounded(d.Microseconds()) }

// short returns s as valid UTF-8 without NUL, of at most n bytes.
func short(s string, n int) string {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, string(utf8.RuneError)), "\x00", "")
	}
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
