package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"
)

// Caps are the sizes, in bytes, that items may have if that is not 64 MiB, by name.
type Caps map[string]int64

func (c Caps) of(name string) int64 {
	if n, ok := c[name]; ok {
		return n
	}
	return maxItem
}

// Verify reads an archive to its end, keeps nothing of it and returns its manifest.
// Its errors are ErrKey, ErrDamaged or ErrRefused, or what reading returned.
func Verify(ctx context.Context, r io.Reader, caps Caps, identities ...age.Identity) (*Manifest, error) {
	m, err := unpack(ctx, r, caps, func(Entry) (io.WriteCloser, error) { return nothing{}, nil }, identities...)
	if err != nil {
		return nil, fmt.Errorf("verifying a backup: %w", err)
	}
	return m, nil
}

// nothing is where Verify puts the contents.
type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
func (nothing) Close() error                { return nil }

// unpack reads an archive and hands its entries to create, whose writers it closes.
// It returns no manifest unless every entry is there and is what the manifest says.
func unpack(ctx context.Context, r io.Reader, caps Caps, create func(Entry) (io.WriteCloser, error), identities ...age.Identity) (*Manifest, error) {
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		return nil, openError(err)
	}
	u := &unpacker{tar: tar.NewReader(&reader{ctx, plain}), caps: caps, create: create, sums: map[string]Entry{}}
	for {
		header, err := u.tar.Next()
		if err == io.EOF {
			return nil, damaged("it ends without a manifest")
		}
		if err != nil {
			return nil, readError(ctx, err)
		}
		if header.Typeflag == tar.TypeReg && header.Name == manifestName {
			return u.manifest(ctx, header, plain)
		}
		if err := u.entry(ctx, header); err != nil {
			return nil, err
		}
	}
}

type unpacker struct {
	tar    *tar.Reader
	caps   Caps
	create func(Entry) (io.WriteCloser, error)
	sums   map[string]Entry
}

// entry checks one header and copies what follows it.
func (u *unpacker) entry(ctx context.Context, h *tar.Header) error {
	if err := checkName(h.Name); err != nil {
		return err
	}
	_, twice := u.sums[h.Name]
	switch {
	case h.Typeflag != tar.TypeReg:
		return refused("%s is not a regular file", h.Name)
	case len(u.sums) == maxItems:
		return refused("more than %d files", maxItems)
	case twice:
		return refused("%s stands twice", h.Name)
	case h.Size < 0 || h.Size > u.caps.of(h.Name):
		return refused("%s has %d bytes, and at most %d are restored", h.Name, h.Size, u.caps.of(h.Name))
	}
	e := Entry{Name: h.Name, Size: h.Size, Mode: fs.FileMode(h.Mode).Perm()}
	w, err := u.create(e)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, sum), &marked{u.tar})
	if err = errors.Join(copyError(ctx, err), w.Close()); err != nil {
		return err
	}
	e.SHA256 = hex.EncodeToString(sum.Sum(nil))
	u.sums[e.Name] = e
	return nil
}

// manifest reads the last entry and compares. Nothing may follow it.
func (u *unpacker) manifest(ctx context.Context, h *tar.Header, plain io.Reader) (*Manifest, error) {
	if h.Size > maxManifest {
		return nil, refused("a manifest of %d bytes", h.Size)
	}
	data, err := io.ReadAll(u.tar)
	if err != nil {
		return nil, readError(ctx, err)
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	if len(m.Items) != len(u.sums) {
		return nil, damaged("its manifest names %d files, and %d are there", len(m.Items), len(u.sums))
	}
	for _, want := range m.Items {
		if got, ok := u.sums[want.Name]; !ok || got != want {
			return nil, damaged("%s is not what the manifest says", want.Name)
		}
	}
	if _, err := u.tar.Next(); err != io.EOF {
		return nil, damaged("something follows the manifest")
	}
	// To the end, so that age sees whether it is the end.
	if _, err := io.Copy(io.Discard, &reader{ctx, plain}); err != nil {
		return nil, readError(ctx, err)
	}
	return m, nil
}

// marked tells errors of reading the archive from errors of writing what is in it.
type marked struct{ r io.Reader }

// source is an error of reading.
type source struct{ error }

func (s source) Unwrap() error { return s.error }

func (m *marked) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil && err != io.EOF {
		err = source{err}
	}
	return n, err
}

// copyError is readError for a copy, whose errors of writing stay what they are.
func copyError(ctx context.Context, err error) error {
	if s, ok := errors.AsType[source](err); ok {
		return readError(ctx, s.error)
	}
	return err
}

// readError makes a damaged archive of a decoder's complaint. What the disk or the
// context says stays as it is.
func readError(ctx context.Context, err error) error {
	if _, disk := errors.AsType[*fs.PathError](err); disk || err == nil || ctx.Err() != nil {
		return err
	}
	return damaged("%v", err)
}

// openError tells a wrong key from a file that is no archive.
func openError(err error) error {
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok || errors.Is(err, age.ErrIncorrectIdentity) {
		return ErrKey
	}
	return damaged("it does not open: %v", err)
}
