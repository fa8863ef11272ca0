package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// busy profiles some calls, generic and recursive ones among them.
func busy(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		t.Skip(err) // somebody else profiles the tests
	}
	var b bytes.Buffer
	var sum int
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; {
		b.Reset()
		b.WriteString(strings.Repeat("x", 1000))
		sum += count(12) + int(add(b.Bytes()))
	}
	pprof.StopCPUProfile()
	t.Log(sum)
}

//go:noinline
func count(n int) int {
	if n == 0 {
		return 1
	}
	return count(n-1) + count(n-1)
}

//go:noinline
func add[T byte | int](all []T) (sum T) {
	for _, v := range all {
		sum += v
	}
	return sum
}

// compiled is a profile as the compiler reads it.
func compiled(t *testing.T, file string) string {
	t.Helper()
	out := file + ".txt"
	if said, err := exec.CommandContext(t.Context(), "go", "tool", "preprofile", "-i", file, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRun_TheCompilerReadsTheSameOutOfIt(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "cpu.pprof"), filepath.Join(dir, "small.pgo")
	busy(t, from)
	if err := run(to, 1, []string{from}); err != nil {
		t.Fatal(err)
	}
	if want, got := compiled(t, from), compiled(t, to); want != got || strings.Count(want, "\n") < 4 {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}

func TestRun_GivesTheSameBytesAndNamesNothingOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.pprof"), filepath.Join(dir, "b.pprof")
	busy(t, a)
	busy(t, b)
	var files [2][]byte
	for i, inputs := range [][]string{{a, b}, {b, a}} {
		to := filepath.Join(dir, "small.pgo")
		if err := run(to, 0.99, inputs); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the order of the profiles changes the bytes")
	}
	p, err := profile.ParseData(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if text := p.String(); strings.Contains(text, dir) || strings.Contains(text, "pgo_test.go") || len(p.Mapping) > 0 || p.TimeNanos != 0 {
		t.Errorf("it says\n%s", text)
	}
}

func TestHeaviest_KeepsWhatMakesUpTheShare(t *testing.T) {
	c := calls{{"a", 1, "b"}: 90, {"a", 2, "b"}: 9, {"z", 1, "b"}: 1}
	if kept := c.heaviest(0.99); len(kept) != 2 || kept[0].weight != 90 {
		t.Errorf("%v", kept)
	}
	if kept := c.heaviest(1); len(kept) != 3 {
		t.Errorf("%v", kept)
	}
}

func TestRun_RefusesWhatIsNoProfile(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "heap.pprof")
	var b bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&b, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no profile"), 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "out.pgo")
	for name, files := range map[string][]string{"no files": nil, "a heap profile": {other}, "text": {text}, "nothing there": {filepath.Join(dir, "nosuch")}} {
		if err := run(to, 1, files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("it wrote something all the same")
	}
}
