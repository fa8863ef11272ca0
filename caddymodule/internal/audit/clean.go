package audit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what an event may bring, in bytes.
const (
	maxField  = 256
	maxTarget = 512
	maxKey    = 64
	maxFields = 32
)

// record makes a record of an event. What came from users is cut to a bounded
// length, and what would not be seen as it is, such as control characters and
// the marks that turn the direction of writing, is written as an escape.
func (e Event) record() (Record, error) {
	switch {
	case e.Action == "":
		return Record{}, errors.New("the event names no action")
	case strings.HasPrefix(e.Action, "audit."):
		return Record{}, fmt.Errorf("the action %.40q is the log's own", e.Action)
	}
	outcome := e.Outcome
	if outcome == "" {
		outcome = "ok"
	}
	return Record{
		Actor: clean(e.Actor, maxField), IP: clean(e.IP, maxKey), Action: clean(e.Action, maxKey), Target: clean(e.Target, maxTarget),
		Before: cleanAll(e.Before), After: cleanAll(e.After), Outcome: clean(outcome, maxField),
	}, nil
}

func cleanAll(fields map[string]string) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(fields), maxFields))
	for k, v := range fields {
		if len(out) == maxFields {
			out["…"] = "more fields were left out"
			break
		}
		out[clean(k, maxKey)] = clean(v, maxField)
	}
	return out
}

// clean returns s as printable text of at most limit bytes, and "…" if it was
// cut.
func clean(s string, limit int) string {
	if plain(s) && len(s) <= limit {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+size]
		if r == utf8.RuneError && size == 1 || !strconv.IsPrint(r) {
			piece = strings.Trim(strconv.QuoteToASCII(piece), `"`)
		}
		if out.Len()+len(piece) > limit {
			return out.String() + "…"
		}
		out.WriteString(piece)
		i += size
	}
	return out.String()
}

// plain says whether s is printable ASCII, as most fields are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
