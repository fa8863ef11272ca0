package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used so far. It is read from /proc, so it is
// known on Linux only.
type Usage struct {
	CPU time.Duration // of all threads, user and system
	RSS int64         // bytes resident now
}

// ticks is what the kernel counts CPU time in for programs: a hundredth of a
// second on every Linux.
const ticks = 10 * time.Millisecond

// Usage returns what the gateway's process has used.
func (g *Gateway) Usage() (Usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.Pid()))
	if err != nil {
		return Usage{}, err
	}
	// The name of the program, in parentheses, may hold blanks; the fields
	// after it are counted from the third.
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return Usage{}, fmt.Errorf("/proc/%d/stat has %d fields", g.Pid(), len(fields))
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i-3], 10, 64)
		return n
	}
	return Usage{CPU: time.Duration(number(14)+number(15)) * ticks, RSS: number(24) * int64(os.Getpagesize())}, nil
}

// StartTime returns how long the start took, from the call that made the process
// to its first good answer on /readyz.
func (g *Gateway) StartTime() time.Duration { return g.started }
