//go:build unix

package main

import "syscall"

// raiseFiles lets this process and its children open as many files as they may, and where they may decide that
// themselves, as many as thousands of streams need.
func raiseFiles() {
	const plenty = 20_000
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	if limit.Max < plenty {
		most := syscall.Rlimit{Cur: plenty, Max: plenty}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &most) == nil {
			return
		}
	}
	limit.Cur = limit.Max
	// A refusal leaves the limit as it was; a load that needs more then says so by its errors.
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
