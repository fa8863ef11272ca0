package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/aimux/aimux/toon"
)

// firstDocument writes the configuration of the providers chosen: their keys, and
// a row for each that lets it answer any model a client asks for.
func firstDocument(picks []*chosen) ([]byte, error) {
	var providers []toon.Field
	var keys, models []toon.Value
	text := func(key, value string) toon.Field { return toon.Field{Key: key, Value: toon.StringValue(value)} }
	for _, c := range picks {
		kind := c.vendor.Kind
		providers = append(providers, toon.Field{Key: kind, Value: toon.ObjectValue(text("kind", kind), toon.Field{Key: "tier", Value: toon.IntValue(1)})})
		var refs []string
		for _, id := range c.ids {
			refs = append(refs, "vault:"+id)
		}
		for _, env := range c.envs {
			refs = append(refs, "env:"+env)
		}
		for i, ref := range refs {
			keys = append(keys, toon.ObjectValue(text("provider", kind), text("name", numberedName(i)), text("secret", ref)))
		}
		if m := c.vendor.DefaultModel(); m != nil {
			models = append(models, toon.ObjectValue(text("alias", "*"), text("provider", kind), text("model", m.ID)))
		}
	}
	fields := []toon.Field{{Key: "version", Value: toon.IntValue(schema.Version)}, {Key: "providers", Value: toon.ObjectValue(providers...)}}
	if len(keys) > 0 {
		fields = append(fields, toon.Field{Key: "keys", Value: toon.ArrayValue(keys...)})
	}
	if len(models) > 0 {
		fields = append(fields, toon.Field{Key: "models", Value: toon.ArrayValue(models...)})
	}
	body, err := toon.Encode(toon.ObjectValue(fields...))
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	head := "# Made by `aimux init`. Every setting: docs/configuration.md, or aimux config schema.\n" +
		"# Rows of models with the alias * answer whatever name a client asks for.\n"
	document, err := schema.Convert(append([]byte(head), body...), schema.TOON, schema.TOON)
	if err != nil {
		return nil, err
	}
	_, err = schema.Load(schema.Options{Data: document, Path: "aimux.toon", Environ: os.Environ(), Known: provider.Known()})
	return document, err
}

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
