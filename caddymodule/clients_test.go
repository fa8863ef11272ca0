package caddymodule

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/place"
)

// madeStore makes a vault for the app and returns a store beside the app's, as
// another process has it.
func madeStore(t *testing.T, app *App) *client.Store {
	t.Helper()
	options, err := place.VaultOptions(app.live.now().config)
	if err != nil {
		t.Fatal(err)
	}
	v, err := place.OpenVault(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	pepper, err := v.Derive(pepperLabel)
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.OpenStore(place.Clients(), pepper, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// asks reports whether the app lets in nobody without a key.
func asks(a *App) bool {
	registry := a.live.now().services.clients
	if registry == nil {
		return false
	}
	_, err := registry.Identify("", netip.Addr{})
	return err != nil
}

// serveFile provisions and begins an app whose file and overrides are in dir.
func serveFile(t *testing.T, dir, text string) *App {
	t.Helper()
	file := filepath.Join(dir, "aimux.toon")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	app := &App{Source: file, Overrides: filepath.Join(dir, "overrides.toon")}
	made, err := embed(app.Source, app.Overrides)
	if err != nil {
		t.Fatal(err)
	}
	app.Config = made.Config
	if err := app.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := app.begin(); err != nil {
		t.Fatal(err)
	}
	return app
}

// change writes the app's overrides and puts them in force.
func (a *App) change(t *testing.T, overrides string) {
	t.Helper()
	if err := os.WriteFile(a.Overrides, []byte(overrides), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.apply(); err != nil {
		t.Fatal(err)
	}
}

func TestClients_AfterTheLastWasRevokedNobodyGetsInWhateverIsChanged(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	const text = "version: 1\nproviders[1:]{kind}:\n  one: simulator\n"
	app := serveFile(t, dir, text)
	store := madeStore(t, app)
	app.change(t, "version: 1\n")
	if asks(app) {
		t.Fatal("a vault alone guards the gateway")
	}
	made, _, err := store.Create(client.Record{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	app.change(t, "version: 1\n")
	if err := store.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"3", "4"} {
		app.change(t, "version: 1\nlimits:\n  queue: "+queue+"\n")
		if !asks(app) {
			t.Fatalf("limits.queue was changed to %s: everybody may use the gateway", queue)
		}
	}
	app.shutDown()
	again := serveFile(t, dir, text)
	defer again.shutDown()
	if asks(again) {
		t.Error("after a restart nobody gets in, though there is no client")
	}
}

func TestClients_OneThatWasNeverInForceGuardsNothing(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	app := serveFile(t, t.TempDir(), "version: 1\n")
	defer app.shutDown()
	store := madeStore(t, app)
	app.change(t, "version: 1\n")
	made, _, err := store.Create(client.Record{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	app.change(t, "version: 1\nlimits:\n  queue: 3\n")
	if asks(app) {
		t.Error("nobody gets in any more")
	}
}
