package keypool

import "context"

// Key is one API key as the user configured it, with what was learned about
// it beside. It is read only once it belongs to a Pool.
type Key struct {
	// Name is the key's name within its provider.
	Name string
	// AccountName is the account label of the configuration, for people to
	// read. Empty: the key stands alone.
	AccountName string
	// Weight is the key's share under the Weighted policy. Default: 1.
	Weight int
	// MaxInFlight is how many requests may be under way at once. Default: as
	// many as the provider was seen to bear.
	MaxInFlight int
	// Models lists the models the key may be used for. Default: all.
	Models []string
	// State is what was learned about this key.
	State *State
	// Account is what was learned about the account whose limits this key
	// shares with others. Default: none.
	Account *State
	// Secret fetches the secret itself; it is asked for every attempt and may
	// be nil where a provider wants no key.
	Secret func(ctx context.Context) (string, error)
}

// states calls f for the account's state, if there is one, and the key's own,
// until f returns false.
func (k *Key) states(f func(*State) bool) bool {
	if k.Account != nil && !f(k.Account) {
		return false
	}
	return f(k.State)
}

// shared returns the state that holds what the keys of an account share, or
// the key's own.
func (k *Key) shared() *State {
	if k.Account != nil {
		return k.Account
	}
	return k.State
}
