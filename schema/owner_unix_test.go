//go:build unix

package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/schema"
)

// TestOverrides_OfOthersAreRefused wants both readers of the file to look at
// who may have written it.
func TestOverrides_OfOthersAreRefused(t *testing.T) {
	const stranger = 4711
	for name, c := range map[string]struct {
		make func(path string) error
		root bool // takes root
		want string
	}{
		"as aimux leaves it":            {func(string) error { return nil }, false, ""},
		"readable by others":            {func(p string) error { return os.Chmod(p, 0o644) }, false, ""},
		"writable by this user's group": {func(p string) error { return os.Chmod(p, 0o660) }, false, ""},
		"writable by everybody":         {func(p string) error { return os.Chmod(p, 0o606) }, false, "others may change it (mode 0606)"},
		"another user's":                {func(p string) error { return os.Chown(p, stranger, -1) }, true, "belongs to user 4711"},
		"another group's to read":       {func(p string) error { return os.Chown(p, -1, stranger) }, true, ""},
		"writable by another group": {func(p string) error {
			if err := os.Chown(p, -1, stranger); err != nil {
				return err
			}
			return os.Chmod(p, 0o660)
		}, true, "others may change it (mode 0660)"},
		"for root, of the user whose directory it is": {func(p string) error {
			if err := os.Chown(filepath.Dir(p), stranger, -1); err != nil {
				return err
			}
			return os.Chown(p, stranger, -1)
		}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("giving files to other users takes root")
			}
			path := filepath.Join(t.TempDir(), "overrides.toon")
			if err := os.WriteFile(path, []byte("version: 1\nlimits:\n  body: 7MiB\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			_, loading := schema.Load(schema.Options{Overrides: path})
			_, reading := schema.ReadOverrides(path)
			for _, err := range []error{loading, reading} {
				switch {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)):
					t.Errorf("got %v, want %q and the path", err, c.want)
				}
			}
		})
	}
}
