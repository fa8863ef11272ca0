//go:build unix

package auth

import (
	"os"
	"syscall"
)

// ownerOnly says that file modes mean something here.
const ownerOnly = true

// lockFile waits until no other process holds path and returns what gives it
// back. The lock ends with the process, whatever happens.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
