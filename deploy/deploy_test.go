package deploy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// run runs a program and returns everything it said.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not on this machine", name)
	}
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

// install runs install.sh into a directory of its own.
func install(t *testing.T, root string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "aimux")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "sh", "scripts/install.sh", "--binary", binary, "--root", root)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func TestSystemd_UnitsAreInOrder(t *testing.T) {
	root := t.TempDir()
	install(t, root)
	units := filepath.Join(root, "usr/lib/systemd/system")
	for _, target := range []string{"sysinit", "basic", "shutdown", "network-online", "sockets", "multi-user"} {
		if err := os.WriteFile(filepath.Join(units, target+".target"), []byte("[Unit]\nDescription="+target+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, "systemd-analyze", "verify", "--root="+root, "--man=no", filepath.Join(units, "aimux.service"), filepath.Join(units, "aimux.socket"))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "aimux") {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
}

func TestSystemd_ServiceIsHardened(t *testing.T) {
	root := t.TempDir()
	install(t, root)
	out, err := run(t, "systemd-analyze", "security", "--offline=true", "--root="+root, "--threshold=20", "aimux.service")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	score := regexp.MustCompile(`Overall exposure level for aimux\.service: ([0-9.]+)`).FindStringSubmatch(out)
	if score == nil {
		t.Fatalf("no score in\n%s", out)
	}
	if n, _ := strconv.ParseFloat(score[1], 64); n > 2 {
		t.Errorf("exposure %v, want 2.0 at most\n%s", n, out)
	}
	t.Log(score[0])
}

func TestInstall_KeepsWhatIsThereAndTheKeyIsPrivate(t *testing.T) {
	root := t.TempDir()
	first := install(t, root)
	key := filepath.Join(root, "etc/aimux/vault.key")
	before := read(t, key)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 || len(before) != 44 {
		t.Errorf("vault.key: %v, mode %v, %d bytes", err, info.Mode(), len(before))
	}
	if strings.Contains(first, before) {
		t.Error("the vault's key is shown")
	}
	caddyfile := filepath.Join(root, "etc/aimux/Caddyfile")
	if err := os.WriteFile(caddyfile, []byte("# mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	install(t, root)
	if read(t, key) != before || read(t, caddyfile) != "# mine\n" {
		t.Error("installing again changed the user's files")
	}
	if out, err := run(t, "sh", "scripts/uninstall.sh", "--root", root); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if read(t, key) != before {
		t.Error("uninstalling took the key")
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/aimux")); err == nil {
		t.Error("the binary is still there")
	}
}

func TestInstall_BadArgumentsAreNamed(t *testing.T) {
	for _, script := range []string{"scripts/install.sh", "scripts/uninstall.sh"} {
		if out, err := run(t, "sh", script, "--froot"); err == nil || !strings.Contains(out, "--froot") {
			t.Errorf("%s: %v %s", script, err, out)
		}
	}
	if out, err := run(t, "sh", "scripts/install.sh", "--binary", "/nowhere", "--root", t.TempDir()); err == nil || !strings.Contains(out, "make build-slim") {
		t.Errorf("%v %s", err, out)
	}
}

func TestLaunchd_ThePlistIsWellFormed(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(read(t, "launchd/io.aimux.plist")))
	var depth int
	var keys []string
	var key bool
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			key = token.Name.Local == "key"
		case xml.EndElement:
			depth--
			key = false
		case xml.CharData:
			if key {
				keys = append(keys, string(token))
			}
		}
	}
	for _, want := range []string{"Label", "ProgramArguments", "RunAtLoad", "KeepAlive", "ExitTimeOut"} {
		if !strings.Contains(strings.Join(keys, " "), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestManifests_AreYAMLAndKeepToTheRules(t *testing.T) {
	for _, path := range []string{"kubernetes/aimux.yaml", "container/compose.yaml"} {
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
		documents := 0
		for {
			var document map[string]any
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			documents++
		}
		if documents == 0 {
			t.Errorf("%s is empty", path)
		}
	}
	for path, rules := range map[string][]string{
		"kubernetes/aimux.yaml":  {"runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [ALL]", "/readyz", "terminationGracePeriodSeconds: 45", "automountServiceAccountToken: false"},
		"container/compose.yaml": {"read_only: true", "cap_drop: [ALL]", "no-new-privileges", "stop_grace_period: 40s"},
		"container/Dockerfile":   {"USER 10001:10001", "CGO_ENABLED=0", "FROM scratch AS scratch", "HEALTHCHECK", "STOPSIGNAL SIGTERM"},
	} {
		for _, rule := range rules {
			if !strings.Contains(read(t, path), rule) {
				t.Errorf("%s: %q is missing", path, rule)
			}
		}
	}
}
