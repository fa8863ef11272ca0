//go:build !unix

package toon

import "time"

var started = time.Now()

// processTime stands in for the processor time where the system has no such call.
func processTime() time.Duration { return time.Since(started) }
