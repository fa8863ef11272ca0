package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	temp, err := writeTemp(filepath.Dir(target), filepath.Base(target), data, mode)
	if err != nil {
		return err
	}
	err = keepPrevious(target)
	if err == nil {
		err = os.Rename(temp, target)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(target))
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
func writeTemp(dir, base string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(dir, "."+base+".*.tmp") // made with O_EXCL and 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
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
	temp, err := writeTemp(filepath.Dir(path), filepath.Base(path), data, 0o600)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path+"~"); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
