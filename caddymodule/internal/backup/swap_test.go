package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// house is a set of files with an archive of another one: config changes, vault is
// the same, clients is new, and wal is not in the archive.
type house struct {
	dir     string
	staged  *Staged
	targets []Target
}

var (
	oldSet = map[string]string{"etc/aimux.toon": "version: 1\nold: true\n", "data/vault.json": "vault", "data/ledger.db-wal": "wal"}
	newSet = map[string]string{"etc/aimux.toon": "version: 1\nnew: true\n", "data/vault.json": "vault", "data/clients.json": "clients"}
)

func (h house) path(name string) string { return filepath.Join(h.dir, filepath.FromSlash(name)) }

func (h house) state() string { return filepath.Join(h.dir, "state") }

func newHouse(t testing.TB, dir string) house {
	t.Helper()
	h := house{dir: dir}
	for name, text := range oldSet {
		writeFile(t, h.path(name), text)
	}
	if err := os.MkdirAll(h.state(), 0o755); err != nil {
		t.Fatal(err)
	}
	id := identity(t)
	var items []Item
	for name, text := range newSet {
		items = append(items, content(filepath.Base(name), text))
	}
	staged, err := Stage(t.Context(), bytes.NewReader(archive(t, id.Recipient(), items...)), h.state(), nil, nil, id)
	if err != nil {
		t.Fatal(err)
	}
	h.staged = staged
	h.targets = []Target{
		{Name: "aimux.toon", Path: h.path("etc/aimux.toon"), Text: true}, {Name: "vault.json", Path: h.path("data/vault.json")},
		{Name: "clients.json", Path: h.path("data/clients.json")}, {Name: "ledger.db-wal", Path: h.path("data/ledger.db-wal")},
	}
	return h
}

// set returns the files of the set that are there, without what lies beside them.
func (h house) set(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, text := range tree(t, h.dir) {
		if !strings.HasPrefix(filepath.Base(name), ".") && !strings.HasPrefix(name, "state") {
			out[name] = text
		}
	}
	return out
}

// remains returns what lies beside the set: copies and the journal.
func (h house) remains(t testing.TB) (out []string) {
	t.Helper()
	for name := range tree(t, h.dir) {
		beside := strings.HasPrefix(filepath.Base(name), ".") && !strings.HasPrefix(name, "state")
		if beside || strings.Contains(name, journalName) {
			out = append(out, name)
		}
	}
	return out
}

func TestSwap_PutsTheNewSetInPlaceAndUndoTheOldOne(t *testing.T) {
	h := newHouse(t, t.TempDir())
	if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newSet, h.set(t)); diff != "" {
		t.Error(diff)
	}
	if when, err := Undoable(h.state()); err != nil || !when.Equal(testDay) {
		t.Errorf("undoable %v, %v", when, err)
	}
	if did, err := Recover(t.Context(), h.state(), testDay); did != "" || err != nil {
		t.Errorf("recovering a whole set did %q, %v", did, err)
	}
	if err := Undo(t.Context(), h.state()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(oldSet, h.set(t)); diff != "" {
		t.Error(diff)
	}
	if left := h.remains(t); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if err := Undo(t.Context(), h.state()); err == nil {
		t.Error("undone twice")
	}
}

func TestSwap_ForgetKeepsTheNewSetAlone(t *testing.T) {
	h := newHouse(t, t.TempDir())
	for range 2 { // the second swap forgets the first
		if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err != nil {
			t.Fatal(err)
		}
	}
	if err := Forget(t.Context(), h.state()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newSet, h.set(t)); diff != "" {
		t.Error(diff)
	}
	if left := h.remains(t); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	if err := Undo(t.Context(), h.state()); err == nil {
		t.Error("undone what was forgotten")
	}
}

func TestSwap_AnErrorOnTheWayLeavesTheOldSet(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, h *house){
		"a file of the archive belongs nowhere": func(_ *testing.T, h *house) { h.targets = h.targets[1:] },
		"two files belong at one path":          func(_ *testing.T, h *house) { h.targets[1].Path = h.targets[0].Path },
		"a directory is in the way": func(t *testing.T, h *house) {
			if err := os.Mkdir(h.path("data/clients.json"), 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"a file is where a directory belongs": func(_ *testing.T, h *house) { h.targets[2].Path = h.path("data/vault.json/clients.json") },
		"a staged file is gone": func(t *testing.T, h *house) {
			if err := os.Remove(filepath.Join(h.staged.Dir, "clients.json")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			spoil(t, &h)
			if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(oldSet, h.set(t)); diff != "" {
				t.Error(diff)
			}
			if left := h.remains(t); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestSwap_TurnsBackFromWhereAnOldFileHasTwoNames(t *testing.T) {
	dir := t.TempDir()
	st := step{Path: filepath.Join(dir, "a"), Put: true, Had: true}
	writeFile(t, st.Path, "old")
	writeFile(t, st.fresh(), "new")
	if err := keep(st); err != nil {
		t.Fatal(err)
	}
	w := &swapper{dir, func(string) {}}
	if err := w.turnBack(&journal{Steps: []step{st}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "old"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestSwap_FollowsALinkAtATarget(t *testing.T) {
	h := newHouse(t, t.TempDir())
	real := h.path("dotfiles/aimux.toon")
	writeFile(t, real, "linked")
	if err := os.Remove(h.path("etc/aimux.toon")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, h.path("etc/aimux.toon")); err != nil {
		t.Fatal(err)
	}
	if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(real); err != nil || string(data) != newSet["etc/aimux.toon"] {
		t.Errorf("%q, %v", data, err)
	}
}

func TestSwap_ASecondOneAtTheSameTimeWaitsAndFails(t *testing.T) {
	h := newHouse(t, t.TempDir())
	err := locked(t.Context(), h.state(), func() error { return Forget(t.Context(), h.state()) })
	if err == nil || !strings.Contains(err.Error(), "locked") {
		t.Error(err)
	}
}

func TestRecover_RemovesWhatWasUnpackedAndForgotten(t *testing.T) {
	h := newHouse(t, t.TempDir())
	if _, err := Recover(t.Context(), h.state(), time.Now()); err != nil || !exists(h.staged.Dir) {
		t.Errorf("a fresh one is gone, or %v", err)
	}
	if _, err := Recover(t.Context(), h.state(), time.Now().Add(2*time.Hour)); err != nil || exists(h.staged.Dir) {
		t.Errorf("an old one is still there, or %v", err)
	}
}

func TestRecover_AJournalItDoesNotUnderstandIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "{", `{"version":2,"state":"swapping"}`} {
		writeFile(t, filepath.Join(dir, journalName), text)
		if _, err := Recover(t.Context(), dir, testDay); err == nil {
			t.Errorf("%q: no error", text)
		}
		if !exists(filepath.Join(dir, journalName)) {
			t.Errorf("%q: removed", text)
		}
	}
}

func TestCompare_SaysWhatWouldChangeAndShowsNoSecret(t *testing.T) {
	h := newHouse(t, t.TempDir())
	writeFile(t, h.path("etc/aimux.toon"), "version: 1\nkey: sk-ant-api03-FAKEFAKEFAKE\nsame\nurl: a1b2c3d4e5f6a7b8c9d0e1f2fake\n")
	got, err := h.staged.Compare(h.targets)
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, c := range got {
		text = append(text, strings.ReplaceAll(c.String(), h.dir, ""))
	}
	want := []string{
		"changed  /etc/aimux.toon (81 → 21 bytes)\n    - key: ****\n    - same\n    - url: ****\n    + new: true",
		"added    /data/clients.json (0 → 7 bytes)",
		"removed  /data/ledger.db-wal (3 → 0 bytes)",
		"same     /data/vault.json (5 → 5 bytes)",
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}

// TestDiffLines_AppliedToTheOldTextGivesTheNew takes the "-" lines out and counts
// what is left.
func TestDiffLines_AppliedToTheOldTextGivesTheNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		a, b := rapid.SliceOf(line).Draw(t, "a"), rapid.SliceOf(line).Draw(t, "b")
		count := map[string]int{}
		for _, l := range a {
			count[l]++
		}
		for _, l := range diffLines(a, b) {
			count[l[2:]] += map[byte]int{'-': -1, '+': 1}[l[0]]
		}
		for _, l := range b {
			count[l]--
		}
		for l, n := range count {
			if n != 0 {
				t.Fatalf("%q: %d", l, n)
			}
		}
		if len(a) == len(b) && strings.Join(a, "") == strings.Join(b, "") && len(diffLines(a, b)) != 0 {
			t.Fatal("equal texts differ")
		}
	})
}
