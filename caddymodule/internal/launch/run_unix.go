//go:build unix

package launch

import "syscall"

// Become replaces this process by a program, which so has the terminal and the
// signals to itself. It returns only if that fails.
func Become(path string, args, environ []string) error {
	return syscall.Exec(path, append([]string{path}, args...), environ) // #nosec G204 -- the user asks for this very program; no shell reads it
}
