package main

import (
	"syscall"
	"time"
	"unsafe"
)

// cpuClock reads the processor time of a process, to the nanosecond, from the clock that clock_getcpuclockid(3) names:
// the complement of the process id with the code of the scheduler's clock behind it.
func cpuClock(pid int) (time.Duration, bool) {
	const scheduler = 2
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(^pid<<3|scheduler), uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano()), errno == 0
}
