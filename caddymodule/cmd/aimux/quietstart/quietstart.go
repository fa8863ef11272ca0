// Package quietstart lets the garbage collector rest while the program starts.
//
// What the packages of a Caddy allocate when they are initialised is kept: some
// 3 MB, which at Go's usual pace are collected once or twice, for nothing, and on a
// single processor in the way of the start. So the first collection waits until
// the heap has three times the usual size; then the usual pace returns, or that
// which somebody has set meanwhile. GOGC in the environment is left alone.
//
// It imports next to nothing, because Go initialises packages in the order of
// their import paths as far as what they import allows: long before main.
package quietstart

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// atStart makes the first collection wait for 12 MB.
	atStart = 300
	// usual is Go's own.
	usual = 100
)

func init() {
	if os.Getenv("GOGC") == "" {
		until(atStart, usual)
	}
}

// until sets one pace until the first collection and another from then on.
func until(first, then int) {
	debug.SetGCPercent(first)
	runtime.AddCleanup(new(*int), func(int) {
		if set := debug.SetGCPercent(then); set != first {
			debug.SetGCPercent(set)
		}
	}, 0)
}
