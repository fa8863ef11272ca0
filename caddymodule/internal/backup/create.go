package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"filippo.io/age"
)

// The limits of an archive.
const (
	maxItems = 1000
	// maxItem is the size, in bytes, of an item that says nothing of its own.
	maxItem = 64 << 20
)

// Item is one file to be saved.
type Item struct {
	// Name is where it stands in the archive: a relative path of plain names.
	Name string
	// Mode is its permissions. Default: 0600.
	Mode fs.FileMode
	// Cap is the largest size, in bytes, it may have. Default: 64 MiB.
	Cap int64
	// Open returns its contents, which Create closes. What has a Stat method, as a file
	// has, is streamed; anything else is read into memory first.
	Open func() (io.ReadCloser, error)
}

// Info is what an archive says about itself.
type Info struct {
	// Created is when the archive is made.
	Created time.Time
	// Program is the version of aimux.
	Program string
}

// Create writes an archive of items to w, encrypted for the recipients; Passphrase
// makes one of a passphrase. When it fails, what was written is no archive.
func Create(ctx context.Context, w io.Writer, items []Item, info Info, recipients ...age.Recipient) (*Manifest, error) {
	if len(recipients) == 0 {
		return nil, errors.New("creating a backup: no passphrase and no recipient")
	}
	if len(items) > maxItems {
		return nil, fmt.Errorf("creating a backup: %d files, and at most %d fit", len(items), maxItems)
	}
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("creating a backup: %w", err)
	}
	c := &creator{tar: tar.NewWriter(sealed), manifest: Manifest{
		Format: manifestFormat, Version: manifestVersion, Created: info.Created.UTC(), Program: info.Program, Items: []Entry{},
	}}
	for _, item := range items {
		if err := c.add(ctx, item); err != nil {
			return nil, fmt.Errorf("creating a backup: %s: %w", item.Name, err)
		}
	}
	if err := errors.Join(c.finish(), sealed.Close()); err != nil {
		return nil, fmt.Errorf("creating a backup: %w", err)
	}
	return &c.manifest, nil
}

// creator writes the entries and notes them.
type creator struct {
	tar      *tar.Writer
	manifest Manifest
}

func (c *creator) add(ctx context.Context, item Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkName(item.Name); err != nil {
		return err
	}
	for _, e := range c.manifest.Items {
		if e.Name == item.Name {
			return errors.New("the name stands twice")
		}
	}
	r, err := item.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	limit := item.limit()
	content, size, err := sized(r, limit)
	if err != nil {
		return err
	}
	if size > limit {
		return fmt.Errorf("it has %d bytes, and at most %d are saved", size, limit)
	}
	return c.write(ctx, Entry{Name: item.Name, Size: size, Mode: item.mode()}, content)
}

func (i Item) limit() int64 {
	if i.Cap > 0 {
		return i.Cap
	}
	return maxItem
}

func (i Item) mode() fs.FileMode {
	if m := i.Mode.Perm(); m != 0 {
		return m
	}
	return 0o600
}

// sized tells the size of what is to be read, by asking or by reading it.
func sized(r io.Reader, limit int64) (io.Reader, int64, error) {
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		if !info.Mode().IsRegular() {
			return nil, 0, errors.New("not a regular file")
		}
		return r, info.Size(), nil
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	return bytes.NewReader(data), int64(len(data)), err
}

// write writes one entry. A file that has another size by now than it had when it
// was opened is an error.
func (c *creator) write(ctx context.Context, e Entry, content io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: e.Name, Size: e.Size, Mode: int64(e.Mode), ModTime: c.manifest.Created, Format: tar.FormatPAX}
	if err := c.tar.WriteHeader(header); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(c.tar, io.TeeReader(&reader{ctx, io.LimitReader(content, e.Size)}, sum))
	if err != nil {
		return err
	}
	var more [1]byte
	if extra, _ := io.ReadFull(content, more[:]); n != e.Size || extra > 0 {
		return errors.New("it changed while it was read")
	}
	e.SHA256 = hex.EncodeToString(sum.Sum(nil))
	c.manifest.Items = append(c.manifest.Items, e)
	return nil
}

// finish writes the manifest.
func (c *creator) finish() error {
	data, err := json.MarshalIndent(c.manifest, "", "  ")
	if err != nil {
		return err
	}
	err = c.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(data)), Mode: 0o600, ModTime: c.manifest.Created, Format: tar.FormatPAX})
	if err == nil {
		_, err = c.tar.Write(data)
	}
	return errors.Join(err, c.tar.Close())
}

// reader stops when its context is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
