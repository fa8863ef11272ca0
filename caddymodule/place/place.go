// Package place knows where aimux keeps its files on this machine: its own data
// below Caddy's data directory, the key of its vault apart from them, and the
// user's configuration. The module and its commands both ask here, so that a
// command without a server finds what the server would.
//
// Paths follow the environment (XDG_DATA_HOME and the like) at every call;
// nothing is made by asking for one.
package place

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// File is the path of one of aimux's own files; of its directory for "".
func File(name string) string { return filepath.Join(caddy.AppDataDir(), "aimux", name) }

// Overrides is the file for what the console and the commands change: aimux's
// own. The user's file is never rewritten.
func Overrides() string { return File("overrides.toon") }

// State is where what was learned is kept over a restart.
func State() string { return File("state.json") }

// Clients is where the client keys that aimux made are kept, hashed.
func Clients() string { return File("clients.json") }

// Audit is the directory of the audit log.
func Audit(c *schema.Config) string { return cmp.Or(c.Audit.Directory, File("audit")) }

// Ledger is the database of usage.
func Ledger(c *schema.Config) string { return cmp.Or(c.Usage.File, File("usage.db")) }

// UserDir is where one user's configuration is kept, on every system:
// ~/.config/aimux, or below $XDG_CONFIG_HOME.
func UserDir() (string, error) {
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "aimux"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".config", "aimux"), err
}

// FindConfig looks for a configuration under its usual name; "" if dir has none.
func FindConfig(dir string) string {
	for _, name := range [...]string{"aimux.toon", "aimux.json", "aimux.yaml", "aimux.yml"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// Exists reports whether something stands at path: also a link that leads
// nowhere, or something that must not be looked at. Whoever opens it then says
// what is wrong with it.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// MakeParent makes the directory that path is in, for its owner only.
func MakeParent(path string) error { return os.MkdirAll(filepath.Dir(path), 0o700) }
