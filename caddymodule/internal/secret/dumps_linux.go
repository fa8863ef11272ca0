package secret

import (
	"errors"

	"golang.org/x/sys/unix"
)

// NoDumps keeps the memory of this process out of core dumps, and other
// processes of the same user from attaching to it. It is for the beginning of
// main in a process that holds secrets. It does nothing against root.
func NoDumps() error {
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
	)
}
