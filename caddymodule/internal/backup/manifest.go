package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// manifestName is the last entry of an archive.
const manifestName = "manifest.json"

// manifestFormat tells a manifest from other documents, and its version.
const (
	manifestFormat  = "aimux-backup"
	manifestVersion = 1
	maxManifest     = 1 << 20
)

// Manifest says what is in an archive.
type Manifest struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	// Program is the version of aimux that made the archive.
	Program string  `json:"program,omitempty"`
	Items   []Entry `json:"items"`
}

// Entry is one file of an archive.
type Entry struct {
	Name string      `json:"name"`
	Size int64       `json:"size"`
	Mode fs.FileMode `json:"mode"`
	// SHA256 is in hexadecimal.
	SHA256 string `json:"sha256"`
}

// The errors an archive is refused with; errors.Is finds them.
var (
	// ErrKey says that the passphrase or identity is not the archive's.
	ErrKey = errors.New("the passphrase or key does not open this backup")
	// ErrDamaged says that the archive was cut off or changed, or is none.
	ErrDamaged = errors.New("the backup is damaged or not whole")
	// ErrRefused says that the archive holds something no backup of aimux does.
	ErrRefused = errors.New("the backup is refused")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// parseManifest reads a manifest and checks its form.
func parseManifest(data []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, damaged("its manifest is not one")
	}
	if m.Format != manifestFormat {
		return nil, damaged("its manifest is not one of aimux")
	}
	if m.Version != manifestVersion {
		return nil, refused("its manifest is of version %d, and this aimux reads version %d", m.Version, manifestVersion)
	}
	return &m, nil
}

// checkName accepts relative paths of plain names: letters, digits, ".", "_", "-"
// and "~", divided by slashes, without "." and "..".
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || len(name) > 200 || strings.Count(name, "/") > 8 {
		return refused("the name %.60q", name)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-~/", c) {
			return refused("the name %.60q", name)
		}
	}
	if name == manifestName {
		return refused("the name %q, which is the manifest's", name)
	}
	return nil
}
