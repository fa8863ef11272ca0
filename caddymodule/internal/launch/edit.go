package launch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aimux/aimux/schema"
)

// ErrNothing says that there is nothing to undo.
var ErrNothing = errors.New("aimux has not changed this file, or the change was undone already")

// ErrChanged says that a file is no longer what aimux wrote.
var ErrChanged = errors.New("the file was changed since; edit it by hand, or undo all the same with --force")

// ConfigFile is where a client keeps its settings, for a user's home and
// environment; empty if the client has no such file.
func ConfigFile(c Client, home string, lookup func(string) (string, bool)) string {
	dir := func(variable, usual string) string {
		if d, ok := lookup(variable); ok && d != "" {
			return d
		}
		return filepath.Join(home, usual)
	}
	switch c {
	case Claude:
		return filepath.Join(dir("CLAUDE_CONFIG_DIR", ".claude"), "settings.json")
	case Codex:
		return filepath.Join(dir("CODEX_HOME", ".codex"), "config.toml")
	}
	return ""
}

// Edit is a change of a client's file that is not made yet.
type Edit struct {
	Path          string
	Before, After []byte
	Had           bool // there was a file
}

// maxConfig is the size above which a file is no client's settings.
const maxConfig = 4 << 20

// Plan works out how a client's file has to change.
func Plan(c Client, path string, s Settings) (*Edit, error) {
	e := &Edit{Path: path}
	var err error
	if e.Before, e.Had, err = readConfig(path); err != nil {
		return nil, err
	}
	var after string
	switch c {
	case Claude:
		after, err = claudeSettings(string(e.Before), s)
	case Codex:
		after, err = codexConfig(string(e.Before), s)
	default:
		return nil, fmt.Errorf("%s have no file of their own: use `aimux env %s`", c.Title(), c)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	e.After = []byte(after)
	return e, nil
}

func readConfig(path string) (data []byte, there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case !info.Mode().IsRegular() || info.Size() > maxConfig:
		return nil, false, fmt.Errorf("%s is not a regular file of at most 4 MiB", path)
	}
	data, err = os.ReadFile(path)
	return data, true, err
}

// Changes reports whether the file is to be changed at all.
func (e *Edit) Changes() bool { return !bytes.Equal(e.Before, e.After) }

// Diff shows the change line by line, keys blotted out.
func (e *Edit) Diff(tokens ...string) string { return diff(string(e.Before), string(e.After), tokens) }

// memory is what is kept to undo an edit: what the file was before the first one
// and what the last one made of it.
type memory struct {
	Had    bool   `json:"had"`
	Before []byte `json:"before"`
	After  string `json:"after_sha256"`
}

// memoryFile stands beside the client's file and is readable by its owner only.
func memoryFile(path string) string { return path + ".aimux-undo" }

// Write makes the change. What the file was stays beside it: as a copy that ends
// in ~, and for Undo.
func (e *Edit) Write() error {
	now, _, err := readConfig(e.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, e.Before) {
		return fmt.Errorf("%s changed meanwhile; try again", e.Path)
	}
	if err := os.MkdirAll(filepath.Dir(e.Path), 0o700); err != nil {
		return err
	}
	m := memory{Had: e.Had, Before: e.Before, After: sum(e.After)}
	if kept, err := recall(e.Path); err == nil && kept.After == sum(e.Before) {
		m.Had, m.Before = kept.Had, kept.Before // an edit of our own edit
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := schema.WriteAtomic(memoryFile(e.Path), data); err != nil {
		return err
	}
	_ = os.Remove(memoryFile(e.Path) + "~")
	return schema.WriteAtomic(e.Path, e.After)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func recall(path string) (*memory, error) {
	data, there, err := readConfig(memoryFile(path))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, ErrNothing
	}
	var m memory
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", memoryFile(path), err)
	}
	return &m, nil
}

// Undo makes a client's file what it was before the first Write. A file that was
// changed since is left alone unless force is set.
func Undo(path string, force bool) error {
	m, err := recall(path)
	if err != nil {
		return err
	}
	now, there, err := readConfig(path)
	if err != nil {
		return err
	}
	if (!there || sum(now) != m.After) && !force {
		return fmt.Errorf("%s: %w", path, ErrChanged)
	}
	if m.Had {
		err = schema.WriteAtomic(path, m.Before)
	} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	return os.Remove(memoryFile(path))
}
