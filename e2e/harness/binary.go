package harness

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Root returns the repository's root directory.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// BinaryEnv names the environment variable that says which binary to test.
const BinaryEnv = "AIMUX_BIN"

// Binary returns the path of the binary under test: what AIMUX_BIN says, else
// bin/aimux at the repository's root if no source is newer, else one that is
// built once for this process.
var Binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(BinaryEnv); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(Root(), "bin", "aimux")
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !outdated(info.ModTime()) {
		return path, nil
	}
	return build()
})

// outdated reports whether a source of the binary is newer than built: specs
// must not pass or fail for what is no longer there.
func outdated(built time.Time) bool {
	newer := false
	for _, dir := range []string{"caddymodule", "schema", "toon"} {
		_ = filepath.WalkDir(filepath.Join(Root(), dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return nil
			}
			if info, err := entry.Info(); err == nil && info.ModTime().After(built) {
				newer = true
				return fs.SkipAll
			}
			return nil
		})
	}
	return newer
}

var built struct {
	mu  sync.Mutex
	dir string
}

// build makes the slim binary in a temporary directory.
func build() (string, error) {
	dir, err := os.MkdirTemp("", "aimux-e2e-")
	if err != nil {
		return "", fmt.Errorf("building aimux: %w", err)
	}
	built.mu.Lock()
	built.dir = dir
	built.mu.Unlock()
	path := filepath.Join(dir, "aimux")
	c := exec.Command("go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", path, "./caddymodule/cmd/aimux")
	c.Dir = Root()
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building aimux: %w\n%s", err, out)
	}
	return path, nil
}

// RemoveBuilt removes the binary that Binary built, if it built one.
func RemoveBuilt() {
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
		built.dir = ""
	}
}
