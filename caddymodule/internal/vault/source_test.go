package vault

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

func asks(text string, asked *bool) func(context.Context) (secret.Text, error) {
	return func(context.Context) (secret.Text, error) {
		*asked = true
		return secret.New(text), nil
	}
}

// passphrase returns options for a keystore with a passphrase.
func passphrase(t testing.TB, text string) Options {
	opts := place(t)
	opts.Key = KeySource{Passphrase: asks(text, new(bool)), Lookup: noEnv}
	return opts
}

// env returns a Lookup of these variables.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// testKey is a key whose bytes all hold b, but the first.
func testKey(b byte) []byte {
	key := make([]byte, keyBytes)
	for i := range key {
		key[i] = b
	}
	key[0] = ^b
	return key
}

func writeKey(t testing.TB, path string, b byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(testKey(b))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeySource_OrderOfTheSources(t *testing.T) {
	dir := t.TempDir()
	writeKey(t, filepath.Join(dir, "creds", "aimux-kek"), 1)
	writeKey(t, filepath.Join(dir, "creds", "mine"), 6)
	file := writeKey(t, filepath.Join(dir, "keys", "kek"), 2)
	creds := []string{"CREDENTIALS_DIRECTORY", filepath.Join(dir, "creds")}
	key := hex.EncodeToString(testKey(4))
	printer := []string{"/bin/echo", base64.StdEncoding.EncodeToString(testKey(3))}
	for name, test := range map[string]struct {
		source KeySource
		want   byte
		kind   string
	}{
		"a credential comes first":          {KeySource{KeyFile: file, Command: printer, Lookup: env(append(creds, "AIMUX_KEK", key)...)}, 1, kindCredential},
		"a credential of another name":      {KeySource{Credential: "mine", KeyFile: file, Lookup: env(creds...)}, 6, kindCredential},
		"credentials are not asked":         {KeySource{Credential: "-", KeyFile: file, Lookup: env(creds...)}, 2, kindKeyFile},
		"a credential that is not there":    {KeySource{Credential: "none", KeyFile: file, Lookup: env(creds...)}, 2, kindKeyFile},
		"a credential from outside":         {KeySource{Credential: "../keys/kek", Command: printer, Lookup: env(creds...)}, 3, kindCommand},
		"then the key file":                 {KeySource{KeyFile: file, Command: printer, Lookup: env("AIMUX_KEK", key)}, 2, kindKeyFile},
		"then the command":                  {KeySource{KeyFile: file + "-gone", Command: printer, Lookup: env("AIMUX_KEK", key)}, 3, kindCommand},
		"then the environment":              {KeySource{KeyFile: file + "-gone", Lookup: env("AIMUX_KEK", key)}, 4, kindVariable},
		"the environment, by another name":  {KeySource{Variable: "MY_KEY", Lookup: env("MY_KEY", key)}, 4, kindVariable},
		"the environment, base64 unpadded":  {KeySource{Lookup: env("AIMUX_KEK", base64.RawStdEncoding.EncodeToString(testKey(5)))}, 5, kindVariable},
		"the environment, with white space": {KeySource{Lookup: env("AIMUX_KEK", "\n "+key+"\r\n")}, 4, kindVariable},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := test.source.find(t.Context())
			if err != nil || len(found) != 1 || found[0].kind != test.kind || string(found[0].key) != string(testKey(test.want)) {
				t.Errorf("found %v, %v; want key %d of the %s", found, err, test.want, test.kind)
			}
		})
	}
}

func TestKeySource_AKeystoreOpensAgainFromEachSource(t *testing.T) {
	dir := t.TempDir()
	writeKey(t, filepath.Join(dir, "aimux-kek"), 1)
	for name, source := range map[string]KeySource{
		"credential": {Lookup: env("CREDENTIALS_DIRECTORY", dir)},
		"command":    {Command: []string{"/bin/echo", hex.EncodeToString(testKey(3))}, Lookup: noEnv},
		"variable":   {Lookup: env("AIMUX_KEK", hex.EncodeToString(testKey(4)))},
		"passphrase": {Passphrase: asks("correct horse battery", new(bool)), Lookup: noEnv},
	} {
		t.Run(name, func(t *testing.T) {
			opts := place(t)
			opts.Key = source
			mustAdd(t, mustInit(t, opts), "zai-main", zai, canary)
			v := mustOpen(t, opts)
			mustGet(t, v, "zai-main", zai, canary)
			if warned := len(v.Status().Warnings) > 0; warned != (name == "variable") {
				t.Errorf("warnings %q", v.Status().Warnings)
			}
		})
	}
}

func TestKeySource_Passphrase(t *testing.T) {
	opts := passphrase(t, "correct horse battery")
	mustAdd(t, mustInit(t, opts), "zai-main", zai, canary)
	mustGet(t, mustOpen(t, opts), "zai-main", zai, canary)
	if got := mustOpen(t, opts).Status().Argon2; got != "argon2id, 64 MiB, 3 passes, 1 lanes" {
		t.Errorf("cost %q", got)
	}
	for name, test := range map[string]struct {
		source KeySource
		kind   error
		says   string
	}{
		"a wrong one":   {KeySource{Passphrase: asks("incorrect horse", new(bool))}, ErrWrongKey, "the passphrase is wrong"},
		"an empty one":  {KeySource{Passphrase: asks("", new(bool))}, ErrWrongKey, "empty"},
		"nobody to ask": {KeySource{Lookup: env("AIMUX_KEK", hex.EncodeToString(testKey(4)))}, ErrNoKey, "nobody to ask"},
		"asking fails": {KeySource{Passphrase: func(context.Context) (secret.Text, error) { return secret.Text{}, context.Canceled }},
			context.Canceled, "asking for the passphrase"},
	} {
		t.Run(name, func(t *testing.T) {
			trial := opts
			trial.Key = test.source
			_, err := Open(t.Context(), trial)
			mustFail(t, err, test.kind, test.says)
		})
	}
	_, err := Init(t.Context(), passphrase(t, "too short"))
	mustFail(t, err, ErrInvalid, "12 characters")
}

func TestKeyFile_UnsafeOnesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, path string) error
		says  string
	}{
		"readable by everybody":      {func(_ *testing.T, p string) error { return os.Chmod(p, 0o604) }, "chmod 600"},
		"readable by the group":      {func(_ *testing.T, p string) error { return os.Chmod(p, 0o640) }, "mode 0640"},
		"writable by the group":      {func(_ *testing.T, p string) error { return os.Chmod(p, 0o620) }, "mode 0620"},
		"in a directory of everyone": {func(_ *testing.T, p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, "others may replace files"},
		"another user's": {func(t *testing.T, p string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			return os.Chown(p, 12345, -1)
		}, "belongs to user 12345"},
		"a symbolic link": {func(_ *testing.T, p string) error {
			return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p))
		}, "cannot be opened"},
		"a pipe":      {func(_ *testing.T, p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, "not a regular file"},
		"a directory": {func(_ *testing.T, p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "not a regular file"},
		"empty":       {func(_ *testing.T, p string) error { return os.WriteFile(p, nil, 0o600) }, "openssl rand"},
		"a short key": {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte("c0ffee"), 0o600) }, "not a key"},
		"a passphrase": {func(_ *testing.T, p string) error {
			return os.WriteFile(p, []byte("canary-canary-canary-canary-cana"), 0o600)
		}, "not a key"},
		"zeroes":          {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte(strings.Repeat("0", 64)), 0o600) }, "repeated"},
		"two keys":        {func(_ *testing.T, p string) error { return os.WriteFile(p, []byte("aa\nbb\n"), 0o600) }, "more than one line"},
		"larger than one": {func(_ *testing.T, p string) error { return os.WriteFile(p, make([]byte, 5000), 0o600) }, "4 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, opts := small(t)
			if err := test.spoil(t, opts.Key.KeyFile); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), opts)
			mustFail(t, err, ErrNoKey, opts.Key.KeyFile, test.says)
			opts.Path += ".new"
			_, err = Init(t.Context(), opts)
			mustFail(t, err, ErrNoKey, opts.Key.KeyFile)
		})
	}
}

func TestKeyFile_LiesApartFromWhatItOpens(t *testing.T) {
	opts := place(t)
	opts.Apart = []string{filepath.Join(filepath.Dir(filepath.Dir(opts.Path)), "config")}
	for name, path := range map[string]string{
		"beside the keystore":      filepath.Join(filepath.Dir(opts.Path), "kek"),
		"below the keystore":       filepath.Join(filepath.Dir(opts.Path), "keys", "kek"),
		"beside the configuration": filepath.Join(opts.Apart[0], "kek"),
		"below the configuration":  filepath.Join(opts.Apart[0], "a", "b", "kek"),
	} {
		trial := opts
		trial.Key.KeyFile = path
		_, err := Init(t.Context(), trial)
		mustFail(t, err, ErrNoKey, path, "outside")
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a key file was made", name)
		}
	}
	mustInit(t, opts)
}

func TestKeyFile_ThroughALinkedDirectoryIsNotApart(t *testing.T) {
	opts := place(t)
	store := filepath.Dir(opts.Path)
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "looks-apart")
	if err := os.Symlink(store, link); err != nil {
		t.Skip(err)
	}
	opts.Key.KeyFile = filepath.Join(link, "keys", "kek")
	_, err := Init(t.Context(), opts)
	mustFail(t, err, ErrNoKey, "outside")
}

func TestCommand_Failures(t *testing.T) {
	script := filepath.Join(t.TempDir(), "slow")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 60 &\nwait\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		command []string
		says    string
	}{
		"found by its path alone":  {[]string{"echo", "x"}, "not an absolute path"},
		"no such program":          {[]string{"/no/such/program"}, "/no/such/program failed"},
		"a program that fails":     {[]string{"/bin/false"}, "/bin/false failed"},
		"an answer that is no key": {[]string{"/bin/echo", "canary"}, "the output of /bin/echo"},
		"an answer without end":    {[]string{"/bin/cat", "/dev/zero"}, "/bin/cat failed"},
		"no answer":                {[]string{script}, "did not end within 100ms"},
		"no shell":                 {[]string{"/bin/echo", "$(echo " + hex.EncodeToString(testKey(1)) + ")"}, "not a key"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			limit := 10 * time.Second
			if name == "no answer" {
				limit = 100 * time.Millisecond
			}
			_, err := KeySource{Command: test.command, CommandLimit: limit, Lookup: noEnv}.find(t.Context())
			mustFail(t, err, ErrNoKey, test.says)
			if time.Since(start) > 5*time.Second {
				t.Errorf("it took %s", time.Since(start))
			}
		})
	}
}

func TestCheckPassphrase_SaysNothingOfIt(t *testing.T) {
	mustFail(t, checkPassphrase(secret.New("canary")), ErrInvalid, "12")
}

// An HMAC with an empty key verifies what anybody forged: CVE-2026-41432 of
// another gateway.
func TestKeyset_RefusesShortKeys(t *testing.T) {
	for _, n := range []int{0, 1, 16, 31, 33} {
		if _, err := newKeyset(material{key: make([]byte, n)}, "store"); err == nil {
			t.Errorf("a key of %d bytes was accepted", n)
		}
	}
}
