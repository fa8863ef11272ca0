//go:build unix

package client

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lockFile takes the lock that path stands for, waiting for up to patience. The
// lock goes with the process, so a crash leaves none behind.
func lockFile(path string, patience time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		if time.Now().After(end) {
			err = ErrLocked
			break
		}
	}
	f.Close()
	return nil, err
}
