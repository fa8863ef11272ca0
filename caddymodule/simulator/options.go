package simulator

import (
	"strings"
	"time"
)

// Options say how a simulator behaves when no fault is asked for. The zero value works: every model name is taken,
// answers come at once.
type Options struct {
	// Name marks every word the simulator says (name:request:word), so that a reader of a transcript knows who spoke.
	// Characters other than letters, digits, dash and underscore become dashes. Default: sim.
	Name string
	// Models are the ids that the model list shows. Default: simulator. Strict mode refuses other models with 404 when
	// Models is not empty; otherwise any name is answered.
	Models []string
	// TTFT is the time to the first token. Default: 0.
	TTFT time.Duration
	// TokensPerSecond paces the tokens after the first. Default: 0, no pacing.
	TokensPerSecond float64
	// Tokens is the number of marked words in an answer, after its readable first words. Default: 16.
	Tokens int
	// Strict refuses what the real vendors refuse, with their own error body.
	Strict bool
	// Vendor is whose habits to imitate: error bodies, reasoning fields, where usage stands, rate-limit headers. One of
	// Vendors(), or "" for plain OpenAI on its paths and plain Anthropic on theirs. An unknown name counts as "".
	Vendor string
	// MaxRecords is how many requests are kept for Requests; older ones go first, also when the bodies pass 64 MiB.
	// Default: 1000. Negative: none, which saves the copies in load tests.
	MaxRecords int
	// MaxBody is the largest request body in bytes; more gets 413. Default: 64 MiB.
	MaxBody int64
	// NoRequestFaults leaves faults to Script alone: X-Sim-Fault headers, keys and model names ask in vain.
	NoRequestFaults bool
	// Limits are rate limits to enforce, each with its own account of keys.
	Limits []Limit
	// Now is the clock for dates in answers and for records. Default: time.Now. Pauses always use real timers, so that
	// testing/synctest sees them.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.Name = cleanName(o.Name)
	if o.Tokens == 0 {
		o.Tokens = 16
	}
	if o.MaxRecords == 0 {
		o.MaxRecords = 1000
	}
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// cleanName keeps a name usable inside ids and words.
func cleanName(name string) string {
	if name == "" {
		return "sim"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
}
