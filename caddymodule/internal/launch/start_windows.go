package launch

import "syscall"

// detachedProcess starts a process without a console (CreateProcess's
// DETACHED_PROCESS).
const detachedProcess = 0x00000008

// detached makes a process that closing the console does not end.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess}
}
