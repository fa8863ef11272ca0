//go:build !unix

package audit

import (
	"errors"
	"io/fs"
	"os"
)

// openNoFollow opens a file that is no symbolic link.
func openNoFollow(path string, flag int) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, errors.New("it is a symbolic link")
	}
	return os.OpenFile(path, flag, 0o600)
}
