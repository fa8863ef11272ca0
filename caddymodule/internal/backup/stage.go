package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
)

// Staged is an archive unpacked into a directory of its own, where nobody uses it.
type Staged struct {
	Manifest *Manifest
	// Dir is where the files are, under the names they have in the archive.
	Dir string
}

// stagePrefix begins the names of directories of unpacked archives.
const stagePrefix = ".restore-"

// Stage unpacks an archive below parent, into a new directory that only its owner
// can read, and calls validate, unless nil, with the directory opened. When it fails
// nothing of the directory is left. Discard removes it.
func Stage(ctx context.Context, r io.Reader, parent string, caps Caps, validate func(*Manifest, fs.FS) error, identities ...age.Identity) (*Staged, error) {
	dir, err := os.MkdirTemp(parent, stagePrefix+"*") // made with 0700
	if err != nil {
		return nil, fmt.Errorf("restoring a backup: %w", err)
	}
	s := &Staged{Dir: dir}
	if err := s.fill(ctx, r, caps, validate, identities); err != nil {
		return nil, errors.Join(fmt.Errorf("restoring a backup: %w", err), s.Discard())
	}
	return s, nil
}

func (s *Staged) fill(ctx context.Context, r io.Reader, caps Caps, validate func(*Manifest, fs.FS) error, identities []age.Identity) error {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	create := func(e Entry) (io.WriteCloser, error) { return createIn(root, e) }
	if s.Manifest, err = unpack(ctx, r, caps, create, identities...); err != nil {
		return err
	}
	if validate == nil {
		return nil
	}
	return validate(s.Manifest, root.FS())
}

// createIn makes a new file below root. Nobody but the owner may write it. It is not
// synced: what is put into place later is a copy that is.
func createIn(root *os.Root, e Entry) (io.WriteCloser, error) {
	if dir := path.Dir(e.Name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := root.OpenFile(e.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(e.Mode&^0o022 | 0o600); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Discard removes the directory.
func (s *Staged) Discard() error { return os.RemoveAll(s.Dir) }

// sweepStaged removes what processes that died left unpacked.
func sweepStaged(parent string, now time.Time) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), stagePrefix) && now.Sub(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// open returns one of the staged files.
func (s *Staged) open(name string) (*os.File, error) { return os.OpenInRoot(s.Dir, name) }
