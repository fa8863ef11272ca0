package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), text); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

var places = map[string]Place{
	"system": {OS: "linux", Binary: "/tmp/aimux", Home: "/home/admin", Config: "/home/admin/.config/aimux"},
	"user":   {OS: "linux", User: true, Binary: `/home/a b/50%/aimux`, Home: "/home/a b", Config: "/home/a b/.config/aimux", UID: 1000},
	"agent":  {OS: "darwin", User: true, Binary: "/usr/local/bin/aimux", Home: "/Users/a & b", Config: "/Users/a & b/.config/aimux", UID: 501},
}

func TestPlan_AsTheGoldenFilesSay(t *testing.T) {
	for name, place := range places {
		var b strings.Builder
		install, err := Install(place)
		if err != nil {
			t.Fatal(err)
		}
		uninstall, err := Uninstall(place)
		if err != nil {
			t.Fatal(err)
		}
		status, _ := Status(place)
		logs, _ := Logs(place, 50, true)
		fmt.Fprintln(&b, "# install")
		for _, s := range install {
			fmt.Fprintln(&b, s)
		}
		fmt.Fprintln(&b, "# uninstall")
		for _, s := range uninstall {
			fmt.Fprintln(&b, s)
		}
		fmt.Fprintf(&b, "# status\n%s\n# logs\n%s\n", strings.Join(status, " "), strings.Join(logs, " "))
		if place.User {
			fmt.Fprintf(&b, "# %s\n%s", filepath.Base(install[0].Write), install[0].Text)
		}
		golden(t, name, b.String())
	}
}

func TestPlan_RefusesOtherSystemsAndPathsThatBreakAUnit(t *testing.T) {
	if _, err := Install(Place{OS: "windows"}); !errors.Is(err, ErrSystem) {
		t.Errorf("%v", err)
	}
	for _, p := range []Place{{OS: "linux", Binary: "/a\n[Service]"}, {OS: "darwin", Binary: "aimux"}} {
		if _, err := Install(p); err == nil {
			t.Errorf("%v passes", p)
		}
	}
}

// commands records what is run and fails what it is told to.
type commands struct {
	ran  []string
	fail string
}

func (c *commands) run(_ context.Context, name string, args ...string) (string, error) {
	line := strings.Join(append([]string{name}, args...), " ")
	c.ran = append(c.ran, line)
	if c.fail != "" && strings.Contains(line, c.fail) {
		return "no bus\n", errors.New("exit status 1")
	}
	return "", nil
}

func TestDo_InstallsBelowARootTwiceAndUninstalls(t *testing.T) {
	root := t.TempDir()
	binary := filepath.Join(t.TempDir(), "aimux")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := Place{OS: "linux", Binary: binary, Root: root}
	var key string
	for range 2 {
		steps, err := Install(p)
		if err != nil {
			t.Fatal(err)
		}
		c := new(commands)
		var said strings.Builder
		if err := Do(t.Context(), steps, c.run, &said); err != nil || c.ran != nil {
			t.Fatalf("%v, %v", err, c.ran)
		}
		data, err := os.ReadFile(filepath.Join(root, "etc/aimux/vault.key"))
		if err != nil || len(data) != 44 || key != "" && string(data) != key || strings.Contains(said.String(), string(data)) {
			t.Errorf("the key: %v, %d bytes\n%s", err, len(data), &said)
		}
		key = string(data)
	}
	for path, mode := range map[string]os.FileMode{"usr/bin/aimux": 0o755, "etc/aimux/vault.key": 0o600, "usr/lib/systemd/system/aimux.service": 0o644} {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v", path, err)
		}
	}
	steps, err := Uninstall(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Do(t.Context(), steps, new(commands).run, new(strings.Builder)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/aimux")); err == nil {
		t.Error("the binary is still there")
	}
	if data, err := os.ReadFile(filepath.Join(root, "etc/aimux/vault.key")); err != nil || string(data) != key {
		t.Error("uninstalling took the key")
	}
}

func TestDo_EndsWithTheFirstFailureAndItsWords(t *testing.T) {
	steps := []Step{{Run: []string{"a"}, MayFail: true}, {Run: []string{"b"}}, {Run: []string{"c"}}}
	c := &commands{fail: "b"}
	err := Do(t.Context(), steps, c.run, new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "no bus") || cmp.Diff([]string{"a", "b"}, c.ran) != "" {
		t.Errorf("%v, %v", err, c.ran)
	}
	c = &commands{fail: "a"}
	if err := Do(t.Context(), steps, c.run, new(strings.Builder)); err != nil || len(c.ran) != 3 {
		t.Errorf("%v, %v", err, c.ran)
	}
}

func TestInstall_TheUserUnitIsInOrder(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not on this machine")
	}
	dir := filepath.Join(t.TempDir(), "with space 100%")
	p := Place{OS: "linux", User: true, Binary: filepath.Join(dir, "aimux"), Home: dir, Config: dir}
	steps, err := Install(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "aimux.service")
	if err := os.WriteFile(unit, []byte(steps[0].Text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "--user", "verify", "--man=no", unit).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "aimux") {
			t.Errorf("%v: %s", err, line)
		}
	}
}
