package launch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// API is the console's API, as an administrator of this machine reaches it.
type API interface {
	// Call sends in, unless nil, as JSON and reads the answer into out, unless
	// nil.
	Call(ctx context.Context, method, path string, in, out any) error
}

// Keeper keeps tokens between launches, out of sight.
type Keeper interface {
	// Token returns what was kept for a client of a gateway; empty if nothing.
	Token(c Client, url string) string
	Keep(ctx context.Context, c Client, url, token string) error
}

// Tokens finds the key a client shows to the gateway.
type Tokens struct {
	Gateway Gateway
	// Given is the key the user chose; empty: none.
	Given string
	// API makes a key. Nil: it cannot be reached.
	API API
	// Keeper keeps the key made. Nil: none is made.
	Keeper Keeper
}

// ErrToken says that a key is needed and none can be had here.
var ErrToken = errors.New("this gateway asks for a client key: make one where it runs with `aimux clients create NAME`, and set AIMUX_TOKEN to it")

// For returns the key for a client: none if the gateway asks for none, the given
// one, the one kept, or a new one with the client's name.
func (t *Tokens) For(ctx context.Context, c Client) (token string, names []string, err error) {
	if t.Given != "" {
		names, err = t.Gateway.Names(ctx, t.Given)
		if errors.Is(err, ErrRefused) {
			err = fmt.Errorf("AIMUX_TOKEN: %w", err)
		}
		return t.Given, names, err
	}
	names, err = t.Gateway.Names(ctx, "")
	if !errors.Is(err, ErrRefused) {
		return "", names, err
	}
	if t.Keeper == nil {
		return "", nil, ErrToken
	}
	if kept := t.Keeper.Token(c, t.Gateway.URL); kept != "" {
		names, err = t.Gateway.Names(ctx, kept)
		if !errors.Is(err, ErrRefused) {
			return kept, names, err
		}
	}
	if t.API == nil {
		return "", nil, ErrToken
	}
	if token, err = t.make(ctx, c); err != nil {
		return "", nil, err
	}
	names, err = t.Gateway.Names(ctx, token)
	return token, names, err
}

// make creates a client. One of that name that is there already is somebody's,
// whose key stays what it is.
func (t *Tokens) make(ctx context.Context, c Client) (string, error) {
	var list struct {
		Clients []struct {
			Name string `json:"name"`
		} `json:"clients"`
	}
	if err := t.API.Call(ctx, http.MethodGet, "/api/clients?limit=500", nil, &list); err != nil {
		return "", fmt.Errorf("looking for the client %q: %w", c, err)
	}
	taken := map[string]bool{}
	for _, x := range list.Clients {
		taken[x.Name] = true
	}
	name := string(c)
	for n := 2; taken[name]; n++ {
		if n > 9 {
			return "", fmt.Errorf("there are nine clients named %s already and the key of none is kept here; remove some, or set AIMUX_TOKEN", c)
		}
		name = fmt.Sprintf("%s-%d", c, n)
	}
	var made struct {
		Token string `json:"token"`
	}
	if err := t.API.Call(ctx, http.MethodPost, "/api/clients", map[string]string{"name": name}, &made); err != nil {
		return "", fmt.Errorf("making the client %q: %w", name, err)
	}
	if err := t.Keeper.Keep(ctx, c, t.Gateway.URL, made.Token); err != nil {
		return "", fmt.Errorf("keeping the key of the client %q: %w", name, err)
	}
	return made.Token, nil
}
