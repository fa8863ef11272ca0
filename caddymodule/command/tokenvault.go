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
type tokenVault struct {
	vault  *vault.Vault
	record func(ctx context.Context, action, id string) error // before a change; after an error there is none
}

// tokenVault opens the vault; nil if there is none, or none that opens here.
func (h *Host) tokenVault(ctx context.Context) *tokenVault {
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
	record := func(ctx context.Context, action, id string) error { return h.Record(ctx, config, action, id) }
	return &tokenVault{v, record}
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

// Keep stores it, in the place of any other, which stays where it is if this one
// cannot be stored.
func (t *tokenVault) Keep(ctx context.Context, c launch.Client, url, token string) error {
	origin, err := vault.ParseOrigin(url)
	if err != nil {
		return err
	}
	text := secret.New(token)
	old, err := t.vault.Info(tokenID(c))
	switch {
	case errors.Is(err, vault.ErrNotFound):
		if err := t.record(ctx, "key.create", tokenID(c)); err != nil {
			return err
		}
		return t.add(ctx, c, origin, text)
	case err != nil:
		return err
	}
	if err := t.record(ctx, "key.update", old.ID); err != nil {
		return err
	}
	if old.Origin != origin {
		return t.move(ctx, c, old.Origin, origin, text)
	}
	if _, err = t.vault.Rotate(ctx, old.ID, text); err == nil && !old.Enabled {
		_, err = t.vault.SetEnabled(ctx, old.ID, true)
	}
	return err
}

func (t *tokenVault) add(ctx context.Context, c launch.Client, origin vault.Origin, text secret.Text) error {
	_, err := t.vault.Add(ctx, tokenID(c), origin, "key of the launcher of "+c.Title(), text)
	return err
}

// move replaces the key kept for one gateway by that of another. The vault never
// changes the origin of a key, so this takes two steps, and the first is taken
// back if the second fails. A disabled key cannot be read, and is not brought back.
func (t *tokenVault) move(ctx context.Context, c launch.Client, from, to vault.Origin, text secret.Text) error {
	old, unread := t.vault.Get(tokenID(c), from)
	if unread != nil && !errors.Is(unread, vault.ErrDisabled) {
		return unread
	}
	if err := t.vault.Remove(ctx, tokenID(c)); err != nil {
		return err
	}
	err := t.add(ctx, c, to, text)
	if err != nil && unread == nil {
		err = errors.Join(err, t.add(context.WithoutCancel(ctx), c, from, old))
	}
	return err
}
