package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
)

// host is a module that keeps no audit log.
func host() *Host {
	return &Host{Record: func(context.Context, *schema.Config, string, string) error { return nil }}
}

// ownMachine gives a test a machine of its own: no keys, no files, no server.
func ownMachine(t *testing.T) (home string) {
	t.Helper()
	for _, kind := range provider.Known().Kinds {
		for _, name := range kind.Env {
			t.Setenv(name, "")
		}
	}
	home = t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"), "XDG_DATA_HOME": filepath.Join(home, ".local/share"),
		"AIMUX_ADMIN": "unix/" + filepath.Join(home, "none.sock"), "AIMUX_URL": "", "AIMUX_TOKEN": "", "AIMUX_MODEL": "", "CLAUDE_CONFIG_DIR": "", "CODEX_HOME": "",
	} {
		t.Setenv(name, value)
	}
	t.Chdir(home)
	return home
}

// execute runs a command and returns what it printed.
func execute(t *testing.T, add func(*cobra.Command), args ...string) (string, error) {
	t.Helper()
	var cmd cobra.Command
	add(&cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
