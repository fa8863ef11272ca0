//go:build unix

package toon

import (
	"syscall"
	"time"
)

// processTime returns the processor time this process has used: unlike the time
// on the wall it does not grow when other processes keep the machine busy.
func processTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
