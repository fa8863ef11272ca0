//go:build !windows && (!unix || solaris || aix)

package usage

import "os"

// lockFile opens the file; these systems have no lock that ends with its
// process.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
