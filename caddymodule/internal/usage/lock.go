package usage

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked says that the file is being written by another process, or by
// another ledger of this one.
var ErrLocked = errors.New("another aimux process is writing it")

// lock takes the right to write the database at path, which ends with the
// process at the latest, kill -9 included. Readers need no lock.
func lock(path string) (*os.File, error) {
	f, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, nil
}
