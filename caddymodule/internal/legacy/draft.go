package legacy

import "time"

// origin of a field, for reports.
type place struct {
	file string
	line int
	at   string
}

// oldKey is a key as it stood in a file.
type oldKey struct {
	value string
	env   string // the variable it names instead of a value
	where place
}

// oldModel is a model named by a provider.
type oldModel struct {
	id    string
	where place
}

// oldProvider is what one file says about one provider.
type oldProvider struct {
	name    string // as written
	dialect string
	where   place
	keys    []oldKey
	url     string // as written; "" if none
	urlAt   place
	models  []oldModel
	enabled *bool
	// rank orders the providers of a file, the lowest first; given says that this one
	// had a priority, explicit that some provider of the file had.
	rank            float64
	given, explicit bool
	rankAt          place

	timeout  time.Duration
	inFlight int
	weight   int
	headers  [][2]string
}

// role is a kind of request with a provider of its own, or the default.
type role struct {
	name  string // default, thinking, vision, tools, fallback
	to    string // provider, as written
	where place
}

// draft is what one file says.
type draft struct {
	file      string
	dialect   string
	providers []*oldProvider
	roles     []role
	// model and thinking are the models the user had chosen for all.
	model, thinking     string
	modelAt, thinkingAt place
	strategy            string // in the present language
	strategyAt          place
	body, inFlight      int // limits; 0: none. body is in MiB
	limitsAt            place
}
