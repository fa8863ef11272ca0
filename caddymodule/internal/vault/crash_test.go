//go:build crashpoints

package vault

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/secret"
)

// victimOptions is where the process that dies keeps its keys.
func victimOptions(dir string) Options {
	return Options{Path: filepath.Join(dir, "store", "keystore.json"), Key: KeySource{KeyFile: filepath.Join(dir, "keys", "kek"), Lookup: noEnv}}
}

// steps are the changes the victim makes, one after the other.
func steps(v *Vault) []func() error {
	ctx := context.Background()
	add := func(id string) func() error {
		return func() error { _, err := v.Add(ctx, id, zai, "", secret.New("secret-of-"+id)); return err }
	}
	return []func() error{
		add("a"),
		func() error { return v.RotateDEK(ctx) },
		func() error { return v.RotateKEK(ctx, v.opts.Key) },
		add("b"),
	}
}

// TestCrashVictim makes a keystore and changes it until it is killed. It
// prints what has been acknowledged.
func TestCrashVictim(t *testing.T) {
	dir := os.Getenv("AIMUX_TEST_VAULT")
	if dir == "" {
		t.Skip("it runs as a child of TestCrash_OldOrNewButWhole")
	}
	v, err := Init(context.Background(), victimOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("made")
	for i, step := range steps(v) {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		fmt.Println("done", i)
	}
}

func run(t *testing.T, dir, at, trace string) (acknowledged string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrashVictim$")
	cmd.Env = append(os.Environ(), "AIMUX_TEST_VAULT="+dir, "AIMUX_CRASH_AT="+at, "AIMUX_CRASH_TRACE="+trace)
	out, err := cmd.Output()
	if (err == nil) != (at == "") {
		t.Fatalf("the victim of %q: %v\n%s", at, err, out)
	}
	return string(out)
}

func TestCrash_OldOrNewButWhole(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	run(t, t.TempDir(), "", trace)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	points := strings.Split(strings.TrimSpace(string(text)), "\n")
	hits := map[string]int{}
	for _, name := range points {
		hits[name]++
		dir := t.TempDir()
		at := fmt.Sprintf("%s#%d", name, hits[name])
		survives(t, at, dir, run(t, dir, at, ""))
	}
	names := slices.Compact(slices.Sorted(slices.Values(points)))
	t.Logf("%d deaths at %d points: %q", len(points), len(names), names)
}

// survives opens what a death left, or makes it if it was not there yet, and
// changes it once more.
func survives(t *testing.T, at, dir, acknowledged string) {
	t.Helper()
	opts := victimOptions(dir)
	v, err := Open(t.Context(), opts)
	if err != nil && !strings.Contains(acknowledged, "made") {
		v, err = Init(t.Context(), opts)
	}
	if err != nil {
		t.Errorf("killed at %s, acknowledged %q: %v", at, acknowledged, err)
		return
	}
	for step, id := range map[string]string{"done 0": "a", "done 3": "b"} {
		got, err := v.Get(id, zai)
		if strings.Contains(acknowledged, step) && err != nil || err == nil && got.Reveal() != "secret-of-"+id {
			t.Errorf("killed at %s, acknowledged %q: %s is %q, %v", at, acknowledged, id, got.Reveal(), err)
		}
	}
	mustAdd(t, v, "c", zai, canary)
	if err := v.RotateKEK(t.Context(), opts.Key); err != nil {
		t.Errorf("killed at %s: changing the key afterwards: %v", at, err)
	}
	mustGet(t, mustOpen(t, opts), "c", zai, canary)
	for _, sub := range []string{"store", "keys"} {
		if left, _ := filepath.Glob(filepath.Join(dir, sub, ".*.tmp")); len(left) > 0 {
			t.Errorf("killed at %s: left behind %v", at, left)
		}
	}
}
