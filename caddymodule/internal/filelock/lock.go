// Package filelock lets one process at a time change a set of files.
//
// The lock is a file of its own beside what it guards. The operating system
// drops it when the process ends, however it ends, so that there is nothing to
// clean up after a crash. The file itself stays; it holds the id of the last
// process that had it, for error messages.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrHeld says that another process, or another part of this one, holds the
// lock.
var ErrHeld = errors.New("it is locked")

// poll is the time between two attempts.
const poll = 20 * time.Millisecond

// Lock is a lock that is held.
type Lock struct{ file *os.File }

// Acquire takes the lock that the file at path stands for, and makes the file
// if need be. It waits up to wait for another holder and then returns an error
// that is [ErrHeld] and names the process. It fails at once if the path leads
// to a symbolic link.
func Acquire(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := acquire(ctx, f, wait); err != nil {
		if errors.Is(err, ErrHeld) {
			err = heldBy(f, wait)
		}
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	sign(f)
	return &Lock{f}, nil
}

// sign writes this process's id into the file, unless it had the lock last.
func sign(f *os.File) {
	if pid, err := signature(f); err == nil && pid == os.Getpid() {
		return
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
}

func signature(f *os.File) (int, error) {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0)
	return strconv.Atoi(strings.TrimSpace(string(text[:n])))
}

func acquire(ctx context.Context, f *os.File, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		err := tryLock(f)
		if !errors.Is(err, ErrHeld) || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

// heldBy names the holder, if it has written its id yet.
func heldBy(f *os.File, wait time.Duration) error {
	pid, err := signature(f)
	if err != nil {
		return fmt.Errorf("%w by another process; waited %s", ErrHeld, wait)
	}
	return fmt.Errorf("%w by process %d; waited %s", ErrHeld, pid, wait)
}

// Release gives the lock back. A nil Lock has nothing to give back.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return l.file.Close() // which drops the lock
}
