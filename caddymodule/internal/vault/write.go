package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/crash"
)

// replace puts data in the place of the file at path so that at every moment,
// also after a crash or a power cut, either the old or the new contents are
// there, whole. What is on disk is read back and handed to verify before it
// replaces anything. With previous, what the file held stays beside it with a
// ~ after its name. Files are readable by their owner only. The caller holds
// the lock.
func replace(path string, data []byte, previous bool, verify func(written []byte) error) error {
	dropLeftovers(path)
	crash.Point("vault: before write")
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	err = readBack(temp, verify)
	if err == nil && previous {
		err = keepPrevious(path)
	}
	crash.Point("vault: before rename")
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	crash.Point("vault: renamed")
	err = syncDir(filepath.Dir(path))
	crash.Point("vault: directory synced")
	return err
}

// writeTemp writes and syncs a new file beside path. CreateTemp opens it with
// O_EXCL, which also refuses a symbolic link, and mode 0600.
func writeTemp(path string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*"+tempSuffix)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	crash.Point("vault: written")
	err = errors.Join(err, f.Sync(), f.Close())
	crash.Point("vault: synced")
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

const tempSuffix = ".tmp"

func tempPrefix(path string) string { return "." + filepath.Base(path) + "." }

// dropLeftovers removes what a crash left of earlier writes of this file.
func dropLeftovers(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix(path)) && strings.HasSuffix(e.Name(), tempSuffix) {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

func readBack(path string, verify func([]byte) error) error {
	if verify == nil {
		return nil
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = verify(data)
	}
	if err != nil {
		return fmt.Errorf("reading back what was written: %w", err)
	}
	return nil
}

// keepPrevious makes path~ what path is now. The file at path stays in place
// meanwhile.
func keepPrevious(path string) error {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	crash.Point("vault: before previous")
	if err := os.Rename(temp, path+"~"); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// readFile reads a regular file of at most maxFile bytes that is no link.
func readFile(path string) ([]byte, error) {
	f, err := openNoFollow(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if info.Size() > maxFile {
		return nil, errors.New("it is larger than 16 MiB")
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reason returns what went wrong without the path, which the error that holds
// it names.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
