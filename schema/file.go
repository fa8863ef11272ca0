package schema

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// MaxBytes is the largest configuration read: 1 MiB.
const MaxBytes = 1 << 20

// openRegular opens a regular file for reading and refuses everything else:
// directories, pipes, sockets, devices. It does not block on a pipe that nobody
// writes to. Symbolic links are followed, as mounted secrets and config maps use
// them.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, link := os.Lstat(path); link == nil {
			return nil, errors.New("it is a symbolic link that leads nowhere")
		}
	}
	if err != nil {
		return nil, plainPathError(err)
	}
	if err := mustBeRegular(info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plainPathError(err)
	}
	// The path may lead elsewhere by now.
	info, err = f.Stat()
	if err == nil {
		err = mustBeRegular(info)
	}
	if err != nil {
		f.Close()
		return nil, plainPathError(err)
	}
	return f, nil
}

func mustBeRegular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("it is a directory, not a file")
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("it is a pipe, not a regular file")
	default:
		return errors.New("it is not a regular file")
	}
}

// plainPathError takes the operation and the path off an error of package os:
// the caller says both in its own words.
func plainPathError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

var errChanging = errors.New("it changed while it was being read; try again")

// readConfigFile reads a whole configuration file of at most MaxBytes. A file
// that changes meanwhile is read again, three times at most, so that half of one
// version and half of another never make a configuration.
func readConfigFile(path string) ([]byte, error) {
	return readChecked(path, func(string, fs.FileInfo) error { return nil })
}

// readOverridesFile is readConfigFile for a file that nobody else may have
// written.
func readOverridesFile(path string) ([]byte, error) { return readChecked(path, checkOverrides) }

func readChecked(path string, check func(string, fs.FileInfo) error) ([]byte, error) {
	var err error
	for range 3 {
		var data []byte
		if data, err = readStable(path, check); !errors.Is(err, errChanging) {
			return data, err
		}
	}
	return nil, err
}

func readStable(path string, check func(string, fs.FileInfo) error) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, plainPathError(err)
	}
	if err := check(path, before); err != nil {
		return nil, err
	}
	if before.Size() > MaxBytes {
		return nil, errTooLarge(before.Size())
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if len(data) > MaxBytes {
		return nil, errTooLarge(int64(len(data)))
	}
	after, err := f.Stat()
	if err != nil {
		return nil, plainPathError(err)
	}
	if changed(before, after, len(data)) {
		return nil, errChanging
	}
	return data, nil
}

// changed says whether a file that was read changed meanwhile.
func changed(before, after fs.FileInfo, read int) bool {
	return after.Size() != int64(read) || before.Size() != int64(read) || !after.ModTime().Equal(before.ModTime())
}

func errTooLarge(n int64) error {
	return fmt.Errorf("it has %d bytes; a configuration has at most 1 MiB", n)
}
