//go:build !linux

package caddymodule

// releaseProgram does nothing here: the system decides by itself.
func releaseProgram() {}
