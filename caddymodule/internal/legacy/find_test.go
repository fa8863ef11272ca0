package legacy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	fakeZAI       = "0123456789abcdef0123456789abcdef.FakeZaiKey000001"
	fakeSynthetic = "syn_fake00000000000000000000000001"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// entriesOf returns the lines of a report that are about a file.
func entriesOf(r *Report, file string) string {
	var b strings.Builder
	for _, e := range r.Entries {
		if e.File == file {
			b.WriteString(e.String() + "\n")
		}
	}
	return b.String()
}

func TestImport_WhatIsNoSmallRegularFileIsReportedAndNotRead(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.json")
	write(t, outside, `{"apiKey":"`+fakeSynthetic+`"}`)
	dir := t.TempDir()
	huge := filepath.Join(dir, "config.json")
	write(t, huge, `{"apiKey":"`+fakeSynthetic+`","pad":"`+strings.Repeat("x", 20<<20)+`"}`)
	for link, to := range map[string]string{"out.json": outside, "loop.json": "loop.json", "a.json": "b.json", "b.json": "a.json", "gone.json": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "unreadable", "x.json"), "{}")
	got, err := Import([]string{dir}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Keys) != 0 || got.Document != nil {
		t.Errorf("read %v", got.Keys)
	}
	for name, want := range map[string]string{
		"config.json": "21.0 MB, and no configuration is larger than 1 MB", "out.json": "a link", "loop.json": "a link",
		"a.json": "a link", "gone.json": "a link", "pipe.json": "not a regular file",
	} {
		if text := entriesOf(got.Report, filepath.Join(dir, name)); !strings.Contains(text, "refused: "+want) {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
}

func TestImport_APathThatIsNotThereIsAnError(t *testing.T) {
	if _, err := Import([]string{filepath.Join(t.TempDir(), "none")}, testOptions()); err == nil {
		t.Error("no error")
	}
}

func TestImport_LooksAtNoMoreThanTenThousandFiles(t *testing.T) {
	v := &counter{}
	s := &search{visit: v, want: func(string) bool { return true }, files: maxFiles - 3}
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		write(t, filepath.Join(dir, name), "x")
	}
	if err := s.walk(dir); err != nil {
		t.Fatal(err)
	}
	// The directory counts as well.
	if v.files != 2 || len(v.refused) != 1 || !strings.Contains(v.refused[0], "10000") {
		t.Errorf("read %d, refused %q", v.files, v.refused)
	}
}

type counter struct {
	files   int
	refused []string
}

func (c *counter) file(found)              { c.files++ }
func (c *counter) refuse(path, why string) { c.refused = append(c.refused, why) }

func TestImport_AFileFoundTwiceIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	write(t, path, `{"apiKey":"`+fakeSynthetic+`"}`)
	got, err := Import([]string{dir, path}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Report.Files) != 1 || len(got.Keys) != 1 || len(got.Keys[0].From) != 1 {
		t.Errorf("files %v, keys %v", got.Report.Files, got.Keys)
	}
}

func TestImport_IDsTheVaultAlreadyHasAreNotGivenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, `{"apiKey":"`+fakeSynthetic+`"}`)
	o := testOptions()
	o.Taken = func(id string) bool { return id == "synthetic-main" }
	got, err := Import([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Keys[0].ID != "synthetic-main-2" || !bytes.Contains(got.Document, []byte("vault:synthetic-main-2")) {
		t.Errorf("id %q in\n%s", got.Keys[0].ID, got.Document)
	}
}

func TestWrite_ReplacesNothingUnlessAsked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aimux.toon")
	r := &Result{Document: []byte("version: 1\n")}
	if err := r.Write(path, false); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(path, false); err == nil {
		t.Error("the file was replaced")
	}
	if err := r.Write(path, true); err != nil {
		t.Error(err)
	}
	if err := (&Result{}).Write(path, true); err == nil {
		t.Error("an empty result was written")
	}
}

func TestDefaultPaths_AreTheOnesOfTheOldVersions(t *testing.T) {
	got := DefaultPaths("/home/u", "/src")
	want := []string{
		"/home/u/.config/aimux", "/home/u/.config/synclaude", "/src/config.json", "/src/production-config.json",
		"/src/config/default.json", "/src/test-config", "/src/.env", "/src/production.env",
		"/etc/aimux", "/opt/aimux2", "/usr/local/etc/aimux",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	here := t.TempDir()
	if diff := cmp.Diff([]string{here}, Present([]string{"/nowhere/at/all", here})); diff != "" {
		t.Error(diff)
	}
}
