package service

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Step is one thing to be done.
type Step struct {
	// Write is the path of a file to be written, with Text, or with the contents of
	// the file From, or with a new random key.
	Write, Text, From string
	Key               bool
	Mode              fs.FileMode
	// Keep leaves a file that is there alone.
	Keep bool

	// Remove is the path of a file to be removed, if it is there.
	Remove string

	// Run is a command to be run. MayFail says that its failure is no harm.
	Run     []string
	MayFail bool
}

// String returns the step as it is shown.
func (s Step) String() string {
	switch {
	case s.Run != nil:
		return "run    " + strings.Join(s.Run, " ")
	case s.Remove != "":
		return "remove " + s.Remove
	case s.Keep:
		return fmt.Sprintf("write  %s (%04o, unless it is there)", s.Write, s.Mode)
	}
	return fmt.Sprintf("write  %s (%04o)", s.Write, s.Mode)
}

// Runner runs a command and returns what it said.
type Runner func(ctx context.Context, name string, args ...string) (string, error)

// Do does the steps one after the other and says what it did. It ends with the
// first that fails.
func Do(ctx context.Context, steps []Step, run Runner, say io.Writer) error {
	for _, s := range steps {
		did, err := s.do(ctx, run)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		fmt.Fprintln(say, did)
	}
	return nil
}

func (s Step) do(ctx context.Context, run Runner) (string, error) {
	switch {
	case s.Run != nil:
		out, err := run(ctx, s.Run[0], s.Run[1:]...)
		if err != nil && !s.MayFail {
			return "", errors.Join(err, errors.New(strings.TrimSpace(out)))
		}
		return s.String(), nil
	case s.Remove != "":
		err := os.Remove(s.Remove)
		if errors.Is(err, fs.ErrNotExist) {
			return "absent " + s.Remove, nil
		}
		return s.String(), err
	}
	if _, err := os.Lstat(s.Write); err == nil && s.Keep {
		return "kept   " + s.Write, nil
	}
	return s.String(), s.write()
}

// write makes the file beside its place and renames it, so that a program that
// runs from there is not disturbed.
func (s Step) write() error {
	content, err := s.content()
	if err != nil {
		return err
	}
	defer content.Close()
	dir := filepath.Dir(s.Write)
	// #nosec G301 -- directories of the system that others have to read, such as /etc/systemd/system
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".aimux-*") // made with 0600
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Chmod(s.Mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), s.Write)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (s Step) content() (io.ReadCloser, error) {
	switch {
	case s.From != "":
		return os.Open(s.From)
	case s.Key:
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails, by its documentation
		return io.NopCloser(strings.NewReader(base64.StdEncoding.EncodeToString(key[:]))), nil
	}
	return io.NopCloser(strings.NewReader(s.Text)), nil
}
