package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// provisionAgain is the app that Caddy makes of another one's JSON.
func provisionAgain(t *testing.T, app *App) *App {
	t.Helper()
	kept, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	again := new(App)
	if err := caddy.StrictUnmarshalJSON(kept, again); err != nil {
		t.Fatal(err)
	}
	if err := again.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Cleanup() })
	return again
}

// queue is what is in force, and what the console shows of it.
func (a *App) queue(t *testing.T) int {
	t.Helper()
	shown, real := a.live.now().described().Config.Limits.Queue, a.live.now().config.Limits.Queue
	if shown != real {
		t.Errorf("a queue of %d is shown, one of %d is in force", shown, real)
	}
	return real
}

func TestStart_PutsInForceWhatWasChangedSinceTheConfigurationWasMade(t *testing.T) {
	noKeys(t)
	for name, c := range map[string]struct {
		first   string // change before the JSON is made; empty: none
		between string // Provision and Start
		old     string // between the JSON and Provision
		want    int
		removed bool // the file of overrides is gone at the start
	}{
		"nothing":                                 {want: schema.Defaults().Limits.Queue},
		"nothing since a change":                  {first: "3", want: 3},
		"the first between Provision and Start":   {between: "4", want: 4},
		"another between Provision and Start":     {first: "3", between: "4", want: 4},
		"the first after the JSON was kept":       {old: "5", want: 5},
		"another after the JSON was kept":         {first: "3", old: "5", want: 5},
		"two":                                     {first: "3", old: "5", between: "6", want: 6},
		"all of it, by taking the overrides away": {first: "3", removed: true, want: schema.Defaults().Limits.Queue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			dir := t.TempDir()
			before := entries()
			app := served(t, dir)
			change := func(value string) {
				t.Helper()
				if value != "" {
					if err := app.queueOf(t, value); err != nil {
						t.Fatal(err)
					}
				}
			}
			change(c.first)
			kept, err := embed(app.Source, app.Overrides)
			if err != nil {
				t.Fatal(err)
			}
			kept.Overrides = app.Overrides
			change(c.old)
			next := provisionAgain(t, kept)
			change(c.between)
			if c.removed {
				os.Remove(app.Overrides)
			}
			if err := next.Start(); err != nil {
				t.Fatal(err)
			}
			if got := next.queue(t); got != c.want {
				t.Errorf("a queue of %d is in force, want %d", got, c.want)
			}
			leave(t, before, app, next)
		})
	}
}

func TestStart_OverridesThatCannotBePutInForceLeaveWhatWasProvisioned(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	app := fromFile(t, t.TempDir())
	for path, text := range map[string]string{app.Overrides: "version: 1\nlimits:\n  queue: 9\n", app.Source: "version: 1\nprovid"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer app.Stop()
	if got := app.queue(t); got != schema.Defaults().Limits.Queue || strings.Join(app.live.now().providerNames(), " ") != "one" {
		t.Errorf("a queue of %d, providers %v", got, app.live.now().providerNames())
	}
}

// The app that was in force comes back when the next one cannot be: what was
// changed with that one stays changed.
func TestResume_PutsInForceWhatWasChangedMeanwhile(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	app := served(t, dir)
	defer app.Stop()
	next := served(t, dir)
	if err := next.queueOf(t, "8"); err != nil {
		t.Fatal(err)
	}
	next.Stop()
	if got := app.queue(t); serving.Load() != app || got != 8 {
		t.Errorf("a queue of %d is in force", got)
	}
}

func TestDescribe_ShowsWhatIsInForceAndWhereItStands(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	app := served(t, t.TempDir())
	defer app.Stop()
	if err := app.queueOf(t, "3"); err != nil {
		t.Fatal(err)
	}
	again := provisionAgain(t, &App{Config: app.Config, Source: app.Source, Overrides: app.Overrides})
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	lastReading.forget(lastReading.result)
	shown := again.live.now().described()
	if layer := shown.LayerOf("/limits/queue"); layer != schema.LayerOverrides || shown.Config.Limits.Queue != 3 {
		t.Errorf("%d, of the layer %s", shown.Config.Limits.Queue, layer)
	}
	other := provisionAgain(t, &App{Config: json.RawMessage(writtenOut), Source: app.Source, Overrides: app.Overrides})
	if got := other.queue(t); got != 5 {
		t.Errorf("a queue of %d is in force", got)
	}
}

func TestReload_WhatWasAnsweredAsDoneIsInForceAndWhatWasRefusedIsNot(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	made := fromFile(t, t.TempDir())
	kept, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	load := func(round int) { // as Caddy does when another part of what it keeps is changed
		t.Helper()
		whole := fmt.Appendf(nil, `{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"level":"FATAL"},"x%d":{"level":"FATAL"}}},"apps":{"aimux":%s}}`, round, kept)
		if err := caddy.Load(whole, true); err != nil {
			t.Fatal(err)
		}
	}
	load(0)
	defer caddy.Stop()
	value := 2000
	for round := range 6 {
		app, last, begun, refused := serving.Load(), 0, make(chan struct{}, 1), make(chan error)
		go func() { // goes on with the app that is replaced, as open pages of its console do
			for {
				value++
				if err := app.queueOf(t, strconv.Itoa(value)); err != nil {
					refused <- err
					return
				}
				last = value
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		}()
		<-begun
		load(round + 1)
		var conflict *console.Error
		if err := <-refused; !errors.As(err, &conflict) || conflict.Status != 409 {
			t.Error(err)
		}
		if got := serving.Load().queue(t); got != last {
			t.Errorf("a queue of %d is in force, the last one answered as done is %d", got, last)
		}
	}
}
