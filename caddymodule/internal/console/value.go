package console

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
)

// Time is a moment, written as RFC 3339 in UTC with milliseconds. The zero value
// means unknown and is left out of answers.
type Time struct{ time.Time }

// At returns t as a Time.
func At(t time.Time) Time { return Time{t} }

const timeForm = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the moment in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	u := t.UTC()
	if u.Year() < 0 || u.Year() > 9999 {
		return nil, fmt.Errorf("a time in the year %d cannot be written", u.Year())
	}
	return u.AppendFormat(nil, `"`+timeForm+`"`), nil
}

// Series is a column of a chart. NaN is written as null: nothing is known of
// that moment.
type Series []float64

// MarshalJSON writes the numbers; what JSON cannot say is null.
func (s Series) MarshalJSON() ([]byte, error) {
	out := append(make([]byte, 0, 8*len(s)+2), '[')
	for i, v := range s {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out = append(out, "null"...)
		} else {
			out = strconv.AppendFloat(out, v, 'f', -1, 64)
		}
	}
	return append(out, ']'), nil
}

// at returns a number, or nil if it is not known.
func (s Series) at(i int) *float64 {
	if i >= len(s) || math.IsNaN(s[i]) || math.IsInf(s[i], 0) {
		return nil
	}
	return &s[i]
}

// Secret is a provider's key on its way into the vault. It comes in with a
// request and never goes out: everything that prints or writes it says
// [redacted].
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// Format hides the secret from every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
