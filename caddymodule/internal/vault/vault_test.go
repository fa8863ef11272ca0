package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func TestOpen_WithoutAKeystoreSaysSoAndMakesNone(t *testing.T) {
	opts := place(t)
	_, err := Open(t.Context(), opts)
	mustFail(t, err, ErrMissing, opts.Path, "aimux vault init")
	mustFail(t, err, fs.ErrNotExist)
	if _, err := os.Stat(filepath.Dir(opts.Path)); err == nil {
		t.Error("Open made a directory")
	}
}

func TestInit_MakesFilesForTheirOwnerAlone(t *testing.T) {
	opts := place(t)
	v := mustInit(t, opts)
	for path, want := range map[string]fs.FileMode{
		opts.Path: 0o600, opts.Key.KeyFile: 0o600, filepath.Dir(opts.Path): fs.ModeDir | 0o700, filepath.Dir(opts.Key.KeyFile): fs.ModeDir | 0o700,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, want)
		}
	}
	for _, says := range []string{opts.Path, opts.Key.KeyFile, "copies, backups and disks", "not protect against root"} {
		if !strings.Contains(v.Promise(), says) {
			t.Errorf("the promise does not say %q:\n%s", says, v.Promise())
		}
	}
}

func TestInit_NeverReplacesAKeystoreOrAKey(t *testing.T) {
	v, opts := small(t)
	_, err := Init(t.Context(), opts)
	mustFail(t, err, ErrExists, opts.Path)
	key, _ := os.ReadFile(opts.Key.KeyFile)
	opts.Path = filepath.Join(filepath.Dir(opts.Path), "other.json")
	mustInit(t, opts)
	if now, _ := os.ReadFile(opts.Key.KeyFile); string(now) != string(key) {
		t.Error("a key file that was there got another key")
	}
	mustGet(t, v, "zai-main", zai, canary)
}

func TestVault_KeysComeBackAfterARestart(t *testing.T) {
	_, opts := small(t)
	v := mustOpen(t, opts)
	mustGet(t, v, "zai-main", zai, canary)
	mustGet(t, v, "minimax-main", minimax, "second-secret-of-minimax")
	got, err := v.List()
	if err != nil {
		t.Fatal(err)
	}
	want := []Info{
		{ID: "minimax-main", Name: "name of minimax-main", Origin: minimax, Version: 1, Enabled: true, Created: epoch, Changed: epoch, Last4: "imax"},
		{ID: "zai-main", Name: "name of zai-main", Origin: zai, Version: 1, Enabled: true, Created: epoch, Changed: epoch, Last4: "cdef"},
	}
	for i := range got {
		if !strings.HasPrefix(got[i].Tag, "hmac:") || len(got[i].Tag) != 21 {
			t.Errorf("tag %q", got[i].Tag)
		}
		got[i].Tag = ""
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
}

func TestVault_ChangesOfAKey(t *testing.T) {
	v, opts := small(t)
	ctx := t.Context()
	before, _ := v.Info("zai-main")
	after, err := v.Rotate(ctx, "zai-main", secret.New("a-whole-new-secret"))
	if err != nil || after.Version != 2 || after.Tag == before.Tag || after.Last4 != "cret" {
		t.Fatalf("after the rotation %+v, %v", after, err)
	}
	mustGet(t, v, "zai-main", zai, "a-whole-new-secret")
	if info, err := v.SetEnabled(ctx, "zai-main", false); err != nil || info.Enabled {
		t.Fatalf("after disabling %+v, %v", info, err)
	}
	_, err = v.Get("zai-main", zai)
	mustFail(t, err, ErrDisabled, "zai-main", "enable")
	_, err = mustOpen(t, opts).Get("zai-main", zai)
	mustFail(t, err, ErrDisabled)
	if _, err := v.SetEnabled(ctx, "zai-main", true); err != nil {
		t.Fatal(err)
	}
	mustGet(t, v, "zai-main", zai, "a-whole-new-secret")
	if err := v.Remove(ctx, "zai-main"); err != nil {
		t.Fatal(err)
	}
	_, err = v.Get("zai-main", zai)
	mustFail(t, err, ErrNotFound, "zai-main")
	mustGet(t, mustOpen(t, opts), "minimax-main", minimax, "second-secret-of-minimax")
}

func TestGet_AKeyIsNotGivenToAnotherOrigin(t *testing.T) {
	v, _ := small(t)
	for _, o := range []Origin{minimax, "http://api.z.ai:443", "https://api.z.ai:8443", "https://api.z.ai", "", "https://api.z.ai.evil.example:443"} {
		got, err := v.Get("zai-main", o)
		mustFail(t, err, ErrOrigin, string(zai))
		if !got.Empty() {
			t.Errorf("the key was given to %q", o)
		}
	}
}

func TestVault_RefusesWhatCannotBeStored(t *testing.T) {
	v, _ := small(t)
	generation := v.Generation()
	for name, test := range map[string]struct {
		id, name, secret string
		origin           Origin
		kind             error
	}{
		"an empty secret":          {"a", "", "", zai, ErrInvalid},
		"a secret of two lines":    {"a", "", "sk-canary\nsecond", zai, ErrInvalid},
		"a secret with a space":    {"a", "", "sk-canary ", zai, ErrInvalid},
		"a secret that is a book":  {"a", "", strings.Repeat("canary", 4000), zai, ErrInvalid},
		"an empty id":              {"", "", canary, zai, ErrInvalid},
		"an id with a way up":      {"../a", "", canary, zai, ErrInvalid},
		"a key in place of the id": {"sk-ant-api03-AbCdEfGhIjKlMnOp", "", canary, zai, ErrInvalid},
		"a name that turns around": {"a", "x\u202ey", canary, zai, ErrInvalid},
		"a name without end":       {"a", strings.Repeat("x", 129), canary, zai, ErrInvalid},
		"an id that is taken":      {"zai-main", "", canary, zai, ErrExists},
		"no origin":                {"a", "", canary, "", ErrInvalid},
		"an origin with a user":    {"a", "", canary, "https://u:p@api.z.ai", ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Add(t.Context(), test.id, test.origin, test.name, secret.New(test.secret))
			mustFail(t, err, test.kind)
		})
	}
	for name, do := range map[string]func() error{
		"rotate": func() error { _, err := v.Rotate(t.Context(), "nobody", secret.New(canary)); return err },
		"enable": func() error { _, err := v.SetEnabled(t.Context(), "nobody", true); return err },
		"remove": func() error { return v.Remove(t.Context(), "nobody") },
	} {
		mustFail(t, do(), ErrNotFound, "nobody")
		t.Log(name)
	}
	if v.Generation() != generation {
		t.Error("a refused change was written")
	}
}

func TestOrigin_IsKnownWithoutOpeningTheKey(t *testing.T) {
	v, _ := small(t)
	if got, err := v.Origin("zai-main"); err != nil || got != zai {
		t.Errorf("Origin = %q, %v", got, err)
	}
	_, err := v.Origin("nobody")
	mustFail(t, err, ErrNotFound, "nobody")
}

func TestParseOrigin(t *testing.T) {
	for in, want := range map[string]Origin{
		"https://api.z.ai/api/anthropic":     zai,
		"HTTPS://API.Z.AI:443?x=y#z":         zai,
		"http://127.0.0.1:8080/v1":           "http://127.0.0.1:8080",
		"http://localhost":                   "http://localhost:80",
		"https://[2001:DB8::1]/v1":           "https://[2001:db8::1]:443",
		"https://xn--bcher-kva.example:8443": "https://xn--bcher-kva.example:8443",
	} {
		if got, err := ParseOrigin(in); err != nil || got != want {
			t.Errorf("ParseOrigin(%q) = %q, %v; want %q", in, got, err, want)
		}
		if again, err := ParseOrigin(string(want)); err != nil || again != want {
			t.Errorf("ParseOrigin(%q) = %q, %v", want, again, err)
		}
	}
	for _, in := range []string{"", "api.z.ai", "ftp://api.z.ai", "https://", "https:api.z.ai", "https://user@api.z.ai", "https://api.z.ai:0", "https://api.z.ai:99999",
		"https://api.z.ai:port", "https://bücher.example", "https://[fe80::1%25eth0]/", "https://api z.ai", "https://.z.ai", "//api.z.ai", "https://api.z.ai%2f.evil.example"} {
		if got, err := ParseOrigin(in); err == nil {
			t.Errorf("ParseOrigin(%q) = %q, want an error", in, got)
		}
	}
}

func TestVault_NoSecretInAnyFileOrAnswer(t *testing.T) {
	v, opts := small(t)
	if _, err := v.Rotate(t.Context(), "zai-main", secret.New(canary+"-two")); err != nil {
		t.Fatal(err)
	}
	list, _ := v.List()
	shown, err := json.Marshal(struct {
		Status Status
		List   []Info
	}{v.Status(), list})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"answers": string(shown), "printed": fmt.Sprintf("%v %+v %v", v.Status(), list, v.Promise())}
	entries, _ := os.ReadDir(filepath.Dir(opts.Path))
	for _, e := range entries {
		data, _ := os.ReadFile(filepath.Join(filepath.Dir(opts.Path), e.Name()))
		texts[e.Name()] = string(data)
	}
	if len(entries) != 3 {
		t.Errorf("%d files beside the keystore; want it, the previous one and the lock", len(entries))
	}
	for name, text := range texts {
		if strings.Contains(text, "canary") || strings.Contains(text, "second-secret") {
			t.Errorf("%s: a secret is in it", name)
		}
	}
}

func TestTag_IsTheSameForTheSameSecretOfOneKeystoreOnly(t *testing.T) {
	a, opts := small(t)
	b, _ := small(t)
	text := secret.New(canary)
	info, _ := a.Info("zai-main")
	if a.Tag(text) != info.Tag || mustOpen(t, opts).Tag(text) != info.Tag {
		t.Error("the tag of a secret changes")
	}
	if b.Tag(text) == info.Tag || a.Tag(secret.New(canary+"x")) == info.Tag {
		t.Error("different things have the same tag")
	}
}

func TestDerive_LastsAsLongAsTheKeystoreAndServesOnePurpose(t *testing.T) {
	v, opts := small(t)
	first, err := v.Derive("client key pepper")
	if err != nil || len(first) != 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if err := v.RotateDEK(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
		t.Fatal(err)
	}
	if again, _ := mustOpen(t, opts).Derive("client key pepper"); string(again) != string(first) {
		t.Error("the derived key changed with the KEK")
	}
	if other, _ := v.Derive("audit signing key"); string(other) == string(first) {
		t.Error("two purposes have one key")
	}
	for _, label := range []string{"", "short", "1234567"} {
		_, err := v.Derive(label)
		mustFail(t, err, ErrInvalid, "8")
	}
}

func TestVault_SeesWhatAnotherProcessStored(t *testing.T) {
	v, opts := small(t)
	other := mustOpen(t, opts)
	mustAdd(t, other, "new", zai, "stored-by-the-other")
	_, err := v.Get("new", zai)
	mustFail(t, err, ErrNotFound)
	if changed, err := v.Reload(t.Context()); err != nil || !changed {
		t.Fatalf("Reload = %v, %v", changed, err)
	}
	mustGet(t, v, "new", zai, "stored-by-the-other")
	if changed, err := v.Reload(t.Context()); err != nil || changed {
		t.Fatalf("Reload of an unchanged file = %v, %v", changed, err)
	}
	mustAdd(t, other, "newer", zai, "stored-later-still")
	mustAdd(t, v, "mine", zai, "stored-by-this-one") // starts from what the other wrote
	mustGet(t, v, "newer", zai, "stored-later-still")
}

func TestReload_FollowsANewKeyOfAnotherProcess(t *testing.T) {
	v, opts := small(t)
	other := mustOpen(t, opts)
	if err := other.RotateKEK(t.Context(), opts.Key); err != nil {
		t.Fatal(err)
	}
	if changed, err := v.Reload(t.Context()); err != nil || !changed {
		t.Fatalf("Reload = %v, %v", changed, err)
	}
	mustAdd(t, v, "new", zai, "sealed-after-the-change")
}

func TestReload_RefusesAnOlderFileAndKeepsWhatItHas(t *testing.T) {
	v, opts := small(t)
	old, _ := os.ReadFile(opts.Path)
	mustAdd(t, v, "new", zai, "only-in-the-newer-file")
	rewrite(t, opts.Path, func([]byte) []byte { return old })
	_, err := v.Reload(t.Context())
	mustFail(t, err, ErrRolledBack, opts.Path, "older copy")
	_, err = v.Add(t.Context(), "more", zai, "", secret.New(canary))
	mustFail(t, err, ErrRolledBack)
	mustGet(t, v, "new", zai, "only-in-the-newer-file")
}

func TestReload_RefusesAnotherKeystore(t *testing.T) {
	v, opts := small(t)
	elsewhere := opts
	elsewhere.Path += ".other"
	mustInit(t, elsewhere)
	if err := os.Rename(elsewhere.Path, opts.Path); err != nil {
		t.Fatal(err)
	}
	_, err := v.Reload(t.Context())
	mustFail(t, err, ErrForked, opts.Path)
}

func TestOpen_WhatIsRememberedMustBeThere(t *testing.T) {
	v, opts := small(t)
	old, _ := os.ReadFile(opts.Path)
	mark := v.Mark()
	opts.Seen = mark
	mustOpen(t, opts)
	mustAdd(t, v, "new", zai, "in-the-newer-file")
	mustOpen(t, opts) // newer than remembered
	opts.Seen = v.Mark()
	rewrite(t, opts.Path, func([]byte) []byte { return old })
	_, err := Open(t.Context(), opts)
	mustFail(t, err, ErrRolledBack, fmt.Sprint(mark.Generation), fmt.Sprint(opts.Seen.Generation))
	opts.Seen = Mark{}
	mustAdd(t, mustOpen(t, opts), "another", zai, "changed-apart")
	opts.Seen = v.Mark()
	_, err = Open(t.Context(), opts)
	mustFail(t, err, ErrForked, opts.Path)
}

func TestVault_AnotherProcessHoldsTheLock(t *testing.T) {
	v, opts := small(t)
	lock, err := filelock.Acquire(t.Context(), opts.Path+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Add(t.Context(), "new", zai, "", secret.New(canary))
	mustFail(t, err, filelock.ErrHeld, opts.Path+".lock", fmt.Sprintf("process %d", os.Getpid()))
	mustGet(t, v, "zai-main", zai, canary) // reading waits for nobody
	lock.Release()
	mustAdd(t, v, "new", zai, canary)
}

func TestVault_ManyAtOnce(t *testing.T) {
	v, opts := small(t)
	v.opts.LockWait = 10 * time.Second
	other := mustOpen(t, opts)
	other.opts.LockWait = 10 * time.Second
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 200 {
				if _, err := v.Get("zai-main", zai); err != nil {
					t.Error(err)
				}
			}
		})
		group.Go(func() {
			who := []*Vault{v, other}[i%2]
			if _, err := who.Add(context.Background(), fmt.Sprint("k", i), zai, "", secret.New(canary)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := mustOpen(t, opts).Status().Keys; n != 10 {
		t.Errorf("%d keys, want 10", n)
	}
}

func TestStatus(t *testing.T) {
	v, opts := small(t)
	if _, err := v.SetEnabled(t.Context(), "zai-main", false); err != nil {
		t.Fatal(err)
	}
	v.opts.Now = func() time.Time { return epoch.Add(36 * time.Hour) }
	got := v.Status()
	want := Status{
		Path: opts.Path, ID: got.ID, Generation: 4, Created: epoch, KeySource: "key file", KeyWhere: opts.Key.KeyFile,
		Keys: 2, Disabled: 1, DEKAge: Age(36 * time.Hour), Seals: 2, SealsLeft: 1<<20 - 2, Previous: true, Mark: v.Mark(),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Status (-want +got):\n%s", d)
	}
}
