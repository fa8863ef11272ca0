package caddymodule

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
)

func TestOpenNewest_AnOlderVaultIsRefusedUnlessItWasBroughtBackOnPurpose(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir, ctx := t.TempDir(), t.Context()
	keys := filepath.Join(dir, "apart")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "store")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	options := vault.Options{Path: filepath.Join(store, "vault.json"), Key: vault.KeySource{KeyFile: filepath.Join(keys, "vault.key"), Credential: "-", Variable: "-"}}
	log := filepath.Join(dir, "audit")
	open := func() error {
		_, err := openNewest(ctx, options, log, slog.New(slog.DiscardHandler))
		return err
	}
	tell := func(v *vault.Vault, action string) {
		t.Helper()
		a := newAuditor(log, v)
		if action != "" {
			if err := a.record(ctx, action, "somewhere"); err != nil {
				t.Fatal(err)
			}
		} else if err := (&services{vault: v, auditor: a}).remember(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
	}
	v, err := vault.Init(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(options.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(ctx, "one", "https://api.example.com:443", "one", secret.New("sk-0123456789")); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Fatalf("without an audit log nothing is remembered: %v", err)
	}
	tell(v, "")
	if err := open(); err != nil {
		t.Fatalf("the newest: %v", err)
	}
	if err := os.WriteFile(options.Path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, vault.ErrRolledBack) || !strings.Contains(err.Error(), "AIMUX_ACCEPT_VAULT=1") {
		t.Fatalf("an older one: %v", err)
	}
	t.Setenv(acceptVariable, "1")
	if err := open(); err != nil {
		t.Fatalf("accepted by its generation: %v", err)
	}
	t.Setenv(acceptVariable, "7")
	if err := open(); !errors.Is(err, vault.ErrRolledBack) {
		t.Fatalf("another generation is accepted: %v", err)
	}
	tell(v, "backup.create")
	if err := open(); !errors.Is(err, vault.ErrRolledBack) {
		t.Fatalf("a backup that was made brings nothing back: %v", err)
	}
	tell(v, backupRestore)
	if err := open(); err != nil {
		t.Fatalf("restored: %v", err)
	}
	tell(v, "") // the newer one was in force again after that
	if err := open(); !errors.Is(err, vault.ErrRolledBack) {
		t.Fatalf("a restore of long ago: %v", err)
	}
	report, err := audit.Verify(ctx, log, audit.VerifyOptions{Keys: newAuditor(log, v).keys()})
	if err != nil || !report.OK() {
		t.Fatalf("the log: %v %v", err, report)
	}
}

func TestRemember_IsTriedAgainUntilTheAuditLogHasIt(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir, ctx := t.TempDir(), t.Context()
	keys := filepath.Join(dir, "apart")
	store := filepath.Join(dir, "store")
	for _, made := range []string{keys, store} {
		if err := os.Mkdir(made, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	v, err := vault.Init(ctx, vault.Options{Path: filepath.Join(store, "vault.json"), Key: vault.KeySource{KeyFile: filepath.Join(keys, "vault.key"), Credential: "-", Variable: "-"}})
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "audit")
	s := &services{vault: v, auditor: newAuditor(log, v)}
	defer s.auditor.close()
	if err := s.auditor.record(ctx, "server.start", "here"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(log, log+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.remember(ctx); err == nil || s.auditor.state().Trouble == "" {
		t.Fatalf("without a directory: %v, trouble %q", err, s.auditor.state().Trouble)
	}
	if err := os.Rename(log+".away", log); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.reread(slog.New(slog.DiscardHandler))
	}
	page, err := audit.Show(ctx, log, audit.Filter{Action: vaultSeen, Target: v.Status().ID})
	if err != nil || len(page.Records) != 1 || s.auditor.state().Trouble != "" {
		t.Errorf("%d records of the vault, want one (%v); trouble %q", len(page.Records), err, s.auditor.state().Trouble)
	}
}
