//go:build unix

package schema

import (
	"fmt"
	"io/fs"
	"os"
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
