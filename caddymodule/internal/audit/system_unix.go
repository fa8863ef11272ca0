//go:build unix

package audit

import (
	"os"
	"syscall"
)

// openNoFollow opens a file that is no symbolic link.
func openNoFollow(path string, flag int) (*os.File, error) {
	return os.OpenFile(path, flag|syscall.O_NOFOLLOW, 0o600)
}
