package vault

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

var update = flag.Bool("update", false, "make the golden keystores anew")

// TestOpen_KeystoresOfEarlierVersions opens a file as each version of the
// format wrote it. A golden of an old version is never made anew.
func TestOpen_KeystoresOfEarlierVersions(t *testing.T) {
	golden, err := filepath.Abs("testdata/keystore-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	opts := place(t)
	opts.Key = KeySource{Lookup: env("AIMUX_KEK", hex.EncodeToString(testKey(7)))}
	if *update && formatVersion == 1 {
		opts.Path = filepath.Join(t.TempDir(), "keystore.json")
		v := mustInit(t, opts)
		mustAdd(t, v, "zai-main", zai, "a-secret-that-opens-nothing")
		if _, err := v.SetEnabled(t.Context(), mustAdd(t, v, "minimax-main", minimax, "another-that-opens-nothing").ID, false); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(opts.Path)
		if err == nil {
			err = os.WriteFile(golden, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	opts.Path = golden
	v := mustOpen(t, opts)
	mustGet(t, v, "zai-main", zai, "a-secret-that-opens-nothing")
	_, err = v.Get("minimax-main", minimax)
	mustFail(t, err, ErrDisabled)
	pepper, err := v.Derive("client key pepper")
	if err != nil {
		t.Fatal(err)
	}
	tag := v.Tag(secret.New("a-secret-that-opens-nothing"))
	got := hex.EncodeToString(pepper[:8]) + " " + tag
	const want = "5d9b8e90248edaa2 hmac:6759d32f15c9e437"
	if got != want {
		t.Errorf("what follows from the keystore is %q, want %q: client keys and the audit log depend on it", got, want)
	}
}
