//go:build !unix

package schema

import "io/fs"

// CheckOwner finds nothing wrong: here a file's owner is not a number to
// compare.
func CheckOwner(fs.FileInfo) error { return nil }

// checkOverrides finds nothing wrong.
func checkOverrides(string, fs.FileInfo) error { return nil }
