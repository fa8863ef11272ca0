package caddymodule

import (
	"bytes"
	"errors"
	"log/slog"
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
	for name, text := range map[string]string{"cut": `{"version":1,"learned":{`, "future": `{"version":99}`, "empty": "", "no object": "[]"} {
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

// archived is an archive at path whose warnings go to the buffer.
func archived(t *testing.T, path string) (*archive, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	a := openArchive(path, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(a.end)
	return a, log
}

func TestArchive_TheSecondProcessWritesNothingAndTakesOverWhenTheFirstEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aimux", "state.json")
	first, _ := archived(t, path)
	first.start()
	second, log := archived(t, path)
	second.start()
	if first.state().Trouble != "" || !strings.Contains(second.state().Trouble, "locked by process") {
		t.Errorf("first %q, second %q", first.state().Trouble, second.state().Trouble)
	}
	second.save()
	second.save()
	if _, err := os.Stat(path); err == nil {
		t.Error("the second wrote the file")
	}
	if n := strings.Count(log.String(), "is not saved"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, log)
	}
	first.save()
	first.end()
	first.stop = nil // ended
	second.save()
	if second.state().Trouble != "" || !strings.Contains(log.String(), "saved again") {
		t.Errorf("after the first ended: %q\n%s", second.state().Trouble, log)
	}
}

func TestArchive_WhatIsNoFileOfOursIsMovedAside(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a symbolic link": func(path string) error { return os.Symlink("/nowhere", path) },
		"of another user": func(path string) error {
			if err := os.WriteFile(path, []byte(`{"version":1}`), 0o600); err != nil {
				return err
			}
			return os.Chown(path, 4711, -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := put(path); err != nil {
				t.Skip(err)
			}
			for range 2 { // an earlier one stays
				a, log := archived(t, path)
				a.start()
				a.save()
				if !strings.Contains(log.String(), "moved aside") || a.state().Trouble != "" {
					t.Errorf("%q\n%s", a.state().Trouble, log)
				}
				if _, err := readArchive(path); err != nil {
					t.Error(err)
				}
				a.end()
				a.stop = nil // ended
				if err := errors.Join(os.Remove(path), put(path)); err != nil {
					t.Fatal(err)
				}
			}
			if kept, _ := filepath.Glob(path + ".unreadable*"); len(kept) != 2 {
				t.Errorf("kept: %v", kept)
			}
		})
	}
}

func TestArchive_ADirectoryThatCannotBeWrittenIsToldOnceAndTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aimux")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the directory's place
		t.Fatal(err)
	}
	a, log := archived(t, filepath.Join(dir, "state.json"))
	a.start()
	a.save()
	if n := strings.Count(log.String(), "is not saved"); n != 1 || a.state().Trouble == "" {
		t.Errorf("%d warnings, state %q:\n%s", n, a.state().Trouble, log)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	a.save()
	if a.state().Trouble != "" {
		t.Error(a.state().Trouble)
	}
}
