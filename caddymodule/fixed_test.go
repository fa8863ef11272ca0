package caddymodule

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/command"
	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/go-json-experiment/json/jsontext"
)

// writtenOut is a configuration in Caddy's own JSON.
const writtenOut = `{"version":1,"providers":{"one":{"kind":"simulator"}},"limits":{"queue":5}}`

func TestChange_OfAConfigurationInCaddysJSONIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	noKeys(t)
	for name, overrides := range map[string]string{"without overrides": "", "with a file of overrides": "version: 1\nlimits:\n  queue: 9\n"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			t.Setenv("XDG_CONFIG_HOME", t.TempDir())
			dir := filepath.Join(t.TempDir(), "data")
			app := &App{Config: json.RawMessage(writtenOut), Overrides: filepath.Join(dir, "overrides.toon")}
			if overrides != "" {
				os.Mkdir(dir, 0o700)
				os.WriteFile(app.Overrides, []byte(overrides), 0o600)
			}
			if err := app.Provision(newContext(t)); err != nil {
				t.Fatal(err)
			}
			defer app.Cleanup()
			if err := app.Start(); err != nil {
				t.Fatal(err)
			}
			defer app.Stop()
			before := listing(t, dir)
			plane := app.plane().Backend()
			_, added := plane.Keys.Create(t.Context(), console.NewKey{Provider: "one", Name: "k", Secret: "sk-0123456789"})
			_, back := plane.Config.Undo(t.Context(), "x")
			for what, err := range map[string]error{"a value": app.queueOf(t, "3"), "a key": added, "going back": back} {
				var refused *console.Error
				if !errors.As(err, &refused) || refused.Status != 409 || !strings.Contains(refused.Message, "/config/apps/aimux/config") {
					t.Errorf("%s: answered with %v", what, err)
				}
			}
			change := console.ConfigChange{Set: []console.ConfigSet{{Pointer: "/limits/queue", Value: jsontext.Value("3")}}}
			if check, err := plane.Config.Validate(t.Context(), change); err != nil || check.OK || len(check.Problems) != 1 {
				t.Errorf("checked: %+v %v", check, err)
			}
			if err := app.apply(); err == nil || !strings.Contains(err.Error(), "Caddy's own JSON") {
				t.Errorf("applied: %v", err)
			}
			if queue := app.live.now().config.Limits.Queue; queue != 5 {
				t.Errorf("in force is a queue of %d", queue)
			}
			if after := listing(t, dir); after != before || place.Exists(place.File("vault.json")) {
				t.Errorf("there were %q and are %q, a vault: %t", before, after, place.Exists(place.File("vault.json")))
			}
		})
	}
}

// listing names the files in a directory.
func listing(t *testing.T, dir string) (out string) {
	t.Helper()
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		out += f.Name() + " "
	}
	return out
}

func TestIdle_AConfigurationInCaddysJSONIsNotLostToOverrides(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	overrides := filepath.Join(t.TempDir(), "overrides.toon")
	if err := os.WriteFile(overrides, []byte("version: 1\nlimits:\n  queue: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	app, err := idle(&command.Installation{Embedded: json.RawMessage(writtenOut), Overrides: overrides})
	if err != nil {
		t.Fatal(err)
	}
	defer app.live.drop()
	if queue := app.live.now().config.Limits.Queue; queue != 5 {
		t.Errorf("a queue of %d", queue)
	}
	if err := app.queueOf(t, "3"); err == nil || !strings.Contains(err.Error(), "Caddy's own JSON") {
		t.Errorf("%v", err)
	}
}

// A configuration of the environment is one that the console may change, also
// when Caddy has it as JSON because overrides lie over it.
func TestChange_OfTheEnvironmentsConfigurationWithOverridesIsMade(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	overrides := filepath.Join(t.TempDir(), "overrides.toon")
	if err := os.WriteFile(overrides, []byte("version: 1\nlimits:\n  queue: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := embed("", overrides)
	if err != nil {
		t.Fatal(err)
	}
	for name, app := range map[string]*App{"of a Caddyfile": made, "of nothing": {}} {
		app.Overrides = overrides
		if err := app.Provision(newContext(t)); err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"7", "9"} {
			if err := app.queueOf(t, value); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		app.Cleanup()
	}
}
