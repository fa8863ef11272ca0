package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteAtomic replaces a file so that at every moment, also after a crash or a
// power cut, either the old or the new contents are there, whole. The file is
// readable by its owner only (0600), and what it held before stays beside it with
// a ~ after its name. A symbolic link is followed.
func WriteAtomic(path string, data []byte) error {
	if err := writeAtomic(path, data, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func writeAtomic(path string, data []byte, mode fs.FileMode) error {
	target, err := writeTarget(path)
	if err != nil {
		return err
	}
	dropLeftovers(target)
	point(target, "before write")
	temp, err := writeTemp(target, data, mode)
	if err != nil {
		return err
	}
	point(target, "synced")
	err = keepPrevious(target)
	if err == nil {
		point(target, "before rename")
		err = os.Rename(temp, target)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	point(target, "renamed")
	err = syncDir(filepath.Dir(target))
	point(target, "directory synced")
	return err
}

// writeTarget follows links and refuses what is no file.
func writeTarget(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	return target, mustBeRegular(info)
}

// writeTemp writes and syncs a new file beside the target and returns its path.
func writeTemp(target string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp") // made with O_EXCL and 0600
	if err != nil {
		return "", err
	}
	point(target, "made")
	_, err = f.Write(data)
	point(target, "written")
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// keepPrevious makes path~ what path is now. The file at path stays in place
// meanwhile.
func keepPrevious(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	temp, err := writeTemp(path, data, 0o600)
	if err != nil {
		return err
	}
	point(path, "before previous")
	if err := os.Rename(temp, path+"~"); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// leftoverAge is how old a temporary file must be to belong to nobody any more:
// one that is being written is there for milliseconds.
const leftoverAge = 10 * time.Minute

// dropLeftovers removes the temporary files of target that a process which died
// left behind.
func dropLeftovers(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(target)+".")
		if digits, temp := strings.CutSuffix(rest, ".tmp"); !ok || !temp || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftoverAge {
			_ = os.Remove(filepath.Join(filepath.Dir(target), e.Name()))
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
