//go:build crashpoints

package audit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCrashVictim is the process that dies: it appends until it is killed, and
// prints each record that was acknowledged.
func TestCrashVictim(t *testing.T) {
	dir := os.Getenv("AIMUX_TEST_AUDIT")
	if dir == "" {
		t.Skip("it runs as a child of TestCrash_NothingAcknowledgedIsLost")
	}
	l, err := Open(context.Background(), Options{Dir: dir, Key: key, SegmentSize: 1500, Every: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		r, err := l.Append(context.Background(), Event{Action: "keys.add"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acknowledged %d %s\n", r.Seq, r.Hash)
	}
	l.Close()
}

// run starts the victim and returns the last record it acknowledged.
func run(t *testing.T, dir, at, trace string) (last Head) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrashVictim$")
	cmd.Env = append(os.Environ(), "AIMUX_TEST_AUDIT="+dir, "AIMUX_CRASH_AT="+at, "AIMUX_CRASH_TRACE="+trace)
	out, err := cmd.Output()
	if (err == nil) != (at == "") {
		t.Fatalf("the victim of %q: %v\n%s", at, err, out)
	}
	for line := range strings.Lines(string(out)) {
		_, _ = fmt.Sscanf(line, "acknowledged %d %s", &last.Seq, &last.Hash)
	}
	return last
}

func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	run(t, filepath.Join(t.TempDir(), "log"), "", trace)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	points := strings.Split(strings.TrimSpace(string(text)), "\n")
	hits := map[string]int{}
	for _, name := range points {
		hits[name]++
		dir := filepath.Join(t.TempDir(), "log")
		seen := run(t, dir, fmt.Sprintf("%s#%d", name, hits[name]), "")
		run(t, dir, "", "") // the next start goes on
		if r := verify(t, dir, seen); !r.OK() {
			t.Errorf("killed at %s, hit %d, acknowledged %v: %v", name, hits[name], seen, r.Problems)
		}
	}
	names := slices.Sorted(slices.Values(points))
	t.Logf("%d deaths at %d points: %q", len(points), len(slices.Compact(slices.Clone(names))), slices.Compact(names))
}
