package console

import (
	"context"
	"strings"
)

// Keys are the providers' keys. Their secrets go in and never come out: there
// is no way to read one, whatever the role (new-api CVE-2026-64859).
type Keys interface {
	List(ctx context.Context) ([]Key, error)
	// Create stores the secret in the vault and adds the key to its provider.
	Create(ctx context.Context, k NewKey) (Key, error)
	Put(ctx context.Context, provider, name string, c KeyChange) (Key, error)
	// Delete removes the key and what the vault holds of it.
	Delete(ctx context.Context, provider, name string) error
	// Reset ends all rests of the key.
	Reset(ctx context.Context, provider, name string) (Key, error)
}

// Key is a provider's key without its secret.
type Key struct {
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Account  string `json:"account,omitzero"`
	State    string `json:"state"` // ready, resting, disabled, missing
	Until    Time   `json:"until,omitzero"`
	Reason   string `json:"reason,omitzero"`
	InFlight int64  `json:"in_flight"`
	Requests int64  `json:"requests"`
	Failures int64  `json:"failures"`
	Enabled  bool   `json:"enabled"`
	Source   string `json:"source"` // vault, env, file
	Last4    string `json:"last4,omitzero"`
	Tag      string `json:"tag,omitzero"`
	Rests    []Rest `json:"rests"`
	Quota    *Quota `json:"quota,omitzero"`
}

// Rest is a pause of one model of a key, or with an empty model of the whole.
type Rest struct {
	Model  string `json:"model"`
	Until  Time   `json:"until"`
	Reason string `json:"reason"`
}

// Quota is what a provider says is left.
type Quota struct {
	RemainingRequests *int64 `json:"remaining_requests,omitzero"`
	RemainingTokens   *int64 `json:"remaining_tokens,omitzero"`
	Reset             Time   `json:"reset,omitzero"`
}

// NewKey is a key to be added.
type NewKey struct {
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Account  string `json:"account,omitzero"`
	Secret   Secret `json:"secret"`
}

// KeyChange says what of a key changes; nil stays as it is.
type KeyChange struct {
	Enabled *bool   `json:"enabled,omitzero"`
	Account *string `json:"account,omitzero"`
	Secret  *Secret `json:"secret,omitzero"`
}

type keysAnswer struct {
	Keys []Key  `json:"keys"`
	Next string `json:"next,omitzero"`
}

func listKeys(k *call) (any, error) {
	all, err := k.c.o.Backend.Keys.List(k.ctx())
	if err != nil {
		return nil, err
	}
	var out keysAnswer
	out.Keys, out.Next, err = page(k, all, func(key Key) string { return key.Provider + "/" + key.Name })
	return out, err
}

func createKey(k *call) (any, error) {
	var in NewKey
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	p.text("/provider", in.Provider, true)
	p.text("/name", in.Name, true)
	p.text("/account", in.Account, false)
	p.secret("/secret", in.Secret)
	if err := p.err(); err != nil {
		return nil, err
	}
	var out Key
	err := k.change(in.Provider+"/"+in.Name, nil, in, func() (err error) {
		out, err = k.c.o.Backend.Keys.Create(k.settled(), in)
		return err
	})
	k.c.feed.Provider(in.Provider)
	return created{out}, err
}

func putKey(k *call) (any, error) {
	var in KeyChange
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	if in == (KeyChange{}) {
		p.add("", "nothing to change")
	}
	if in.Account != nil {
		p.text("/account", *in.Account, false)
	}
	if in.Secret != nil {
		p.secret("/secret", *in.Secret)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	var out Key
	err := k.change(k.keyTarget(), nil, in, func() (err error) {
		out, err = k.c.o.Backend.Keys.Put(k.settled(), k.names[0], k.names[1], in)
		return err
	})
	k.c.feed.Provider(k.names[0])
	return out, err
}

func deleteKey(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	err := k.change(k.keyTarget(), nil, nil, func() error {
		return k.c.o.Backend.Keys.Delete(k.settled(), k.names[0], k.names[1])
	})
	k.c.feed.Provider(k.names[0])
	return done{}, err
}

func resetKey(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	var out Key
	err := k.change(k.keyTarget(), nil, nil, func() (err error) {
		out, err = k.c.o.Backend.Keys.Reset(k.settled(), k.names[0], k.names[1])
		return err
	})
	k.c.feed.Provider(k.names[0])
	return out, err
}

// keyTarget names a key in the audit log.
func (k *call) keyTarget() string { return strings.Join(k.names, "/") }

// escapePointer writes a name as one step of a JSON pointer.
func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
