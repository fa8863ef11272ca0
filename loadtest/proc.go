package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc/PID/stat: USER_HZ is 100 on every Linux that Go runs on (proc(5), time(7)).
const tick = 10 * time.Millisecond

// cpuTime returns the CPU time that a process has used, its threads together: by its clock where there is one, else
// from /proc, to 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	if t, ok := cpuClock(pid); ok {
		return t, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(b)
}

// parseStat reads utime and stime, fields 14 and 15 of proc(5). The second field, the program's name in parentheses, may
// hold blanks and parentheses, so counting begins behind its end.
func parseStat(b []byte) (time.Duration, error) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, errors.New("no program name in /proc/PID/stat")
	}
	fields := strings.Fields(string(b[i+1:]))
	if len(fields) < 13 {
		return 0, errors.New("too few fields in /proc/PID/stat")
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseUint(f, 10, 40)
		if err != nil {
			return 0, fmt.Errorf("CPU time in /proc/PID/stat: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// The lines of /proc/PID/status that are read: all resident memory, and the part of it that is no file's: heap and
// stacks. The rest are pages of the program's file, which the kernel shares between processes and can drop.
const (
	resident  = "VmRSS:"
	anonymous = "RssAnon:"
)

// memoryOf returns a process's memory in bytes as the given line of /proc says, 0 where it does not.
func memoryOf(pid int, line string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parseStatus(b, line)
}

// parseStatus reads a size, which is in KiB whatever its unit says (proc(5)).
func parseStatus(b []byte, name string) int64 {
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kib, err := strconv.ParseInt(number, 10, 40)
		if err != nil || kib < 0 {
			return 0
		}
		return kib << 10
	}
	return 0
}

// loadAverage returns the load of the last minute, 0 where /proc does not say.
func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
