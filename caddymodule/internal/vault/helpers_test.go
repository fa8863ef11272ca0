package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

const (
	zai     = Origin("https://api.z.ai:443")
	minimax = Origin("https://api.minimax.io:443")
	canary  = "sk-canary-0123456789-abcdef"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// noEnv is an environment without variables.
func noEnv(string) (string, bool) { return "", false }

// place returns options for a keystore and a key file in two fresh directories.
func place(t testing.TB) Options {
	t.Helper()
	dir := t.TempDir()
	now := epoch
	return Options{
		Path:     filepath.Join(dir, "store", "keystore.json"),
		Key:      KeySource{KeyFile: filepath.Join(dir, "keys", "kek"), Lookup: noEnv},
		LockWait: 50 * time.Millisecond,
		Now:      func() time.Time { return now },
	}
}

func mustInit(t testing.TB, opts Options) *Vault {
	t.Helper()
	v, err := Init(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustOpen(t testing.TB, opts Options) *Vault {
	t.Helper()
	v, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustAdd(t testing.TB, v *Vault, id string, o Origin, text string) Info {
	t.Helper()
	info, err := v.Add(context.Background(), id, o, "name of "+id, secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func mustGet(t testing.TB, v *Vault, id string, o Origin, want string) {
	t.Helper()
	got, err := v.Get(id, o)
	if err != nil || got.Reveal() != want {
		t.Fatalf("Get(%q) = %q, %v; want %q", id, got.Reveal(), err, want)
	}
}

// small makes a keystore with two keys.
func small(t testing.TB) (*Vault, Options) {
	t.Helper()
	opts := place(t)
	v := mustInit(t, opts)
	mustAdd(t, v, "minimax-main", minimax, "second-secret-of-minimax")
	mustAdd(t, v, "zai-main", zai, canary)
	return v, opts
}

// mustFail checks kind and text of an error, and that it tells no secret.
func mustFail(t testing.TB, err, kind error, says ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want one that is %q", err, kind)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not say %q", err, s)
		}
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
		t.Errorf("error %q tells a secret", err)
	}
}

// rewrite changes the file behind the vault's back.
func rewrite(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(bytes.Clone(data)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// forge writes a document that carries a right MAC, as only somebody with the
// KEK can.
func forge(t testing.TB, v *Vault, change func(*document)) {
	t.Helper()
	s := v.state.Load()
	d := s.doc.clone()
	change(d)
	data, _, err := d.render(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.opts.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
