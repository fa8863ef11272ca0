package caddymodule

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// startFrom adapts a Caddyfile in dir and returns its app, as a start does.
func startFrom(t *testing.T, dir string) *App {
	t.Helper()
	out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\n\taimux\n}\n"), map[string]any{"filename": filepath.Join(dir, "Caddyfile")})
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ Apps struct{ Aimux *App } }
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.Aimux
}

// startAllocations is how often memory may be allocated for the configuration of
// readOnce from its file to its runtime: a fifth more than it takes. To read the
// document twice takes half as many again.
const startAllocations = 3000

func TestStart_AllocatesNoMoreThanItsBudget(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("AIMUX_TEST_KEY", "k")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "aimux.toon"), []byte(readOnce), 0o600); err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(5, func() {
		app := startFrom(t, dir)
		app.logger, app.consoles = slog.New(slog.DiscardHandler), new(consoles)
		rt, err := app.compile(app)
		if err != nil {
			t.Fatal(err)
		}
		rt.release()
	})
	if got > startAllocations {
		t.Errorf("%.0f allocations, more than %d", got, startAllocations)
	}
	t.Logf("%.0f allocations", got)
}
