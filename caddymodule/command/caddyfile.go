package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/deploy"
)

// findCaddyfile returns the Caddyfile a gateway is run with: the one named, the
// one of this directory if it is aimux's, the user's, the machine's. Without any
// the user's is made.
func findCaddyfile(named string, say io.Writer) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	dir, err := place.UserDir()
	if err != nil {
		return "", err
	}
	for _, path := range []string{"Caddyfile", filepath.Join(dir, "Caddyfile"), "/etc/aimux/Caddyfile"} {
		if isOwnCaddyfile(path) {
			return filepath.Abs(path)
		}
	}
	return writeCaddyfile(dir, say)
}

// isOwnCaddyfile reports whether a Caddyfile is there and speaks of aimux.
func isOwnCaddyfile(path string) bool {
	data, err := os.ReadFile(path)
	return err == nil && bytes.Contains(data, []byte("aimux"))
}

// writeCaddyfile makes the Caddyfile of a user, unless it is there.
func writeCaddyfile(dir string, say io.Writer) (string, error) {
	path := filepath.Join(dir, "Caddyfile")
	if err := writeNew(path, []byte(deploy.Text("user/Caddyfile"))); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return path, nil
		}
		return "", err
	}
	fmt.Fprintln(say, "wrote", path)
	return path, nil
}

// writeNew writes a file that must not exist, readable by its owner only.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
