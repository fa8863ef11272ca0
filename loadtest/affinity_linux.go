package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// cpuSet is what sched_setaffinity(2) takes: a bit for each of 1024 processors.
type cpuSet [16]uint64

// processors returns those the calling thread may use, lowest first.
func processors() []int {
	var set cpuSet
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
	if errno != 0 {
		return nil
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set[cpu/64]&(1<<(cpu%64)) != 0 {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

func setAffinity(thread int, cpus []int) {
	var set cpuSet
	for _, cpu := range cpus {
		set[cpu/64] |= 1 << (cpu % 64)
	}
	// A refusal leaves the thread where it was, which is no harm.
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(thread), unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set)))
}

// pinSelf keeps this process, and what it starts later, to cpus.
func pinSelf(cpus []int) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			setAffinity(id, cpus)
		}
	}
}

// startOn starts cmd on cpus: a child inherits the processors of the thread that makes it. No cpus: wherever it likes.
// However this process ends, the kernel ends the child too.
func startOn(cmd *exec.Cmd, cpus []int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if len(cpus) == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := processors()
	setAffinity(0, cpus)
	defer setAffinity(0, before)
	return cmd.Start()
}
