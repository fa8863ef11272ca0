//go:build unix

package launch

import "syscall"

// detached makes a process the first of a session of its own, so that closing the
// terminal, or Ctrl-C in it, does not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
