package simulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kinds lists every kind but the statuses.
var kinds = []Kind{
	OK, Reset, ResetHeaders, Refused, Close, Stale, Goaway, Hang, Silence, SlowHeaders, Interim, Trailers,
	ErrorIn200, HTML, Malformed, Truncated, Empty, NoContent, NoChoices, JSONForStream, StreamForJSON, Big, Deep,
	Objects, LengthLong, LengthShort, Gzip, Brotli, Zstd, GzipCorrupt, GzipBomb, UnknownEncoding, BOM, BadUTF8,
	ErrorFirst, ErrorMid, Cut, CutFIN, CutRST, CutEvent, Stall, Pings, Slow, Hold, NoDone, NoFinish, NoUsage,
	UsageLate, AfterDone, NoBlankLine, CRLF, CR, NoSpace, MultiLine, Split, Huge, Comments, UnknownEvent, WrongIndex,
	EarlyDelta, DoubleStop, BaseRespError, Refusal, NetworkError, ContextExceeded, FinishStop,
	Interleave, EmptyArgs, WholeArgs, SplitArgs, BadArgs, NoIDs, RepeatIDs,
}

// Kinds returns the names of all faults except HTTP statuses.
func Kinds() []Kind { return slices.Clone(kinds) }

// params are the names a fault's particulars have in the grammar, in the order String writes them.
var params = []string{
	"after", "bytes", "for", "every", "ttft", "rate", "tokens", "retry-after", "retry-after-ms", "x-ms-retry-after-ms", "reset", "skew",
	"should-retry", "body", "code", "message", "location", "vendor", "tag",
}

const (
	maxBytes = 256 << 20
	maxCount = 1 << 20
	maxPause = time.Hour
)

// ParseFault reads a fault as the X-Sim-Fault header spells it: the kind, then particulars, separated by semicolons,
// such as 429;retry-after=7.
func ParseFault(s string) (Fault, error) {
	name, rest, more := strings.Cut(s, ";")
	f := Fault{Kind: Kind(strings.TrimSpace(name))}
	if !f.Kind.known() {
		return Fault{}, fmt.Errorf("simulator: unknown fault %q", name)
	}
	for more {
		var param string
		param, rest, more = strings.Cut(rest, ";")
		param = strings.TrimSpace(param)
		if param == "" {
			continue
		}
		name, value, _ := strings.Cut(param, "=")
		if err := f.set(name, value); err != nil {
			return Fault{}, err
		}
	}
	return f, nil
}

// faultInKey reads a fault from an API key, where everything is joined by dashes: sim-429-retry-after-7. Any other key
// asks for nothing.
func faultInKey(s string) (Fault, bool) {
	rest, ok := strings.CutPrefix(s, "sim-")
	if !ok {
		return Fault{}, false
	}
	f, rest := cutKind(rest)
	if f.Kind == "" {
		return Fault{}, false
	}
	for rest != "" {
		name := longestPrefix(rest)
		if name == "" {
			return Fault{}, false
		}
		value := rest[len(name)+2:]
		end := nextParam(value)
		rest = value[end:]
		if f.set(name, value[:end]) != nil {
			return Fault{}, false
		}
	}
	return f, true
}

// faultInModel reads a fault from a model name: sim/ and the header's spelling, or the key's spelling.
func faultInModel(s string) (Fault, bool) {
	if rest, ok := strings.CutPrefix(s, "sim/"); ok {
		f, err := ParseFault(rest)
		return f, err == nil
	}
	return faultInKey(s)
}

// cutKind takes the longest kind off the front of s; the rest is empty or begins with a dash.
func cutKind(s string) (f Fault, rest string) {
	if len(s) >= 3 && Kind(s[:3]).status() != 0 && (len(s) == 3 || s[3] == '-') {
		return Fault{Kind: Kind(s[:3])}, s[3:]
	}
	for _, k := range kinds {
		after, ok := strings.CutPrefix(s, string(k))
		if ok && len(k) > len(f.Kind) && (after == "" || after[0] == '-') {
			f.Kind, rest = k, after
		}
	}
	return f, rest
}

// longestPrefix returns the particular that s, which begins with a dash, names and gives a value to.
func longestPrefix(s string) (name string) {
	for _, p := range params {
		if len(p) > len(name) && len(s) > len(p)+2 && s[0] == '-' && s[1:1+len(p)] == p && s[1+len(p)] == '-' {
			name = p
		}
	}
	return name
}

// nextParam returns where in value the next particular begins.
func nextParam(value string) int {
	for i := 1; i < len(value); i++ {
		if value[i] == '-' && longestPrefix(value[i:]) != "" {
			return i
		}
	}
	return len(value)
}

func (k Kind) known() bool { return k.status() != 0 || slices.Contains(kinds, k) }

// set gives the particular called name its value.
func (f *Fault) set(name, value string) (err error) {
	switch name {
	case "after":
		if f.After, err = count(value, maxCount); f.After == 0 {
			f.After = -1
		}
	case "bytes":
		f.Bytes, err = count(value, maxBytes)
	case "tokens":
		f.Tokens, err = count(value, maxCount)
	case "for":
		f.For, err = pause(value)
	case "every":
		f.Every, err = pause(value)
	case "ttft":
		f.TTFT, err = pause(value)
	case "skew":
		f.Skew, err = time.ParseDuration(value)
	case "rate":
		f.Rate, err = strconv.ParseFloat(value, 64)
		if err == nil && !(f.Rate > 0 && f.Rate <= 1e6) {
			err = fmt.Errorf("out of range")
		}
	default:
		return f.setText(name, value)
	}
	if err != nil {
		return fmt.Errorf("simulator: %s=%q: %w", name, value, err)
	}
	return nil
}

// setText sets the particulars that are plain text.
func (f *Fault) setText(name, value string) error {
	to := f.textField(name)
	if to == nil {
		return fmt.Errorf("simulator: a fault has no %q", name)
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] == 0x7f {
			return fmt.Errorf("simulator: %s: control character", name)
		}
	}
	*to = strings.TrimSpace(value)
	return nil
}

func (f *Fault) textField(name string) *string {
	switch name {
	case "retry-after":
		return &f.RetryAfter
	case "retry-after-ms":
		return &f.RetryAfterMS
	case "x-ms-retry-after-ms":
		return &f.AzureRetryAfterMS
	case "reset":
		return &f.Reset
	case "should-retry":
		return &f.ShouldRetry
	case "body":
		return &f.Body
	case "code":
		return &f.Code
	case "message":
		return &f.Message
	case "location":
		return &f.Location
	case "vendor":
		return &f.Vendor
	case "tag":
		return &f.Tag
	}
	return nil
}

// String spells f so that ParseFault reads it back.
func (f Fault) String() string {
	if f.Kind == "" {
		return ""
	}
	b := []byte(f.Kind)
	for _, name := range params {
		if v := f.get(name); v != "" {
			b = append(append(append(append(b, ';'), name...), '='), v...)
		}
	}
	return string(b)
}

// get returns the particular called name as String writes it, "" when it is not set.
func (f Fault) get(name string) string {
	switch name {
	case "after":
		return nonZero(f.After, func(n int) string { return strconv.Itoa(max(n, 0)) })
	case "bytes":
		return nonZero(f.Bytes, strconv.Itoa)
	case "tokens":
		return nonZero(f.Tokens, strconv.Itoa)
	case "for":
		return nonZero(f.For, time.Duration.String)
	case "every":
		return nonZero(f.Every, time.Duration.String)
	case "ttft":
		return nonZero(f.TTFT, time.Duration.String)
	case "skew":
		return nonZero(f.Skew, time.Duration.String)
	case "rate":
		return nonZero(f.Rate, func(r float64) string { return strconv.FormatFloat(r, 'g', -1, 64) })
	}
	return *f.textField(name)
}

func nonZero[T comparable](v T, write func(T) string) string {
	var zero T
	if v == zero {
		return ""
	}
	return write(v)
}

func count(s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && (n < 0 || n > most) {
		err = fmt.Errorf("out of range 0 to %d", most)
	}
	return n, err
}

func pause(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && (d < 0 || d > maxPause) {
		err = fmt.Errorf("out of range 0 to %v", maxPause)
	}
	return d, err
}
