package client

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/aimux/aimux/schema"
)

const (
	fileFormat  = "aimux-clients"
	fileVersion = 1
	// maxFile bounds, in bytes, a store's file.
	maxFile = 64 << 20
)

// fileForm is the file of a store: indented JSON, in exactly the bytes that encode
// writes, so that no change to it, however small, goes unseen.
type fileForm struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	Generation uint64    `json:"generation"`
	Clients    []rowForm `json:"clients"`
	Teams      []Team    `json:"teams"`
	// MAC is the HMAC-SHA256, in hexadecimal, of the file with an empty MAC.
	MAC string `json:"mac"`
}

type rowForm struct {
	Record
	Digest   string `json:"digest"`
	Previous string `json:"previous_digest,omitempty"`
}

// encode returns the file that holds c.
func encode(c *contents, key []byte) ([]byte, error) {
	f := fileForm{
		Format: fileFormat, Version: fileVersion, Generation: c.generation,
		Clients: make([]rowForm, len(c.rows)), Teams: append([]Team{}, c.teams...),
	}
	for i, r := range c.rows {
		f.Clients[i] = rowForm{Record: r.Record, Digest: r.digest.encode()}
		if !r.previous.zero() {
			f.Clients[i].Previous = r.previous.encode()
		}
	}
	bare, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	f.MAC = hex.EncodeToString(seal(key, bare))
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	if len(data) >= maxFile {
		return nil, fmt.Errorf("the file would be larger than %d MiB", maxFile>>20)
	}
	return append(data, '\n'), nil
}

// decode reads a file that encode wrote under the same key.
func decode(data, key []byte) (*contents, error) {
	if err := checkVersion(data); err != nil {
		return nil, err
	}
	var f fileForm
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrSeal, err)
	}
	c, err := f.contents()
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrSeal, err)
	}
	again, err := encode(c, key)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(again, data) {
		return nil, ErrSeal
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// checkVersion tells files of another kind or a newer aimux from damaged ones.
func checkVersion(data []byte) error {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&head); err != nil {
		return fmt.Errorf("not whole, or not JSON; restore it, or the one beside it that ends in ~: %w", err)
	}
	if head.Format != fileFormat {
		return fmt.Errorf("not a file of client keys: its format is %.40q, not %q", head.Format, fileFormat)
	}
	if head.Version != fileVersion {
		return fmt.Errorf("version %d, where this aimux knows version %d: use the aimux that wrote it, or a newer one", head.Version, fileVersion)
	}
	return nil
}

func (f *fileForm) contents() (*contents, error) {
	c := &contents{generation: f.Generation, rows: make([]row, len(f.Clients)), teams: f.Teams}
	for i, r := range f.Clients {
		row := row{Record: r.Record}
		var err error
		if row.digest, err = decodeDigest(r.Digest); err != nil {
			return nil, fmt.Errorf("client %q: %w", r.ID, err)
		}
		if r.Previous != "" {
			if row.previous, err = decodeDigest(r.Previous); err != nil {
				return nil, fmt.Errorf("client %q: %w", r.ID, err)
			}
		}
		c.rows[i] = row
	}
	return c, nil
}

// readFile reads a regular file that only its owner can read.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	// Looked at first, so that a pipe in its place cannot keep the opening waiting.
	info, err := os.Stat(path)
	if err == nil {
		err = checkFile(path, info)
	} else if _, lerr := os.Lstat(path); lerr == nil && errors.Is(err, fs.ErrNotExist) {
		err = errors.New("a symbolic link that leads nowhere")
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil {
		err = checkFile(path, info)
	}
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, info, err
}

func checkFile(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("readable by others (mode %#o); do: chmod 600 %s", info.Mode().Perm(), path)
	}
	return schema.CheckOwner(info)
}
