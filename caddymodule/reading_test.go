package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/google/go-cmp/cmp"
)

func TestReading_HoldsForTheSameDocumentAndEnvironmentOnce(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	result := func() *schema.Result { return &schema.Result{Raw: json.RawMessage(`{"version":1}`)} }
	doubtful := result()
	doubtful.Warnings = []schema.Problem{{Msg: "a secret is not there"}}
	for _, tc := range []struct {
		name     string
		kept     *schema.Result
		path     string
		environ  []string
		document string
		after    time.Duration
		want     bool
	}{
		{"the same", result(), "a.toon", []string{"A=1"}, `{"version":1}`, time.Second, true},
		{"another document", result(), "a.toon", []string{"A=1"}, `{"version":0}`, 0, false},
		{"another file", result(), "b.toon", []string{"A=1"}, `{"version":1}`, 0, false},
		{"another environment", result(), "a.toon", []string{"A=2"}, `{"version":1}`, 0, false},
		{"too late", result(), "a.toon", []string{"A=1"}, `{"version":1}`, time.Minute, false},
		{"with doubts", doubtful, "a.toon", []string{"A=1"}, `{"version":1}`, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r reading
			r.keep("a.toon", []string{"A=1"}, tc.kept, begin)
			got := r.take(tc.path, tc.environ, json.RawMessage(tc.document), begin.Add(tc.after))
			if (got == tc.kept) != tc.want || !tc.want && got != nil {
				t.Errorf("taken: %v", got)
			}
			if again := r.take("a.toon", []string{"A=1"}, tc.kept.Raw, begin); again != nil {
				t.Error("taken twice")
			}
		})
	}
}

// readOnce is a configuration as a user starts it.
const readOnce = "version: 1\nproviders:\n  zai:\n    kind: zai\n    tier: 2\nkeys[1]{provider,name,secret}:\n  zai,main,env:AIMUX_TEST_KEY\n"

// adapted is the app that Caddy makes of a Caddyfile beside which readOnce stands.
func adapted(t *testing.T) *App {
	t.Helper()
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("AIMUX_TEST_KEY", "k")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "aimux.toon"), []byte(readOnce), 0o600); err != nil {
		t.Fatal(err)
	}
	return startFrom(t, dir)
}

func TestReading_AStartWithACaddyfileReadsItsDocumentOnce(t *testing.T) {
	app := adapted(t)
	kept := lastReading.result
	if kept == nil {
		t.Fatal("nothing was kept")
	}
	if err := app.Provision(newContext(t)); err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	if app.result != kept {
		t.Error("the document was read again")
	}
}

func TestReading_IsWhatTheDocumentSays(t *testing.T) {
	app := adapted(t)
	kept := lastReading.take(app.Source, os.Environ(), app.Config, time.Now())
	if kept == nil {
		t.Fatal("nothing was kept")
	}
	again, err := schema.FromJSON(app.Config, schema.Options{Path: app.Source, Environ: os.Environ(), Known: provider.Known()})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(again.Config, kept.Config, cmp.AllowUnexported(schema.SecretRef{})); d != "" {
		t.Errorf("(-document +reading)\n%s", d)
	}
	if d := cmp.Diff(again.EnvUsed, kept.EnvUsed); d != "" {
		t.Errorf("(-document +reading)\n%s", d)
	}
}

func TestReading_LetsGoOfWhatNobodyProvisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r reading
		r.keep("aimux.toon", nil, new(schema.Result), time.Now())
		if r.result == nil {
			t.Fatal("nothing is kept")
		}
		time.Sleep(readingLasts + time.Millisecond)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.result != nil {
			t.Error("secrets are kept for a document that was adapted and not provisioned")
		}
	})
}
