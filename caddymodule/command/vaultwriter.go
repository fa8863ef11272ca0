package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// vaultWriter puts keys into the vault, which is made if there is none.
type vaultWriter struct {
	host  *Host
	ctx   context.Context
	say   io.Writer
	vault *vault.Vault // nil until needed
	ids   []string     // added
}

// open opens the vault of a configuration, or makes it and says what it
// promises.
func (w *vaultWriter) open(c *schema.Config) error {
	if w.vault != nil {
		return nil
	}
	options, err := place.VaultOptions(c)
	if err != nil {
		return err
	}
	fresh := !place.Exists(options.Path)
	if w.vault, err = place.OpenVault(w.ctx, options); err == nil && fresh {
		fmt.Fprintln(w.say, w.vault.Promise())
	}
	return err
}

// add stores a key under an id, or one like it if that is taken. A key that is
// there already, for the same provider, is not stored twice.
func (w *vaultWriter) add(id, address string, text secret.Text) (string, error) {
	if err := w.open(schema.Defaults()); err != nil {
		return "", err
	}
	origin, err := vault.ParseOrigin(address)
	if err != nil {
		return "", err
	}
	free := id
	for n := 2; ; n++ {
		info, err := w.vault.Info(free)
		if errors.Is(err, vault.ErrNotFound) {
			break
		}
		if err != nil {
			return "", err
		}
		if info.Tag == w.vault.Tag(text) && info.Origin == origin {
			return free, nil
		}
		free = fmt.Sprintf("%s-%d", id, n)
	}
	if err := w.host.Record(w.ctx, schema.Defaults(), "key.create", free); err != nil {
		return "", err
	}
	if _, err := w.vault.Add(w.ctx, free, origin, id, text); err != nil {
		return "", err
	}
	w.ids = append(w.ids, free)
	return free, nil
}

// takeBack removes what was added.
func (w *vaultWriter) takeBack() error {
	var all error
	for _, id := range w.ids {
		all = errors.Join(all, w.vault.Remove(w.ctx, id))
	}
	w.ids = nil
	return all
}
