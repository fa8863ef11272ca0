package command

import (
	"context"
	"errors"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// tokenVault keeps the launchers' keys among the provider keys.
type tokenVault struct{ vault *vault.Vault }

// newTokenVault opens the vault; nil if there is none, or none that opens here.
func newTokenVault(ctx context.Context) *tokenVault {
	config := schema.Defaults()
	if at, err := Find(Present("")); err == nil {
		if result, err := at.Load(); err == nil {
			config = result.Config
		}
	}
	options, err := place.VaultOptions(config)
	if err != nil || !place.Exists(options.Path) {
		return nil
	}
	v, err := vault.Open(ctx, options)
	if err != nil {
		return nil
	}
	return &tokenVault{v}
}

func tokenID(c launch.Client) string { return "client-" + string(c) }

// Token returns the key kept for a client of a gateway.
func (t *tokenVault) Token(c launch.Client, url string) string {
	origin, err := vault.ParseOrigin(url)
	if err != nil {
		return ""
	}
	text, err := t.vault.Get(tokenID(c), origin)
	if err != nil {
		return ""
	}
	return text.Reveal()
}

// Keep stores it, in the place of any other.
func (t *tokenVault) Keep(ctx context.Context, c launch.Client, url, token string) error {
	origin, err := vault.ParseOrigin(url)
	if err != nil {
		return err
	}
	if err := t.vault.Remove(ctx, tokenID(c)); err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	_, err = t.vault.Add(ctx, tokenID(c), origin, "key of the launcher of "+c.Title(), secret.New(token))
	return err
}
