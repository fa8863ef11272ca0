//go:build unix

package vault

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// modesMean says whether permission bits say who may read a file.
const modesMean = true

// openNoFollow opens a file for reading. It does not follow a symbolic link and
// does not wait for the other end of a pipe.
func openNoFollow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// checkOwner says whether the file is this user's, or root's.
func checkOwner(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d and aimux runs as user %d", st.Uid, os.Geteuid())
	}
	return nil
}

// endGroup lets the end of the time limit reach the children of the command
// as well.
func endGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
