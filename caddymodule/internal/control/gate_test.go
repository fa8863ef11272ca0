package control_test

import (
	"context"
	"crypto/ed25519"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/control"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/schema"
)

// gate is a gateway that reads real files and has a real vault, store and audit
// log, but asks no provider.
type gate struct {
	t    *testing.T
	dir  string
	data string // the directory of the overrides

	mu      sync.Mutex
	view    control.View
	failing error // what Apply says
	applied int
	vault   *vault.Vault
	log     *audit.Log
	audited error // what opening the audit log says
	guarded bool  // by the clients of the store

	records []gateway.Record
	streams int64
}

// document is the user's own file.
const document = `version: 1
providers:
  one:
    kind: openai
  two:
    kind: zai
    tier: 2
keys[2]{provider,name,secret}:
  one,k1,"env:KEY_ONE"
  two,k1,"env:KEY_TWO"
models[3]{alias,provider,model,tier}:
  coder,one,gpt-5.6,1
  coder,two,glm-5.2,2
  fast,two,glm-5.2,1
`

// begin returns a plane over a gate that has read text.
func begin(t *testing.T, text string) (*gate, console.Backend) {
	t.Helper()
	g := &gate{t: t, dir: t.TempDir()}
	g.data = g.path("data")
	if err := os.WriteFile(g.path("aimux.toon"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.Apply(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if g.log != nil {
			g.log.Close()
		}
	})
	return g, g.plane()
}

// plane returns another control plane over the same gateway and files.
func (g *gate) plane() console.Backend {
	return control.New(control.Options{
		Gateway: g, State: g, Overrides: g.where(), Version: "test", Started: time.Now(),
		Audit: g.openAudit, AuditDir: func() string { return g.path("audit") }, AuditKeys: func() []ed25519.PublicKey { return nil }, AuditTrouble: func(error) {},
		OpenVault: g.openVault, OpenStore: g.openStore,
	}).Backend()
}

func (g *gate) path(name string) string { return filepath.Join(g.dir, name) }

// where is the path of the overrides.
func (g *gate) where() string { return filepath.Join(g.data, "overrides.toon") }

func (g *gate) overrides() string {
	text, _ := os.ReadFile(g.where())
	return string(text)
}

func (g *gate) State() telemetry.State { return telemetry.State{InFlight: 3} }

func (g *gate) View() control.View {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.view
	v.Streams = g.streams
	if g.guarded {
		v.Store, v.Registry = g.guard()
	}
	v.Recent = func(n int) []gateway.Record { return g.records[:min(n, len(g.records))] }
	return v
}

func (g *gate) options() schema.Options {
	return schema.Options{Path: g.path("aimux.toon"), Environ: []string{"KEY_ONE=sk-one", "KEY_TWO=sk-two"}, Known: kinds()}
}

func (g *gate) Check(overrides []byte) (*schema.Result, error) {
	o := g.options()
	o.OverridesData = overrides
	return schema.Load(o)
}

func (g *gate) Apply() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failing != nil {
		return g.failing
	}
	o := g.options()
	o.Overrides = g.where()
	r, err := schema.Load(o)
	if err != nil {
		return err
	}
	g.applied++
	g.view, err = g.serve(r)
	return err
}

// serve makes of a configuration what a gateway would serve it with.
func (g *gate) serve(r *schema.Result) (control.View, error) {
	v := control.View{Result: r, Source: "aimux.toon", Kinds: map[string]string{}, Windows: telemetry.NewWindows(time.Now), Watch: new(alert.Watch), Vault: g.vault}
	table := route.Config{Strategy: route.Ordered}
	for name, row := range r.Config.Providers {
		known, _ := provider.Catalogue().Vendor(row.Kind)
		var keys []*keypool.Key
		for _, k := range r.Config.Keys {
			if k.Provider == name && k.On() {
				keys = append(keys, &keypool.Key{Name: k.Name, State: new(keypool.State)})
			}
		}
		if !row.On() || known == nil || len(keys) == 0 {
			continue
		}
		v.Kinds[name] = row.Kind
		v.Providers = append(v.Providers, &gateway.Provider{Name: name, Vendor: known, Keys: keypool.New("", keys, keypool.Options{})})
	}
	targets, aliases := map[string]*route.Target{}, map[string][]route.Member{}
	for _, m := range r.Config.Models {
		if _, serves := v.Kinds[m.Provider]; !serves || !m.On() {
			continue
		}
		id := m.Provider + "/" + m.Model
		if targets[id] == nil {
			targets[id] = &route.Target{Provider: m.Provider, Model: m.Model, Tier: 1}
			table.Targets = append(table.Targets, targets[id])
		}
		aliases[m.Alias] = append(aliases[m.Alias], route.Member{Target: targets[id], Tier: m.Tier})
	}
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		table.Aliases = append(table.Aliases, route.Alias{Name: name, Members: aliases[name]})
	}
	var err error
	v.Router, err = route.New(table)
	return v, err
}

func (g *gate) openAudit(ctx context.Context) (*audit.Log, error) {
	if g.audited != nil {
		return nil, g.audited
	}
	var err error
	if g.log == nil {
		g.log, err = audit.Open(ctx, audit.Options{Dir: g.path("audit")})
	}
	return g.log, err
}

func (g *gate) openVault(ctx context.Context) (*vault.Vault, error) {
	if g.vault != nil {
		return g.vault, nil
	}
	keys := g.path("keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return nil, err
	}
	v, err := vault.Init(ctx, vault.Options{Path: g.path("vault/vault.json"), Key: vault.KeySource{KeyFile: keys + "/key", Credential: "-", Variable: "-"}})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.vault = v // in view from the next Apply on, as in the real one
	return v, err
}

func (g *gate) openStore(v *vault.Vault) (*client.Store, error) {
	pepper, err := v.Derive("clients of a test")
	if err != nil {
		return nil, err
	}
	return client.OpenStore(g.path("clients.json"), pepper, nil)
}

// guard returns the clients' store and a registry that asks it.
func (g *gate) guard() (*client.Store, *client.Registry) {
	store, err := g.openStore(g.vault)
	if err != nil {
		g.t.Fatal(err)
	}
	pepper, err := g.vault.Derive("clients of a test")
	if err != nil {
		g.t.Fatal(err)
	}
	registry, err := client.NewRegistry(client.Options{Pepper: pepper, Store: store})
	if err != nil {
		g.t.Fatal(err)
	}
	return store, registry
}

// secrets lists what is in the vault.
func (g *gate) secrets() []string {
	if g.vault == nil {
		return nil
	}
	all, err := g.vault.List()
	if err != nil {
		g.t.Fatal(err)
	}
	out := make([]string, len(all))
	for i := range all {
		out[i] = all[i].ID
	}
	return out
}

// kinds is what the catalogue knows.
var kinds = sync.OnceValue(func() schema.Known {
	k := schema.Known{Kinds: map[string]schema.Kind{}}
	for _, v := range provider.Catalogue().Vendors() {
		k.Kinds[v.Kind] = schema.Kind{Env: v.Env, NeedsBaseURL: v.NeedsURL, KeyOptional: v.KeyOptional, Local: v.Local, AnyModel: true}
	}
	return k
})
