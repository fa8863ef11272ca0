package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
)

// stored puts a key into the bench's vault.
func (b *bench) stored(id, text string) *vault.Vault {
	b.t.Helper()
	files, _ := b.host.Files(b.t.Context(), "")
	v, err := vault.Open(b.t.Context(), files.Vault)
	if err != nil {
		b.t.Fatal(err)
	}
	origin, err := vault.ParseOrigin("https://api.example.com")
	if err == nil && text != "" {
		_, err = v.Add(b.t.Context(), id, origin, id, secret.New(text))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func TestVault_IsMadeExaminedRotatedAndCarriedOver(t *testing.T) {
	b := newBench(t)
	if out, said, code := b.run("vault", "init"); code != OK || !strings.Contains(said, "Keep a copy of both") || !strings.Contains(out, "keys          0") {
		t.Fatalf("init: exit code %d, %s: %s", code, said, out)
	}
	if _, said, code := b.run("vault", "init"); code != Failed || !strings.Contains(said, "already") {
		t.Errorf("init again: exit code %d: %s", code, said)
	}
	b.stored("zai-main", canary)
	if out := b.must("vault", "status", "--json"); !strings.Contains(out, `"keys": 1`) || strings.Contains(out, canary) {
		t.Errorf("status: %s", out)
	}
	b.must("vault", "rotate")
	b.must("vault", "rotate", "--kek")
	export := filepath.Join(t.TempDir(), "keys.age")
	b.answers = []string{"a passphrase", "a passphrase"}
	if out := b.must("vault", "export", "--to", export); !strings.Contains(out, "1 key, encrypted") {
		t.Errorf("export: %s", out)
	}
	if info, err := os.Stat(export); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export: %v, %v", info, err)
	}
	b.answers = []string{"a passphrase", "a passphrase"}
	if _, _, code := b.run("vault", "export", "--to", export); code != Failed {
		t.Errorf("an export over another: exit code %d", code)
	}

	other := newBench(t)
	other.must("vault", "init")
	other.stdin = "wrong"
	if _, _, code := other.run("vault", "import", export, "--stdin"); code != Failed {
		t.Errorf("a wrong passphrase: exit code %d", code)
	}
	other.stdin = "a passphrase\n"
	if out := other.must("vault", "import", export, "--stdin"); out != "added 1, replaced 0, skipped 0\n" {
		t.Errorf("import: %q", out)
	}
	if got, err := other.stored("", "").Get("zai-main", "https://api.example.com:443"); err != nil || got.Reveal() != canary {
		t.Errorf("what arrived: %v", err)
	}
	want := "vault.init . vault.init . vault.rotate vault.json vault.rotate_kek vault.json vault.export vault.json vault.export vault.json"
	if got := strings.Join(b.recorded, " "); got != want {
		t.Errorf("recorded %s\nwant %s", got, want)
	}
}

func TestVault_NothingIsDoneThatCannotBeWrittenDown(t *testing.T) {
	b := newBench(t)
	files := b.host.Files
	b.host.Files = func(ctx context.Context, config string) (*Files, error) {
		f, err := files(ctx, config)
		f.Record = func(context.Context, string, string) error { return errNoFiles }
		return f, err
	}
	if _, said, code := b.run("vault", "init"); code != Failed || !strings.Contains(said, "nothing was done") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, _, code := b.run("vault", "status"); code != Nothing {
		t.Errorf("a vault was made: exit code %d", code)
	}
	b.stdin = "some password"
	if _, _, code := b.run("admin", "passwd", "--stdin"); code != Failed || len(b.set) != 0 {
		t.Errorf("a password was set: exit code %d", code)
	}
}
