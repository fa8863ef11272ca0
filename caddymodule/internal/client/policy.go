package client

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Record is what is known of a client: everything but the token. It may be shown
// to whoever may administer the gateway.
type Record struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Team    string    `json:"team,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// Expires is when the key stops working. Zero: never.
	Expires  time.Time `json:"expires,omitzero"`
	Disabled bool      `json:"disabled,omitzero"`
	// Rotated is when the token was last replaced, PreviousUntil how long the one
	// before still works.
	Rotated       time.Time `json:"rotated,omitzero"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	Scope
	Limits Limits `json:"limits,omitzero"`
}

// Scope is what a client may do. An empty list does not restrict.
type Scope struct {
	// Models are the names a client may ask for: exact, or a beginning with * after
	// it, or * alone.
	Models []string `json:"models,omitempty"`
	// Dialects are the wire formats it may use.
	Dialects []llm.Dialect `json:"dialects,omitempty"`
	// Networks are where it may come from.
	Networks []netip.Prefix `json:"networks,omitempty"`
}

// Limits are how much a key, or a team, may use. A zero field does not limit.
type Limits struct {
	RequestsPerMinute int64 `json:"requests_per_minute,omitzero"`
	// RequestBurst is how many requests may come at once. Default: RequestsPerMinute.
	RequestBurst    int64 `json:"request_burst,omitzero"`
	TokensPerMinute int64 `json:"tokens_per_minute,omitzero"`
	// TokenBurst is how many tokens may be asked for at once. Default:
	// TokensPerMinute.
	TokenBurst int64 `json:"token_burst,omitzero"`
	// MaxStreams is how many exchanges may be under way, streams or not.
	MaxStreams int64 `json:"max_streams,omitzero"`
	// DailyMicroUSD and MonthlyMicroUSD cap what is spent in a UTC day and month, in
	// millionths of a US dollar.
	DailyMicroUSD   int64 `json:"daily_microusd,omitzero"`
	MonthlyMicroUSD int64 `json:"monthly_microusd,omitzero"`
}

// Team is a group of clients with limits of its own, which its clients share.
type Team struct {
	Name   string `json:"name"`
	Limits Limits `json:"limits,omitzero"`
}

const (
	maxName     = 64
	maxModels   = 256
	maxModel    = 256 // bytes of one name
	maxNetworks = 256
	// maxLimit bounds every limit, far from where sums would overflow: in money it
	// is a billion dollars.
	maxLimit = 1_000_000_000_000_000
)

// Validate reports the first thing in r that cannot be.
func (r *Record) Validate() error {
	if err := checkName("name", r.Name); err != nil {
		return err
	}
	if r.Team != "" {
		if err := checkName("team", r.Team); err != nil {
			return err
		}
	}
	if err := r.Scope.Validate(); err != nil {
		return err
	}
	return r.Limits.Validate()
}

// checkName refuses what would deceive or break whoever reads a list or a log.
func checkName(what, name string) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return fmt.Errorf("%s %q: empty, or with space around it", what, name)
	case len(name) > maxName || !utf8.ValidString(name):
		return fmt.Errorf("%s: longer than %d bytes, or not UTF-8", what, maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s %q: has characters that cannot be printed", what, name)
	}
	return nil
}

// Validate reports the first thing in s that cannot be.
func (s *Scope) Validate() error {
	if len(s.Models) > maxModels || len(s.Networks) > maxNetworks {
		return fmt.Errorf("more than %d models or %d networks", maxModels, maxNetworks)
	}
	for _, m := range s.Models {
		if m == "" || len(m) > maxModel || !utf8.ValidString(m) || strings.Contains(strings.TrimSuffix(m, "*"), "*") {
			return fmt.Errorf("model %q: neither a name, nor a beginning with * after it, nor *", m)
		}
	}
	for _, d := range s.Dialects {
		if d != llm.Anthropic && d != llm.OpenAI && d != llm.Responses {
			return fmt.Errorf("dialect %q: there are %s, %s and %s", d, llm.Anthropic, llm.OpenAI, llm.Responses)
		}
	}
	for _, n := range s.Networks {
		if !n.IsValid() || n.Addr().Zone() != "" || n.Addr().Is4In6() {
			return fmt.Errorf("network %q: not a CIDR such as 10.0.0.0/8 or 2001:db8::/32", n)
		}
	}
	return nil
}

// Validate refuses negative and absurd figures.
func (l Limits) Validate() error {
	for _, f := range l.fields() {
		if f.value < 0 || f.value > maxLimit {
			return fmt.Errorf("%s %d: not between 0 (no limit) and %d", f.name, f.value, int64(maxLimit))
		}
	}
	if l.RequestBurst > 0 && l.RequestsPerMinute == 0 || l.TokenBurst > 0 && l.TokensPerMinute == 0 {
		return fmt.Errorf("a burst without a limit per minute")
	}
	return nil
}

type limitField struct {
	name  string
	value int64
}

// fields lists the limits; a burst that is not set is the limit per minute.
func (l Limits) fields() [7]limitField {
	return [...]limitField{
		{"requests_per_minute", l.RequestsPerMinute}, {"request_burst", l.requestBurst()},
		{"tokens_per_minute", l.TokensPerMinute}, {"token_burst", l.tokenBurst()},
		{"max_streams", l.MaxStreams}, {"daily_microusd", l.DailyMicroUSD}, {"monthly_microusd", l.MonthlyMicroUSD},
	}
}

func (l *Limits) requestBurst() int64 {
	if l.RequestBurst != 0 {
		return l.RequestBurst
	}
	return l.RequestsPerMinute
}

func (l *Limits) tokenBurst() int64 {
	if l.TokenBurst != 0 {
		return l.TokenBurst
	}
	return l.TokensPerMinute
}

// clone returns a copy that shares nothing.
func (r Record) clone() Record {
	r.Models = slices.Clone(r.Models)
	r.Dialects = slices.Clone(r.Dialects)
	r.Networks = slices.Clone(r.Networks)
	return r
}
