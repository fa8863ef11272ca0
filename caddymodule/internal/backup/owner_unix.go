//go:build unix

package backup

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// giveTo makes the owner of f whoever owns what it will replace, or else its
// directory, so that a restore by root leaves files the service can use. Without the
// right to do so the file stays the caller's, as any file it writes.
func giveTo(f *os.File, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	return chown(f, info)
}

func chown(f *os.File, as fs.FileInfo) error {
	owner, ok := as.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
