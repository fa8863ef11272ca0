//go:build crashpoints

package crash

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPoint_DiesAtTheNamedHitOnly(t *testing.T) {
	for at, want := range map[string]int{"": 0, "b": 2, "b#1": 2, "b#2": 4, "b#3": 0, "c": 0} {
		trace := filepath.Join(t.TempDir(), "trace")
		step, died := 0, 0
		point := newCounter(at, trace, func() { died = step })
		for _, name := range []string{"a", "b", "a", "b"} {
			step++
			point(name)
		}
		if died != want {
			t.Errorf("AIMUX_CRASH_AT=%q: died at step %d, want %d", at, died, want)
		}
		if text, err := os.ReadFile(trace); err != nil || string(text) != "a\nb\na\nb\n" {
			t.Errorf("trace %q, %v", text, err)
		}
	}
}
