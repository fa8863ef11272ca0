//go:build unix

package usage

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOpenReader_NeedsNoRightToWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can play somebody with fewer rights")
	}
	path := written(t, 30)
	for _, step := range []struct {
		name string
		mode os.FileMode
	}{{path, 0o444}, {filepath.Dir(path), 0o555}, {filepath.Dir(filepath.Dir(path)), 0o755}} {
		if err := os.Chmod(step.name, step.mode); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(filepath.Dir(filepath.Dir(path)), "exe")
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, data, 0o755); err != nil { // where nobody may run it
		t.Fatal(err)
	}
	c := otherProcess(t, "read", path)
	c.Path, c.Dir = exe, "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if got := output(t, c); got != "30 <nil>" {
		t.Errorf("a reader without the right to write got %q", got)
	}
}
