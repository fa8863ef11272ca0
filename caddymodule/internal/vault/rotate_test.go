package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func TestRotateDEK_SealsEverythingAnew(t *testing.T) {
	v, opts := small(t)
	if _, err := v.SetEnabled(t.Context(), "minimax-main", false); err != nil {
		t.Fatal(err)
	}
	before := v.state.Load().doc
	if err := v.RotateDEK(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := mustOpen(t, opts).state.Load().doc
	if after.Generation != before.Generation+1 || len(after.DEKs) != 1 || after.DEKs[0].ID == before.DEKs[0].ID || after.DEKs[0].Seals != 2 {
		t.Errorf("generation %d, data keys %+v", after.Generation, after.DEKs)
	}
	for i, r := range after.Records {
		if bytes.Equal(r.Sealed, before.Records[i].Sealed) || r.Version != before.Records[i].Version || r.Enabled != before.Records[i].Enabled {
			t.Errorf("record %+v", r)
		}
	}
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
}

func TestVault_RenewsTheDataKeyWhenItIsDue(t *testing.T) {
	for name, due := range map[string]func(*Vault, *document){
		"after 2^20 seals": func(_ *Vault, d *document) { d.DEKs[0].Seals = maxSeals },
		"after a year":     func(v *Vault, _ *document) { v.opts.Now = func() time.Time { return epoch.Add(maxAge) } },
	} {
		t.Run(name, func(t *testing.T) {
			v, opts := small(t)
			forge(t, v, func(d *document) { d.Generation++; due(v, d) })
			if _, err := v.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			old := v.state.Load().doc.DEKs[0].ID
			if w := v.Status().Warnings; len(w) != 1 {
				t.Errorf("warnings %q", w)
			}
			mustAdd(t, v, "new", zai, "one-more-secret")
			d := v.state.Load().doc
			if len(d.DEKs) != 1 || d.DEKs[0].ID == old || d.DEKs[0].Seals != 3 {
				t.Errorf("data keys %+v", d.DEKs)
			}
			mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
		})
	}
}

func TestRotateDEK_NotTwiceWhenItWasDue(t *testing.T) {
	v, _ := small(t)
	v.opts.Now = func() time.Time { return epoch.Add(maxAge) }
	if err := v.RotateDEK(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := v.state.Load().doc.DEKs[0].Seals; n != 2 {
		t.Errorf("%d seals, want 2", n)
	}
}

func TestRotateDEK_ARecordThatDoesNotOpenStopsIt(t *testing.T) {
	v, opts := small(t)
	forge(t, v, func(d *document) { d.Generation++; d.Records[0].Version++ })
	if _, err := v.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(opts.Path)
	mustFail(t, v.RotateDEK(t.Context()), ErrDamaged, `"minimax-main"`)
	if after, _ := os.ReadFile(opts.Path); !bytes.Equal(before, after) {
		t.Error("half a rotation was written")
	}
}

func TestRotateKEK_FreshKeyFile(t *testing.T) {
	v, opts := small(t)
	oldFile, _ := os.ReadFile(opts.Path)
	oldKey, _ := os.ReadFile(opts.Key.KeyFile)
	if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
		t.Fatal(err)
	}
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
	mustAdd(t, v, "new", zai, "sealed-after-the-rotation")
	if now, _ := os.ReadFile(opts.Key.KeyFile); bytes.Equal(now, oldKey) {
		t.Error("the key file holds the old key")
	}
	if kept, _ := os.ReadFile(opts.Key.KeyFile + "~"); !bytes.Equal(kept, oldKey) {
		t.Error("the previous key is not beside the new one")
	}
	back := opts
	back.Path += "-old"
	back.Key.KeyFile += "~"
	if err := os.WriteFile(back.Path, oldFile, 0o600); err != nil {
		t.Fatal(err)
	}
	mustGet(t, mustOpen(t, back), "zai-main", zai, canary)
	back.Key = opts.Key
	_, err := Open(t.Context(), back)
	mustFail(t, err, ErrWrongKey)
	if err := v.DropPrevious(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{opts.Path + "~", opts.Key.KeyFile + "~", pending(opts.Key.KeyFile)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
	mustGet(t, mustOpen(t, opts), "new", zai, "sealed-after-the-rotation")
}

func TestRotateKEK_FromOneSourceToAnother(t *testing.T) {
	v, opts := small(t)
	variable := KeySource{Lookup: env("AIMUX_KEK", hex.EncodeToString(testKey(4)))}
	phrase := KeySource{Passphrase: asks("correct horse battery", new(bool)), Lookup: noEnv}
	for _, to := range []KeySource{phrase, variable, opts.Key, phrase, {Passphrase: asks("a wholly new passphrase", new(bool)), Lookup: noEnv}} {
		if err := v.RotateKEK(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		fresh := opts
		fresh.Key = to
		mustGet(t, mustOpen(t, fresh), "zai-main", zai, canary)
	}
	fresh := opts
	fresh.Key = phrase
	_, err := Open(t.Context(), fresh)
	mustFail(t, err, ErrWrongKey, "the passphrase is wrong")
}

func TestRotateKEK_TakesAKeyThatWasPutIntoTheFile(t *testing.T) {
	v, opts := small(t)
	writeKey(t, opts.Key.KeyFile, 9)
	if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
		t.Fatal(err)
	}
	if key, err := readKeyFile(opts.Key.KeyFile, true); err != nil || !bytes.Equal(key, testKey(9)) {
		t.Errorf("the file holds another key, %v", err)
	}
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
}

func TestRotateKEK_TheSameKeyAgainIsNoRotation(t *testing.T) {
	opts := place(t)
	opts.Key = KeySource{Lookup: env("AIMUX_KEK", hex.EncodeToString(testKey(4)))}
	v := mustInit(t, opts)
	mustFail(t, v.RotateKEK(t.Context(), opts.Key), ErrInvalid, "the one in use")
	_, err := v.Add(t.Context(), "a", zai, "", secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
}

// The moments at which a change of the key file can be cut short.
func TestRotateKEK_CutShort(t *testing.T) {
	t.Run("before the keystore was written", func(t *testing.T) {
		v, opts := small(t)
		writeKey(t, pending(opts.Key.KeyFile), 8)
		mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
		if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
			t.Fatal(err)
		}
		mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
		if key, _ := readKeyFile(opts.Key.KeyFile, true); bytes.Equal(key, testKey(8)) {
			t.Error("the key that was given up was put in place")
		}
	})
	// unpromoted is a rotation without its last step.
	unpromoted := func(t *testing.T, v *Vault, opts Options) {
		old, _ := os.ReadFile(opts.Key.KeyFile)
		if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(opts.Key.KeyFile, pending(opts.Key.KeyFile)), os.WriteFile(opts.Key.KeyFile, old, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("before the key was put in place, while another process has it open", func(t *testing.T) {
		v, opts := small(t)
		other := mustOpen(t, opts)
		unpromoted(t, v, opts)
		mustAdd(t, other, "new", zai, "added-by-the-other-process")
		mustGet(t, mustOpen(t, opts), "new", zai, "added-by-the-other-process")
	})
	t.Run("before the key was put in place", func(t *testing.T) {
		v, opts := small(t)
		unpromoted(t, v, opts)
		again := mustOpen(t, opts)
		mustGet(t, again, "zai-main", zai, canary)
		if _, err := os.Stat(pending(opts.Key.KeyFile)); err == nil || again.Status().KeyWhere != opts.Key.KeyFile {
			t.Error("the rotation was not brought to its end")
		}
		mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
	})
}
