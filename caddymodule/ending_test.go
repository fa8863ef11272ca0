package caddymodule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/go-json-experiment/json/jsontext"
)

// served is a started app of a file, with its overrides beside it.
func served(t *testing.T, dir string) *App {
	t.Helper()
	app := fromFile(t, dir)
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	return app
}

// fromFile is an app of a file that has not been started.
func fromFile(t *testing.T, dir string) *App {
	t.Helper()
	file, overrides := filepath.Join(dir, "aimux.toon"), filepath.Join(dir, "overrides.toon")
	if err := os.WriteFile(file, []byte("version: 1\nproviders[1:]{kind}:\n  one: simulator\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	app, err := embed(file, overrides)
	if err != nil {
		t.Fatal(err)
	}
	app.Overrides = overrides
	if err := app.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Cleanup() })
	return app
}

// queueOf changes one value, as the console does.
func (a *App) queueOf(t *testing.T, value string) error {
	t.Helper()
	change := console.ConfigChange{Set: []console.ConfigSet{{Pointer: "/limits/queue", Value: jsontext.Value(value)}}}
	_, err := a.plane().Backend().Config.Put(t.Context(), "", change)
	return err
}

func TestApp_AChangeThatComesAfterItsEndIsRefusedAndTakenBack(t *testing.T) {
	noKeys(t)
	for name, end := range map[string]func(*App, *App){
		"stopped":                  func(old, _ *App) { old.Stop() },
		"cleaned up":               func(old, _ *App) { old.Stop(); old.Cleanup() },
		"another one is in force":  func(_, next *App) { next.Start() },
		"after an ordinary reload": func(old, next *App) { next.Start(); old.Stop(); old.Cleanup() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			dir := t.TempDir()
			before := entries()
			old := served(t, dir)
			if err := old.queueOf(t, "3"); err != nil {
				t.Fatal(err)
			}
			next := fromFile(t, dir)
			end(old, next)
			text, was := mustRead(t, old.Overrides), old.live.now()
			err := old.queueOf(t, "4")
			var refused *console.Error
			if !errors.As(err, &refused) || refused.Status != 409 || !strings.Contains(refused.Message, "replaced meanwhile") {
				t.Errorf("answered with %v", err)
			}
			if now := mustRead(t, old.Overrides); now != text {
				t.Errorf("the overrides changed: %s", now)
			}
			if old.live.now() != was {
				t.Error("it has a new runtime")
			}
			leave(t, before, old, next)
		})
	}
}

func TestApp_AChangeUnderWayWhenItEndsLeavesNothingRunning(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	before := entries()
	for range 10 {
		app := served(t, dir)
		var both sync.WaitGroup
		both.Go(func() {
			for range 3 {
				if err := app.apply(); err != nil && !errors.Is(err, errReplaced) {
					t.Error(err)
				}
			}
		})
		both.Go(func() {
			app.Stop()
			app.Cleanup()
		})
		both.Wait()
		select {
		case <-app.background.done:
		default:
			t.Fatal("the background runs on")
		}
		if n := entries(); n != before {
			t.Fatalf("%d entries are left", n-before)
		}
	}
}

// leave ends apps, and looks whether they have left anything among what
// configurations share: there were so many entries before.
func leave(t *testing.T, before int, apps ...*App) {
	t.Helper()
	for _, app := range apps {
		app.Stop()
		app.Cleanup()
	}
	if n := entries(); n != before {
		t.Errorf("%d entries are left", n-before)
	}
}
