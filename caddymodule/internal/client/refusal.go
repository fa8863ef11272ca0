package client

// Reason is why a credential was turned away. It is an error.
type Reason uint8

// The reasons.
const (
	Missing      Reason = iota + 1 // no token was sent
	Malformed                      // no token looks like that; most likely a typo
	Unknown                        // nobody's, or no longer anybody's
	Expired                        // the key's time is over
	Disabled                       // the key is switched off
	WrongNetwork                   // the key may not be used from that address
)

var reasons = [...]struct{ log, public string }{
	Missing:      {"no client key", "no API key: send it as \"Authorization: Bearer <key>\" or \"x-api-key: <key>\""},
	Malformed:    {"not a client key", "the API key is not well formed: a character is missing or wrong, or it belongs to another service"},
	Unknown:      {"unknown client key", invalid},
	Expired:      {"expired client key", "the API key has expired"},
	Disabled:     {"disabled client key", invalid},
	WrongNetwork: {"client key used from a network it is not for", invalid},
}

const invalid = "the API key is not valid"

// Error says what happened, for the log.
func (r Reason) Error() string { return r.row().log }

// Public says what a caller may know. That a key is unknown, switched off or for
// another network reads the same, so that a thief learns nothing about what was
// stolen.
func (r Reason) Public() string { return r.row().public }

func (r Reason) row() struct{ log, public string } {
	if r == 0 || int(r) >= len(reasons) {
		return reasons[Unknown]
	}
	return reasons[r]
}

// RefusedError is the refusal of a known client. errors.Is finds its Reason, and
// errors.As with a *Reason does.
type RefusedError struct {
	Reason Reason
	ID     string // whose key it is, for the log and never for the caller
}

// Error says what happened and to whom, for the log.
func (e *RefusedError) Error() string { return e.Reason.Error() + " of client " + e.ID }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }
