package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/schema"
)

// keys is console.Keys.
type keys struct{ *Plane }

// List returns the keys of all providers.
func (k keys) List(context.Context) ([]console.Key, error) {
	out := []console.Key{}
	for _, p := range k.Gateway.View().providers() {
		out = append(out, p.Keys...)
	}
	return out, nil
}

// keysOf shows the configured keys of a provider with how they stand.
// Rests that are over are left out: the pool remembers them for a while, but the
// key may be used.
func (v View) keysOf(name string, works *gateway.Provider, now time.Time) []console.Key {
	standing := map[string]keypool.KeyStatus{}
	if works != nil {
		for _, s := range works.Keys.Snapshot(now) {
			s.Rests = slices.DeleteFunc(s.Rests, func(r keypool.Rest) bool { return !r.Until.IsZero() && !r.Until.After(now) })
			standing[s.Name] = s
		}
	}
	out := []console.Key{}
	for _, row := range v.Result.Config.Keys {
		if row.Provider != name {
			continue
		}
		k := console.Key{Provider: name, Name: row.Name, Account: row.Account, Enabled: row.On(), Source: row.Secret.Scheme, State: "disabled", Rests: []console.Rest{}}
		if s, ok := standing[row.Name]; ok {
			stand(&k, s)
		} else if row.On() {
			k.State = "missing"
		}
		v.label(&k, row.Secret)
		out = append(out, k)
	}
	return out
}

// label adds what the vault shows of a key.
func (v View) label(k *console.Key, ref schema.SecretRef) {
	if ref.Scheme != "vault" || v.Vault == nil {
		return
	}
	info, err := v.Vault.Info(ref.Name)
	if err != nil {
		k.State, k.Reason = "missing", err.Error()
		return
	}
	k.Last4, k.Tag = info.Last4, info.Tag
	if !info.Enabled {
		k.State, k.Reason = "disabled", "disabled in the vault"
	}
}

// find returns a key as it is shown.
func (k keys) find(providerName, name string) (console.Key, error) {
	for _, p := range k.Gateway.View().providers() {
		if p.ID != providerName {
			continue
		}
		for _, x := range p.Keys {
			if x.Name == name {
				return x, nil
			}
		}
	}
	return console.Key{}, console.NotFound(fmt.Sprintf("provider %q has no key %q", providerName, name))
}

// Create stores a secret in the vault and adds the key to its provider.
func (k keys) Create(ctx context.Context, n console.NewKey) (console.Key, error) {
	if err := (providers(k)).there(n.Provider); err != nil {
		return console.Key{}, err
	}
	if _, err := k.find(n.Provider, n.Name); err == nil {
		return console.Key{}, console.Conflict(fmt.Sprintf("provider %q has a key %q already; give the new one another name, or rotate it", n.Provider, n.Name))
	}
	origin, err := k.origin(n.Provider)
	if err != nil {
		return console.Key{}, err
	}
	stored := keeping{plane: k.Plane}
	id, err := stored.add(ctx, n.Provider, n.Name, origin, n.Secret)
	if err != nil {
		return console.Key{}, err
	}
	err = k.edit(ctx, "", "added key "+n.Provider+"/"+n.Name, func(o *schema.Overrides, _ *schema.Result) error {
		return o.AddRow("/keys", keyRow(n.Provider, n.Name, n.Account, id))
	})
	if err != nil {
		stored.takeBack(ctx)
		return console.Key{}, err
	}
	return k.find(n.Provider, n.Name)
}

// origin is the address a configured provider's keys belong to.
func (p *Plane) origin(name string) (string, error) {
	v := p.Gateway.View()
	for _, x := range v.Providers {
		if x.Name == name {
			return x.Vendor.Origin(), nil
		}
	}
	row := v.Result.Config.Providers[name]
	return originOf(name, console.ProviderChange{Kind: &row.Kind, BaseURL: &row.BaseURL, AnthropicBaseURL: &row.AnthropicBaseURL, ResponsesBaseURL: &row.ResponsesBaseURL})
}

func keyRow(providerName, name, account, id string) map[string]any {
	row := map[string]any{"provider": providerName, "name": name, "secret": "vault:" + id}
	if account != "" {
		row["account"] = account
	}
	return row
}

// Put changes a key. A new secret of a key that is not in the vault moves it
// there.
func (k keys) Put(ctx context.Context, providerName, name string, c console.KeyChange) (console.Key, error) {
	if _, err := k.find(providerName, name); err != nil {
		return console.Key{}, err
	}
	row := map[string]any{"provider": providerName, "name": name}
	if c.Enabled != nil {
		row["enabled"] = *c.Enabled
	}
	if c.Account != nil {
		row["account"] = *c.Account
	}
	stored := keeping{plane: k.Plane}
	if c.Secret != nil {
		id, err := k.replace(ctx, &stored, providerName, name, *c.Secret)
		if err != nil {
			return console.Key{}, err
		}
		row["secret"] = "vault:" + id
	}
	err := k.edit(ctx, "", "changed key "+providerName+"/"+name, func(o *schema.Overrides, _ *schema.Result) error { return o.AddRow("/keys", row) })
	if err != nil {
		stored.takeBack(ctx)
		return console.Key{}, err
	}
	return k.find(providerName, name)
}

// replace puts a new secret into the vault, under the id the key has or a new
// one.
func (k keys) replace(ctx context.Context, stored *keeping, providerName, name string, text console.Secret) (id string, err error) {
	origin, err := k.origin(providerName)
	if err != nil {
		return "", err
	}
	for _, row := range k.Gateway.View().Result.Config.Keys {
		if row.Provider == providerName && row.Name == name && row.Secret.Scheme == "vault" {
			return row.Secret.Name, stored.rotate(ctx, row.Secret.Name, text)
		}
	}
	return stored.add(ctx, providerName, name, origin, text)
}

// Delete removes a key and what the vault holds of it.
func (k keys) Delete(ctx context.Context, providerName, name string) error {
	if _, err := k.find(providerName, name); err != nil {
		return err
	}
	var orphan []string
	err := k.edit(ctx, "", "removed key "+providerName+"/"+name, func(o *schema.Overrides, r *schema.Result) error {
		for i, row := range r.Config.Keys {
			if row.Provider != providerName || row.Name != name {
				continue
			}
			if layer := r.LayerOf(fmt.Sprintf("/keys/%d/secret", i)); layer != schema.LayerOverrides {
				return console.Conflict(fmt.Sprintf("the key is in %s; disable it, or remove it there", madeIn(layer)))
			}
			if row.Secret.Scheme == "vault" {
				orphan = append(orphan, row.Secret.Name)
			}
		}
		o.DropRow("/keys", map[string]any{"provider": providerName, "name": name})
		return nil
	})
	if err == nil {
		k.dropSecrets(ctx, orphan)
	}
	return err
}

// Reset ends all rests of a key.
func (k keys) Reset(_ context.Context, providerName, name string) (console.Key, error) {
	for _, p := range k.Gateway.View().Providers {
		if p.Name == providerName && p.Keys.Reset(name) {
			return k.find(providerName, name)
		}
	}
	return console.Key{}, console.NotFound(fmt.Sprintf("provider %q has no key %q in use", providerName, name))
}

// pointerStep writes a name as a step of a JSON pointer (RFC 6901).
func pointerStep(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// stand fills in how a key stands.
func stand(k *console.Key, s keypool.KeyStatus) {
	k.State = telemetry.KeyState(&s)
	k.InFlight, k.Requests, k.Failures = int64(s.InFlight), s.Used, s.Failed
	for _, r := range s.Rests {
		k.Rests = append(k.Rests, console.Rest{Model: r.Model, Until: console.At(r.Until), Reason: r.Class.String()})
		if r.Model == "" {
			k.Until, k.Reason = console.At(r.Until), r.Class.String()
		}
	}
}
