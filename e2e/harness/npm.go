package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// npmPatience bounds an installation, downloads included.
const npmPatience = 4 * time.Minute

// Npm installs packages ("name@version") into a folder of the user's cache,
// once for all runs, and returns the folder that holds node_modules. The error
// says why it cannot: specs skip with it.
func Npm(packages ...string) (string, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%s is not on this machine", program)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name := strings.NewReplacer("/", "_", "@", "-").Replace(strings.Join(packages, "+"))
	dir := filepath.Join(cache, "aimux-e2e", strings.TrimLeft(name, "-"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := install(dir, packages); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o644)
}

// lock keeps two processes from installing at once. The lock ends with its
// process.
func lock(dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// install runs npm with the user's own settings.
func install(dir string, packages []string) error {
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), npmPatience)
	defer cancel()
	args := append([]string{"install", "--no-package-lock", "--no-audit", "--no-fund", "--no-progress"}, packages...)
	c := exec.CommandContext(ctx, "npm", args...)
	c.Dir = dir
	c.WaitDelay = time.Second
	if out, err := c.CombinedOutput(); err != nil {
		return errors.New("npm cannot install " + strings.Join(packages, " ") + ": " + lastBytes(string(out), 600))
	}
	return nil
}

// Program is a command-line client.
type Program struct {
	Path string
	Args []string
	// Env is its whole environment but for PATH, HOME and what keeps it from
	// talking to anybody but loopback.
	Env []string
	// Dir is where it works; its home is beside it.
	Dir string
}

// Run runs the program and returns what it wrote on standard output and
// standard error.
func (p Program) Run() (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, p.Path, p.Args...)
	home := filepath.Join(p.Dir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", "", err
	}
	c.Dir = p.Dir
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		// A closed port for everybody but loopback.
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost",
	}, p.Env...)
	c.WaitDelay = time.Second
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	return out.String(), errs.String(), err
}
