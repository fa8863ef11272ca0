//go:build crashpoints

package caddymodule

import (
	"path/filepath"

	"github.com/aimux/aimux/caddymodule/internal/crash"
	"github.com/aimux/aimux/schema"
)

// In a build for crash tests the steps of writing a file are crash points, named
// after the file: "overrides.toon: before rename". The former versions of the
// overrides, whose names tell when they were made, are all called "undo".
func init() {
	schema.CrashPoint = func(path, name string) {
		file := filepath.Base(path)
		if filepath.Base(filepath.Dir(path)) == "undo" {
			file = "undo"
		}
		crash.Point(file + ": " + name)
	}
}
