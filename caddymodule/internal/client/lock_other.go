//go:build !unix

package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// lockFile takes the lock that path stands for, waiting for up to patience. The
// lock is the file's existence; after a crash it has to be removed by hand.
func lockFile(path string, patience time.Duration) (unlock func(), err error) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return func() { f.Close(); os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%w; if none is, remove %s", ErrLocked, path)
		}
	}
}
