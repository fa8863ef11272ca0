package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/backup"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/deploy"
	"github.com/aimux/aimux/schema"
	"github.com/google/go-cmp/cmp"
)

// furnished is a machine with everything that is saved. It returns the passphrase's
// file.
func furnished(t *testing.T) (home, passphrase string) {
	t.Helper()
	home = ownMachine(t)
	if out, err := execute(t, "init", "--dir", "first", "--provider", "zai", "--key-file", keyIn(t, zaiKey)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	put := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(home, ".config/aimux")
	put(config+"/aimux.toon", "version: 1\nproviders:\n  zai:\n    tier: 1\nkeys[1]{provider,name,secret}:\n  zai,main,\"vault:zai-main\"\n")
	put(config+"/Caddyfile", deploy.Text("user/Caddyfile"))
	put(place.File("overrides.toon"), "version: 1\n")
	put(place.File("undo/1.json"), "{}")
	put(place.File("users.json"), "{}")
	put(place.State(), `{"version":1}`)
	ledger, err := usage.Open(usage.Options{Path: place.File("usage.db")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := ledger.Close(ctx); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(home, "pass"), "correct horse battery\n")
	return home, filepath.Join(home, "pass")
}

func TestBackup_HoldsEverythingAndComesBackAndIsUndone(t *testing.T) {
	home, pass := furnished(t)
	out, err := execute(t, "backup", "--to", "b.age", "--passphrase-file", pass, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Items []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range made.Items {
		names = append(names, item.Name)
	}
	want := []string{
		"config/Caddyfile", "config/aimux.toon", "data/audit/audit-00000000000000000001.jsonl", "data/overrides.toon",
		"data/state.json", "data/undo/1.json", "data/usage.db", "data/users.json", "data/vault.json",
	}
	if d := cmp.Diff(want, slices.Sorted(slices.Values(names))); d != "" {
		t.Error(d)
	}
	if _, err := execute(t, "backup", "--to", "b.age", "--passphrase-file", pass); err == nil || !strings.Contains(err.Error(), "already there") {
		t.Errorf("%v", err)
	}

	config := filepath.Join(home, ".config/aimux/aimux.toon")
	before := mustRead(t, config)
	changed := strings.Replace(before, "tier: 1", "tier: 2", 1)
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = execute(t, "restore", "b.age", "--passphrase-file", pass, "--dry-run")
	if err != nil || !strings.Contains(out, "tier: 2") || mustRead(t, config) != changed {
		t.Fatalf("%v: %s", err, out)
	}
	lock, err := filelock.Acquire(t.Context(), place.State()+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "restore", "b.age", "--passphrase-file", pass, "--yes"); err == nil || !strings.Contains(err.Error(), "is running") {
		t.Errorf("restored beside a server: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "restore", "b.age", "--passphrase-file", pass, "--yes"); err != nil || mustRead(t, config) != before {
		t.Fatalf("%v", err)
	}
	if staged, _ := filepath.Glob(place.File(".restore-*")); len(staged) > 0 {
		t.Errorf("left: %v", staged)
	}
	if _, err := execute(t, "restore", "--undo"); err != nil || mustRead(t, config) != changed {
		t.Errorf("%v", err)
	}
	if _, err := execute(t, "restore", "--undo"); err == nil {
		t.Error("undone twice")
	}
}

func TestRestore_OntoAnEmptyMachineTakesTheVaultsKey(t *testing.T) {
	_, pass := furnished(t)
	key := mustRead(t, place.VaultKey())
	archive := filepath.Join(t.TempDir(), "b.age")
	if _, err := execute(t, "backup", "--to", archive, "--passphrase-file", pass); err != nil {
		t.Fatal(err)
	}
	words := mustRead(t, pass)
	home := ownMachine(t)
	if err := os.WriteFile("pass", []byte(words), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := execute(t, "restore", archive, "--passphrase-file", "pass", "--yes")
	if err == nil || !strings.Contains(err.Error(), place.VaultKey()) || place.Exists(place.File("vault.json")) {
		t.Fatalf("without the key: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(place.VaultKey()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place.VaultKey(), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := execute(t, "restore", archive, "--passphrase-file", "pass", "--yes"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := openVault(t).Get("zai-main", "https://api.z.ai:443"); err != nil || got.Reveal() != zaiKey {
		t.Errorf("%v", err)
	}
	if !place.Exists(filepath.Join(home, ".config/aimux/aimux.toon")) || !place.Exists(place.File("usage.db")) || !place.Exists(place.File("audit/audit-00000000000000000001.jsonl")) {
		t.Error("something did not come back")
	}
}

func TestRestore_RefusesWhatNoGatewayCouldRunOn(t *testing.T) {
	_, pass := furnished(t)
	if err := os.WriteFile(place.File("users.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "backup", "--to", "b.age", "--passphrase-file", pass); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "restore", "b.age", "--passphrase-file", pass, "--yes"); err == nil || !strings.Contains(err.Error(), "users.json") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile("wrong", []byte("another passphrase"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "restore", "b.age", "--passphrase-file", "wrong"); !errors.Is(err, backup.ErrKey) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile("junk", []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, "restore", "junk", "--passphrase-file", pass); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("%v", err)
	}
	for _, args := range [][]string{nil, {"b.age", "--undo"}} {
		if _, err := execute(t, append([]string{"restore"}, args...)...); err == nil || !strings.Contains(err.Error(), "name a backup") {
			t.Errorf("%v", err)
		}
	}
}

func TestTargets_AnAuditLogIsNeverRolledBack(t *testing.T) {
	furnished(t)
	own := belongingsOf("", "", schema.Defaults())
	m := &backup.Manifest{Created: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC), Items: []backup.Entry{{Name: "data/audit/audit-1.jsonl"}}}
	targets := own.targets(m, own)
	at := slices.IndexFunc(targets, func(x backup.Target) bool { return x.Name == "data/audit/audit-1.jsonl" })
	if want := filepath.Join(own.audit, "restored-20261122T020000Z", "audit-1.jsonl"); at < 0 || targets[at].Path != want {
		t.Errorf("%v", targets)
	}
}

func TestApp_MakesBackupsAsConfigured(t *testing.T) {
	_, pass := furnished(t)
	app, err := provision(t, `{"version":1,"backups":{"every":"24h","keep_daily":2,"keep_weekly":0,"passphrase":"file:`+pass+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	r := app.backups(app.live.now())
	r.Now = func() time.Time { return time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) }
	path, err := r.Once(t.Context())
	if err != nil || filepath.Dir(path) != place.File("backups") {
		t.Fatalf("%s, %v", path, err)
	}
	identity, err := backup.Unlock(strings.TrimSpace(mustRead(t, pass)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := backup.Verify(t.Context(), f, backupCaps(), identity); err != nil || len(m.Items) < 6 {
		t.Errorf("%v, %v", m, err)
	}
	off, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer off.Cleanup()
	if off.backups(off.live.now()) != nil {
		t.Error("backups without being asked")
	}
}

func TestFinishRestore_WithNothingToFinishDoesNothing(t *testing.T) {
	ownMachine(t)
	if err := finishRestore(t.Context(), slog.New(slog.DiscardHandler), time.Now()); err != nil || place.Exists(place.File("")) {
		t.Errorf("%v", err)
	}
}
