//go:build unix && !linux

package secret

import "syscall"

// NoDumps keeps the memory of this process out of core dumps. It is for the
// beginning of main in a process that holds secrets.
func NoDumps() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
