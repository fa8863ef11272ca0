package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// started provisions and starts an app in a data directory.
func started(t *testing.T, data string) *App {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("AIMUX_TEST_KEY", "canary-secret")
	app, err := provision(t, oneKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	return app
}

func (a *App) shutDown() {
	a.Stop()
	a.Cleanup()
}

func TestArchive_RestsSurviveARestartAndNoSecretIsOnDisk(t *testing.T) {
	data := t.TempDir()
	app := started(t, data)
	lease, err := app.live.now().providers[0].Keys.Acquire("glm-5.2", nil)
	if err != nil {
		t.Fatal(err)
	}
	lease.Release(keypool.Outcome{Class: llm.ClassRate, Wait: 10 * time.Minute, WaitKnown: true})
	app.shutDown()

	path := filepath.Join(data, "caddy", "aimux", "state.json")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(file), "canary") {
		t.Error("a secret is on disk")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}

	app = started(t, data)
	defer app.shutDown()
	until, class, resting := app.live.now().providers[0].Keys.Resting("glm-5.2")
	if !resting || class != llm.ClassRate || time.Until(until) < 9*time.Minute {
		t.Errorf("after the restart: resting %t until %v for %v", resting, until, class)
	}
}

func TestArchive_UnreadableFileIsMovedAsideAndServingGoesOn(t *testing.T) {
	for name, text := range map[string]string{"cut": `{"version":1,"learned":{`, "future": `{"version":99}`, "empty": ""} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			dir := filepath.Join(data, "caddy", "aimux")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "state.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			started(t, data).shutDown()
			if kept, err := os.ReadFile(path + ".unreadable"); err != nil || string(kept) != text {
				t.Errorf("what could not be read is gone: %v", err)
			}
		})
	}
}

func TestArchive_CheckingAConfigurationWritesNothing(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("AIMUX_TEST_KEY", "x")
	app, err := provision(t, oneKey)
	if err != nil {
		t.Fatal(err)
	}
	app.Cleanup()
	if files, _ := filepath.Glob(filepath.Join(data, "*")); len(files) != 0 {
		t.Errorf("written: %v", files)
	}
}
