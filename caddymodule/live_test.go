package caddymodule

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestListeners_WithoutClientKeysOnlyThisMachineMayReachThem(t *testing.T) {
	for listen, open := range map[string]bool{
		"127.0.0.1:8080": false, "tcp/127.0.0.1:1": false, "[::1]:8080": false, "localhost:8080": false, "127.9.9.9:80": false,
		"unix//run/aimux.sock": false,
		":8080":                true, "0.0.0.0:8080": true, "[::]:8080": true, "192.168.1.4:80": true, "gateway.example.com:443": true, "udp/:443": true,
	} {
		if got, err := reachable(listen); got != open || err != nil {
			t.Errorf("%s: reachable %v, %v", listen, got, err)
		}
	}
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	below := func(listen string) caddy.Context {
		return caddy.Context{Context: contextWith(t, &caddyhttp.Server{Listen: []string{"127.0.0.1:1", listen}})}
	}
	if err := app.admits(below("127.0.0.1:8080")); err != nil {
		t.Error(err)
	}
	err = app.admits(below(":8080"))
	for _, part := range []string{"no client keys", ":8080", "aimux clients create", "bind 127.0.0.1"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	app.live.now().guarded = true
	if err := app.admits(below(":8080")); err != nil {
		t.Error(err)
	}
}

func TestApply_ChangesAreInForceAtOnceAndBadOnesChangeNothing(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	noKeys(t)
	dir := t.TempDir()
	file, overrides := filepath.Join(dir, "aimux.toon"), filepath.Join(dir, "overrides.toon")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, "version: 1\nproviders[1:]{kind}:\n  one: simulator\n")
	made, err := embed(file, overrides)
	if err != nil {
		t.Fatal(err)
	}
	app := &App{Config: made.Config, Source: file, Overrides: overrides}
	if err := app.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	under := app.live.use() // an exchange that goes on over the change

	write(overrides, "version: 1\nproviders[1:]{kind}:\n  two: simulator\n")
	if err := app.apply(); err != nil {
		t.Fatal(err)
	}
	if names := app.live.now().providerNames(); len(names) != 2 {
		t.Errorf("providers %v", names)
	}
	if under.refs.Load() != 1 {
		t.Errorf("the exchange's runtime has %d references", under.refs.Load())
	}
	under.release()

	write(overrides, "version: 1\nrouting:\n  strategy: fastes\n")
	if err := app.apply(); err == nil || !strings.Contains(err.Error(), `did you mean "fastest"`) {
		t.Errorf("a bad change: %v", err)
	}
	if names := app.live.now().providerNames(); len(names) != 2 {
		t.Errorf("after a bad change: providers %v", names)
	}
}

func TestLive_RequestsAndChangesAtTheSameTime(t *testing.T) {
	noKeys(t)
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	before := app.live.now()
	h := &Handler{live: app.live}
	h.live.hold()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				w := httptest.NewRecorder()
				if err := h.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/healthz", nil), nil); err != nil || w.Code != 200 {
					t.Errorf("%d %v", w.Code, err)
				}
			}
		})
	}
	for range 20 {
		if err := app.apply(); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	last := app.live.now()
	app.Cleanup()
	if last.refs.Load() != 1 {
		t.Errorf("the last runtime has %d references while a handler holds it", last.refs.Load())
	}
	h.Cleanup()
	if before.refs.Load() != 0 || last.refs.Load() != 0 {
		t.Errorf("references left: %d and %d", before.refs.Load(), last.refs.Load())
	}
}

func contextWith(t *testing.T, server *caddyhttp.Server) context.Context {
	return context.WithValue(t.Context(), caddyhttp.ServerCtxKey, server)
}
