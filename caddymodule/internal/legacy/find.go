package legacy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of a search. A configuration never had a hundredth of it.
const (
	maxFile  = 1 << 20
	maxFiles = 10_000
	maxLevel = 32
	maxTotal = 256 << 20
)

// DefaultPaths returns where the old versions kept their configurations, for a
// user's home and working directory. Most of them do not exist on any one machine:
// Present picks those that do.
func DefaultPaths(home, workingDir string) []string {
	join := filepath.Join
	return []string{
		join(home, ".config", "aimux"), join(home, ".config", "synclaude"),
		join(workingDir, "config.json"), join(workingDir, "production-config.json"),
		join(workingDir, "config", "default.json"), join(workingDir, "test-config"),
		join(workingDir, ".env"), join(workingDir, "production.env"),
		"/etc/aimux", "/opt/aimux2", "/usr/local/etc/aimux",
	}
}

// Present returns those of paths where something is, be it a link that leads nowhere.
func Present(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		_, err := os.Lstat(p)
		return err != nil
	})
}

// found is a file to be read.
type found struct {
	shown string // its path, for reports
	name  string // its last part
	asked bool   // the user named it, rather than its directory
	data  []byte
	size  int64
}

// visitor is told what a search meets: a file, or why one is not read.
type visitor interface {
	file(f found)
	refuse(path string, why string)
}

// search walks paths, which are files and directories.
type search struct {
	visit visitor
	want  func(name string) bool // which files of a directory are read
	files int
	bytes int64
	full  bool
}

// walk reads one path. A path that is not there is an error.
func (s *search) walk(p string) error {
	info, err := os.Lstat(p)
	if err != nil {
		return fmt.Errorf("looking for old configurations: %w", err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(p)
		if err != nil {
			return fmt.Errorf("looking for old configurations: %w", err)
		}
		defer root.Close()
		s.directory(root, p, ".", 1)
		return nil
	}
	root, err := os.OpenRoot(filepath.Dir(p))
	if err != nil {
		return fmt.Errorf("looking for old configurations: %w", err)
	}
	defer root.Close()
	s.entry(root, p, filepath.Base(p), fs.FileInfoToDirEntry(info), true)
	return nil
}

// directory reads what stands below dir, by name. Links are never followed, so a
// loop of them is nothing special and none leads out.
func (s *search) directory(root *os.Root, shown, dir string, level int) {
	if level > maxLevel {
		s.visit.refuse(shown, "more than 32 directories deep")
		return
	}
	if !s.room(shown) {
		return
	}
	d, err := root.Open(dir)
	if err != nil {
		s.visit.refuse(shown, "the directory cannot be read")
		return
	}
	entries, err := d.ReadDir(maxFiles)
	d.Close()
	if err != nil && !errors.Is(err, io.EOF) {
		s.visit.refuse(shown, "the directory cannot be read")
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name, at := path.Join(dir, e.Name()), filepath.Join(shown, e.Name())
		switch {
		case s.full:
			return
		case e.IsDir() && !skipped(e.Name()):
			s.directory(root, at, name, level+1)
		case !e.IsDir() && s.want(e.Name()):
			s.entry(root, at, name, e, false)
		}
	}
}

// skipped says which directories hold other people's files.
func skipped(name string) bool {
	switch name {
	case "node_modules", ".git", ".hg", ".svn", "vendor", "target", "build", "dist", "__pycache__", ".venv":
		return true
	}
	return false
}

// room counts files and directories and reports whether one more may be looked at.
func (s *search) room(shown string) bool {
	if s.files++; s.files <= maxFiles && s.bytes <= maxTotal {
		return true
	}
	if !s.full {
		s.full = true
		s.visit.refuse(shown, "it and everything after it: more than 10000 files and directories or 256 MiB; name fewer paths")
	}
	return false
}

// entry reads one file, or says why not.
func (s *search) entry(root *os.Root, shown, name string, e fs.DirEntry, asked bool) {
	if !s.room(shown) {
		return
	}
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		s.visit.refuse(shown, "a link, which is not followed; name the file it leads to")
		return
	case !e.Type().IsRegular():
		s.visit.refuse(shown, "not a regular file")
		return
	}
	data, size, err := readRegular(root, name)
	if err != nil {
		s.visit.refuse(shown, err.Error())
		return
	}
	s.bytes += int64(len(data))
	s.visit.file(found{shown: shown, name: path.Base(filepath.ToSlash(name)), asked: asked, data: data, size: size})
}

// readRegular reads a regular file of at most maxFile bytes. Its error is for
// people and does not repeat the path.
func readRegular(root *os.Root, name string) ([]byte, int64, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, 0, plain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, plain(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	if info.Size() > maxFile {
		return nil, 0, fmt.Errorf("%.1f MB, and no configuration is larger than 1 MB; it is not read, and any keys in it are not looked for", float64(info.Size())/1e6)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, plain(err)
	}
	if len(data) > maxFile {
		return nil, 0, errors.New("it grows while it is read")
	}
	return data, int64(len(data)), nil
}

// plain returns the reason of an error without the path.
func plain(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("it cannot be read: %w", pe.Err)
	}
	return err
}

// mayBeOld says which files of a directory may be old configurations, by name.
func mayBeOld(name string) bool {
	folded := strings.ToLower(name)
	switch folded {
	case "package.json", "package-lock.json", "tsconfig.json", "composer.lock", "encryption.key":
		return folded == "encryption.key"
	}
	for _, end := range []string{".json", ".jsonc", ".json.backup", ".json.bak", ".json~", ".toon", ".env", ".ini", ".conf"} {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return strings.HasPrefix(folded, ".env")
}

// age sorts files by how much their word counts: configurations, then
// environments, then copies of configurations.
func (f found) age() int {
	folded := strings.ToLower(f.name)
	switch {
	case isBackup(folded):
		return 2
	case isEnvName(folded):
		return 1
	}
	return 0
}

func isBackup(name string) bool {
	return strings.HasSuffix(name, ".backup") || strings.HasSuffix(name, ".bak") || strings.HasSuffix(name, "~") ||
		strings.HasPrefix(name, "config_20") // config_YYYYmmdd_HHMMSS.json
}

func isEnvName(name string) bool {
	return strings.HasPrefix(name, ".env") || strings.HasSuffix(name, ".env")
}
