package vault

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/crash"
)

// maxKeyFile is the size in bytes above which a file is surely not a key file.
const maxKeyFile = 4 << 10

// pending is where the next key waits until the keystore is sealed with it.
func pending(path string) string { return path + ".new" }

// readKeyFiles returns the key of a key file and, if a change of keys was cut
// short, the one that waits beside it.
func readKeyFiles(path string) ([]material, error) {
	var found []material
	var first error
	for _, p := range []string{path, pending(path)} {
		key, err := readKeyFile(p, true)
		if err == nil {
			found = append(found, material{key, kindKeyFile, p})
		} else if first == nil {
			first = err
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, first
}

func readCredential(path string) (material, error) {
	key, err := readKeyFile(path, false)
	return material{key, kindCredential, path}, err
}

// readKeyFile reads a key from a regular file that is no link. A strict one
// must belong to this user, who alone may read it, in a directory that others
// cannot write to.
func readKeyFile(path string, strict bool) ([]byte, error) {
	f, err := openNoFollow(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%w)", noKey(path, "", "the key file is not there", "put it back; aimux never makes a new key for an old keystore"), fs.ErrNotExist)
	}
	if err != nil {
		return nil, noKey(path, "", "the key file cannot be opened: "+reason(err), "")
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = checkKeyFile(info, path, strict)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, noKey(path, "", "the key file cannot be read: "+reason(err), "")
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, noKey(path, "", err.Error(), keyForm)
	}
	return key, nil
}

func checkKeyFile(info fs.FileInfo, path string, strict bool) error {
	switch {
	case !info.Mode().IsRegular():
		return noKey(path, "", "it is not a regular file", "")
	case info.Size() > maxKeyFile:
		return noKey(path, "", "it is larger than 4 KiB, so it is no key", keyForm)
	case info.Mode().Perm()&0o007 != 0 && modesMean:
		return noKey(path, "", fmt.Sprintf("everybody may use the key file (mode %04o)", info.Mode().Perm()), "chmod 600 it, and change the key: others may have it")
	case !strict:
		return nil
	case info.Mode().Perm()&0o077 != 0 && modesMean:
		return noKey(path, "", fmt.Sprintf("others may use the key file (mode %04o)", info.Mode().Perm()), "chmod 600 it, and change the key: others may have it")
	}
	if err := checkOwner(info); err != nil {
		return noKey(path, "", err.Error(), "chown it to the user that runs aimux")
	}
	dir := filepath.Dir(path)
	parent, err := os.Stat(dir)
	if err == nil && parent.Mode().Perm()&0o022 != 0 && parent.Mode()&fs.ModeSticky == 0 && modesMean {
		return noKey(path, "", fmt.Sprintf("others may replace files in %s (mode %04o)", dir, parent.Mode().Perm()), "chmod 700 the directory")
	}
	return err
}

// newKeyFile writes a fresh key and returns it. The directory is made if need
// be, for this user alone.
func newKeyFile(path string) (material, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return material{}, fmt.Errorf("making the directory of the key file: %w", err)
	}
	if _, err := os.Lstat(path); err == nil {
		return material{}, noKey(path, "", "the file is there already", "")
	}
	m := material{randomBytes(keyBytes), kindKeyFile, path}
	text := "# This key opens the keystore of aimux. Keep a copy of it, apart from copies of the keystore.\n" +
		base64.StdEncoding.EncodeToString(m.key) + "\n"
	if err := replace(path, []byte(text), false, nil); err != nil {
		return material{}, fmt.Errorf("writing the key file: %w", err)
	}
	back, err := readKeyFile(path, true)
	if err != nil || string(back) != string(m.key) {
		return material{}, fmt.Errorf("reading the new key file back: %w", errors.Join(err, errors.New("it must hold what was written")))
	}
	return m, nil
}

// promote makes the pending key the key, if it is the one the keystore is
// sealed with, and keeps the one before beside it: without that the previous
// keystore could not be opened. It may be called again after it was cut short.
func promote(path string, kek []byte) error {
	key, err := readKeyFile(pending(path), true)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(key, kek) {
		return nil
	}
	if err != nil {
		return err
	}
	dropLeftovers(path)
	if err := keepPrevious(path); err != nil {
		return fmt.Errorf("keeping the previous key: %w", err)
	}
	crash.Point("vault: before key rename")
	if err := os.Rename(pending(path), path); err != nil {
		return fmt.Errorf("putting the new key in place: %w", err)
	}
	crash.Point("vault: key renamed")
	return syncDir(filepath.Dir(path))
}

// apart says whether a key file lies outside the directories, which a copy
// would otherwise take along with it.
func apart(keyFile string, dirs []string) error {
	home, err := resolved(filepath.Dir(keyFile))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		d, err := resolved(dir)
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(d, home); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return noKey(keyFile, "", "the key file would lie within "+dir+", so that one copy takes the lock and the key", "choose a directory outside for it")
		}
	}
	return nil
}

// resolved returns an absolute path without links, as far as the path exists.
func resolved(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for dir := path; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest), nil
		}
		if dir == filepath.Dir(dir) {
			return path, nil
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
