package main

import (
	"fmt"
	"os"
	"sync"
)

// bench is what the harness needs of a test, outside of one. Everything it was
// told to clean up is cleaned up by end. It is used by one goroutine.
type bench struct {
	cleanups []func()
	once     sync.Once
}

// Helper does nothing.
func (b *bench) Helper() {}

// Cleanup has f called at the end, last come first.
func (b *bench) Cleanup(f func()) { b.cleanups = append(b.cleanups, f) }

// Failed is false: a failure ends the soak at once.
func (b *bench) Failed() bool { return false }

// Fatalf ends the soak.
func (b *bench) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "soak: "+format+"\n", args...)
	b.end()
	os.Exit(1)
}

// Logf writes to standard error.
func (b *bench) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// TempDir returns a new directory that goes with the soak.
func (b *bench) TempDir() string {
	dir, err := os.MkdirTemp("", "aimux-soak-")
	if err != nil {
		b.Fatalf("making a directory: %v", err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// end undoes everything.
func (b *bench) end() {
	b.once.Do(func() {
		for i := range b.cleanups {
			b.cleanups[len(b.cleanups)-1-i]()
		}
	})
}
