//go:build unix

package schema

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// CheckOwner says what is wrong when a file belongs neither to the user that
// this process runs as nor to root: whoever owns a file can change it.
func CheckOwner(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d and aimux runs as user %d; give it to that user with chown, or move it away", st.Uid, os.Geteuid())
	}
	return nil
}

// checkOverrides says what is wrong when others than this user and root decide
// what is in the file of overrides at path. A command that root gives for
// another user, in a directory of that user's, may read that user's file.
func checkOverrides(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := CheckOwner(info); err != nil && !(os.Geteuid() == 0 && owns(st.Uid, filepath.Dir(path))) {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o002 != 0 || mode&0o020 != 0 && st.Gid != 0 && int(st.Gid) != os.Getegid() {
		return fmt.Errorf("others may change it (mode %04o); look at what it says, then run: chmod 600 %s", mode, path)
	}
	return nil
}

// owns reports whether a directory is that user's.
func owns(user uint32, dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == user
}
