package caddymodule

import (
	"context"
	"fmt"
	"os"

	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/schema"
)

// keys makes the provider's keys. Their state is found again by the secret's
// fingerprint, wherever the row moves in the file and wherever the secret is
// kept.
func (b *builder) keys(name, origin string, vendor, known *provider.Vendor) ([]*keypool.Key, error) {
	var keys []*keypool.Key
	for i, row := range b.config.Keys {
		if row.Provider != name || !row.On() {
			continue
		}
		open, err := b.opener(row.Secret, origin, vendor, known)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", keyName(row, i), err)
		}
		text, err := open(context.Background())
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", keyName(row, i), err)
		}
		k := &keypool.Key{
			Name: keyName(row, i), AccountName: row.Account, Weight: row.Weight, MaxInFlight: row.MaxInFlight, Models: row.Models,
			State: b.runtime.keyState(origin, text), Secret: open,
		}
		if row.Account != "" {
			k.Account = b.runtime.accountState(origin, row.Account)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func keyName(row schema.Key, i int) string {
	if row.Name != "" {
		return row.Name
	}
	return fmt.Sprintf("key-%d", i+1)
}

// opener returns what opens a key's secret for one attempt. Between attempts it
// stays sealed, in the vault's form or in this process's own.
func (b *builder) opener(ref schema.SecretRef, origin string, vendor, known *provider.Vendor) (func(context.Context) (string, error), error) {
	if ref.Scheme != "vault" {
		text, err := ref.Resolve(os.LookupEnv)
		if err != nil {
			return nil, err
		}
		sealed := secret.Seal(text)
		return func(context.Context) (string, error) { return sealed.Open() }, nil
	}
	bound, err := vault.ParseOrigin(origin)
	if err != nil {
		return nil, err
	}
	if err := staysAt(bound, vendor, known); err != nil {
		return nil, fmt.Errorf("vault:%s: %w", ref.Name, err)
	}
	v := b.runtime.services.vault
	return func(context.Context) (string, error) {
		text, err := v.Get(ref.Name, bound)
		return text.Reveal(), err
	}, nil
}

// staysAt refuses to send a key of the vault, which belongs to one origin, to
// another one that only the configuration names.
func staysAt(bound vault.Origin, vendor, known *provider.Vendor) error {
	for d, e := range vendor.Endpoints {
		to, err := vault.ParseOrigin(e.BaseURL)
		if err != nil {
			return fmt.Errorf("the address for %s: %w", d, err)
		}
		if to == bound {
			continue
		}
		if own, err := vault.ParseOrigin(known.Endpoints[d].BaseURL); err == nil && own == to {
			continue // the catalogue itself says that the vendor has two
		}
		return fmt.Errorf("the key belongs to %s, and the provider's %s requests would take it to %s; make that a provider of its own with its own key", bound, d, to)
	}
	return nil
}
