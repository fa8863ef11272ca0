package backup

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Target says where a file of an archive belongs.
type Target struct {
	// Name is its name in the archive.
	Name string
	// Path is where it is, or was, on this machine.
	Path string
	// Text says that it is a configuration, whose lines Compare may show.
	Text bool
}

// Change is what restoring does to one file.
type Change struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// Kind is same, added, changed or removed.
	Kind string `json:"kind"`
	// Old and New are sizes in bytes.
	Old int64 `json:"old"`
	New int64 `json:"new"`
	// Lines is a line by line difference of configurations: "-" is what is there now,
	// "+" what would be. What may be a secret is blotted out.
	Lines []string `json:"lines,omitempty"`
}

// String returns the change on one line, and its lines below.
func (c Change) String() string {
	s := fmt.Sprintf("%-8s %s (%d → %d bytes)", c.Kind, c.Path, c.Old, c.New)
	return strings.Join(append([]string{s}, c.Lines...), "\n    ")
}

// The kinds of a Change.
const (
	Same    = "same"
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// Compare says what putting the staged files in the place of the present ones would
// change, by name. A target that the archive does not have would be removed; a file
// of the archive without a target is an error.
func (s *Staged) Compare(targets []Target) ([]Change, error) {
	var out []Change
	for _, t := range targets {
		c, err := s.compare(t)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: %w", t.Name, err)
		}
		if c.Kind != "" {
			out = append(out, c)
		}
	}
	for _, e := range s.Manifest.Items {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.Name == e.Name }) {
			return nil, refused("it holds %s, which belongs nowhere", e.Name)
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func (s *Staged) compare(t Target) (Change, error) {
	c := Change{Name: t.Name, Path: t.Path}
	i := slices.IndexFunc(s.Manifest.Items, func(e Entry) bool { return e.Name == t.Name })
	sum, size, err := sumOf(t.Path)
	present := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c.Old = size
	switch {
	case i < 0 && !present:
		return c, nil
	case i < 0:
		c.Kind = Removed
		return c, nil
	}
	c.New = s.Manifest.Items[i].Size
	switch {
	case !present:
		c.Kind = Added
	case sum == s.Manifest.Items[i].SHA256:
		c.Kind = Same
		return c, nil
	default:
		c.Kind = Changed
	}
	if !t.Text {
		return c, nil
	}
	c.Lines, err = s.lines(t)
	return c, err
}

// sumOf returns the sum and size of a regular file.
func sumOf(path string) (string, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, errors.New("what is there now is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), n, err
}

// maxText bounds the configurations whose lines are compared.
const maxText = 1 << 20

// lines compares a configuration line by line.
func (s *Staged) lines(t Target) ([]string, error) {
	f, err := s.open(t.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	after, err := io.ReadAll(io.LimitReader(f, maxText))
	if err != nil {
		return nil, err
	}
	var before []byte
	if present, err := os.Open(t.Path); err == nil {
		before, err = io.ReadAll(io.LimitReader(present, maxText))
		present.Close()
		if err != nil {
			return nil, err
		}
	}
	return diffLines(textLines(before), textLines(after)), nil
}

func textLines(data []byte) []string {
	data = bytes.TrimRight(bytes.ToValidUTF8(data, []byte("?")), "\r\n")
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.ReplaceAll(string(data), "\r", ""), "\n")
}
