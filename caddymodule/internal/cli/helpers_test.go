package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is when all tests take place.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// bench is a gateway that exists in memory only, with the commands on it.
type bench struct {
	t     testing.TB
	fake  *consoletest.Server
	host  Host
	stdin string

	answers  []string // to what Ask asks
	asked    []string
	refuse   bool // whether Confirm says no
	recorded []string
	set      map[string]string // passwords
	found    []Finding
	env      map[string]string
	enforce  bool // whether the admin endpoint wants its own origin
}

func newBench(t testing.TB) *bench {
	t.Helper()
	now := func() time.Time { return noon }
	b := &bench{t: t, fake: consoletest.Serve(t, consoletest.Settings{Now: now}), set: map[string]string{}, env: map[string]string{"AIMUX_ADMIN": "off"}}
	dir := t.TempDir()
	b.host = Host{
		Now: now, Getenv: func(name string) string { return b.env[name] },
		Open: func(context.Context, string) (Way, error) {
			return Within(b.fake.Console.Local(auth.Identity{User: "local", Role: auth.Admin}), "the files of the test", func() error { return nil }), nil
		},
		Files: func(context.Context, string) (*Files, error) {
			return &Files{
				Vault:     vault.Options{Path: filepath.Join(dir, "vault.json"), Key: vault.KeySource{KeyFile: filepath.Join(keyDir(t, dir), "vault.key"), Credential: "-", Variable: "-"}},
				KeySource: func(text string) (vault.KeySource, error) { return vault.KeySource{KeyFile: text}, nil },
				AuditDir:  filepath.Join(dir, "audit"),
				Record: func(_ context.Context, action, target string) error {
					b.recorded = append(b.recorded, action+" "+filepath.Base(target))
					return nil
				},
				Close: func() error { return nil },
			}, nil
		},
		SetPassword: func(_ context.Context, user, password string) error {
			b.set[user] = password
			return nil
		},
		Diagnose: func(_ context.Context, d Diagnosis) []Finding { return b.found },
		Ask: func(prompt string) (string, error) {
			b.asked = append(b.asked, prompt)
			if len(b.answers) == 0 {
				return "", ErrNoTerminal
			}
			next := b.answers[0]
			b.answers = b.answers[1:]
			return next, nil
		},
		Confirm: func(string) (bool, error) { return !b.refuse, nil },
	}
	return b
}

// keyDir is a directory apart from the vault's.
func keyDir(t testing.TB, dir string) string {
	t.Helper()
	apart := dir + "-key"
	if err := os.MkdirAll(apart, 0o700); err != nil {
		t.Fatal(err)
	}
	return apart
}

// root is the command line of a program that has the commands.
func (b *bench) root() *cobra.Command {
	root := &cobra.Command{Use: "aimux"}
	for _, add := range b.host.Commands() {
		var cmd cobra.Command
		add(&cmd)
		root.AddCommand(&cmd)
	}
	return root
}

// run types a command and returns what was printed and the exit code.
func (b *bench) run(args ...string) (out, said string, code Exit) {
	b.t.Helper()
	root := b.root()
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetIn(strings.NewReader(b.stdin))
	root.SetArgs(args)
	err := root.ExecuteContext(b.t.Context())
	if strings.Contains(stdout.String()+stderr.String(), "\x1b") {
		b.t.Errorf("%v: colour in a pipe", args)
	}
	return stdout.String(), stderr.String(), CodeOf(err)
}

// must is run for what has to go well.
func (b *bench) must(args ...string) string {
	b.t.Helper()
	out, said, code := b.run(args...)
	if code != OK {
		b.t.Fatalf("%v: exit code %d: %s", args, code, said)
	}
	return out
}

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
