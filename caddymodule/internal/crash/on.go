//go:build crashpoints

package crash

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Enabled says whether this build has crash points.
const Enabled = true

// Point kills the process if AIMUX_CRASH_AT asks for it here.
func Point(name string) { reached(name) }

// reached is what Point does in this build.
var reached = newCounter(os.Getenv("AIMUX_CRASH_AT"), os.Getenv("AIMUX_CRASH_TRACE"), die)

// newCounter returns a Point that calls die at the hit that at describes.
func newCounter(at, trace string, die func()) func(string) {
	var mu sync.Mutex
	hits := map[string]int{}
	want, nth := parse(at)
	return func(name string) {
		mu.Lock()
		defer mu.Unlock()
		hits[name]++
		if trace != "" {
			note(trace, name)
		}
		if name == want && hits[name] == nth {
			die()
		}
	}
}

// parse splits "name#n"; without a number the first hit counts.
func parse(at string) (name string, nth int) {
	name, number, ok := strings.Cut(at, "#")
	if !ok {
		return name, 1
	}
	nth, err := strconv.Atoi(number)
	if err != nil || nth < 1 {
		panic(fmt.Sprintf("AIMUX_CRASH_AT=%q: after # comes a number from 1 on", at))
	}
	return name, nth
}

func note(path, name string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintln(f, name)
}

// die ends the process without giving anything a chance to clean up.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill() // SIGKILL on Unix
	}
	select {}
}
