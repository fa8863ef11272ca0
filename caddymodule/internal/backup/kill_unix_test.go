//go:build unix

package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// childVariable tells the test binary to be a process that dies: it holds an
// order.
const childVariable = "AIMUX_BACKUP_TEST_CHILD"

// order is what a child is to do.
type order struct {
	Do      string // swap, undo, forget, recover, full
	State   string
	Staged  *Staged
	Targets []Target
	DieAt   int   // the point, counted from 1, at which it kills itself
	Limit   int64 // of the size of files it writes, in bytes; 0: none
}

// child does what it was told and dies on the way.
func child() {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &o); err != nil {
		panic(err)
	}
	hits := 0
	w := &swapper{o.State, func(string) {
		if hits++; hits == o.DieAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	if o.Limit > 0 {
		limit := &syscall.Rlimit{Cur: uint64(o.Limit), Max: uint64(o.Limit)}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, limit); err != nil {
			panic(err)
		}
	}
	err := locked(context.Background(), o.State, func() error {
		switch o.Do {
		case "swap":
			return w.swap(o.Staged, o.Targets, testDay)
		case "undo":
			return w.undo()
		case "forget":
			return w.forget()
		}
		_, err := w.recover()
		return err
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	os.Exit(0)
}

// run starts a child; died says that it killed itself.
func run(t *testing.T, o order) (died bool, output string) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{childVariable + "=" + string(text)}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false, string(out)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true, ""
	}
	return false, "failed: " + string(out)
}

// TestKill_AnywhereLeavesTheOldSetOrTheNewOne lets a process die at each point of
// each operation, and the one that recovers die at each of its points, too.
func TestKill_AnywhereLeavesTheOldSetOrTheNewOne(t *testing.T) {
	for _, do := range []string{"swap", "undo", "forget"} {
		t.Run(do, func(t *testing.T) {
			points := 0
			for died := true; died; points++ {
				died = killAt(t, do, points+1)
			}
			if points < 5 {
				t.Errorf("only %d points", points)
			}
			t.Logf("%d points", points)
		})
	}
}

// killAt reports whether the process reached the point.
func killAt(t *testing.T, do string, point int) bool {
	dir := t.TempDir()
	h := newHouse(t, dir)
	o := order{Do: do, State: h.state(), Staged: h.staged, Targets: h.targets, DieAt: point}
	if do != "swap" {
		if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err != nil {
			t.Fatal(err)
		}
	}
	died, output := run(t, o)
	if strings.HasPrefix(output, "failed") {
		t.Fatalf("%s at %d: %s", do, point, output)
	}
	again := true
	for n := 1 + point%2; again && died; n += 2 {
		again, output = run(t, order{Do: "recover", State: h.state(), DieAt: n})
		if strings.HasPrefix(output, "failed") || n > 50 {
			t.Fatalf("recovering from %s at %d: %s", do, point, output)
		}
	}
	if _, err := Recover(t.Context(), h.state(), testDay); err != nil {
		t.Fatal(err)
	}
	if got := h.set(t); do == "swap" && died && cmp.Equal(got, newSet) != (point > 4) {
		t.Errorf("killed at %d, where the copies are made up to 4 and counted on from 5: new set %t", point, point <= 4)
	}
	h.check(t, fmt.Sprintf("%s, killed at %d", do, point))
	return died
}

// check fails unless one of the two sets is there, whole, and nothing else.
func (h house) check(t *testing.T, when string) {
	t.Helper()
	got := h.set(t)
	if !cmp.Equal(got, oldSet) && !cmp.Equal(got, newSet) {
		t.Errorf("%s: neither the old set nor the new one:\n%s", when, cmp.Diff(newSet, got))
	}
	undoable, err := Undoable(h.state())
	if err != nil {
		t.Fatal(err)
	}
	if left := h.remains(t); undoable.IsZero() && len(left) > 0 {
		t.Errorf("%s: left %v", when, left)
	}
	if cmp.Equal(got, oldSet) && !undoable.IsZero() {
		t.Errorf("%s: the old set is there and can be undone", when)
	}
	if undoable.IsZero() {
		return
	}
	if err := Undo(t.Context(), h.state()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(oldSet, h.set(t)); diff != "" {
		t.Errorf("%s: undone:\n%s", when, diff)
	}
}

// TestFullDisk_LeavesTheOldSet runs out of space at every size up to the largest
// file, in a process that may not write larger ones.
func TestFullDisk_LeavesTheOldSet(t *testing.T) {
	for _, limit := range []int64{1, 4, 6, 10, 20, 100, 300, 500, 700, 900, 1100} {
		t.Run(strconv.FormatInt(limit, 10), func(t *testing.T) {
			h := newHouse(t, t.TempDir())
			_, output := run(t, order{Do: "swap", State: h.state(), Staged: h.staged, Targets: h.targets, Limit: limit})
			if _, err := Recover(t.Context(), h.state(), testDay); err != nil {
				t.Fatal(err)
			}
			h.check(t, output)
			if !strings.HasPrefix(output, "failed") {
				t.Logf("there was room enough: %s", output)
			}
		})
	}
}

func TestSwap_FilesBelongToWhoeverOwnedTheOldOnes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	h := newHouse(t, t.TempDir())
	for path, uid := range map[string]int{h.path("etc/aimux.toon"): 4242, h.path("data"): 4243} {
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.staged.Swap(t.Context(), h.state(), h.targets, testDay); err != nil {
		t.Fatal(err)
	}
	for path, uid := range map[string]uint32{h.path("etc/aimux.toon"): 4242, h.path("data/clients.json"): 4243, h.path("data/vault.json"): 0} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != uid {
			t.Errorf("%s belongs to %d, want %d", path, got, uid)
		}
	}
}

// fullDisk fails as a disk does after so many bytes.
type fullDisk struct {
	bytes.Buffer
	room int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.Len()+len(p) > d.room {
		return 0, syscall.ENOSPC
	}
	return d.Buffer.Write(p)
}

func TestCreate_ReportsAFullDisk(t *testing.T) {
	id := identity(t)
	for _, room := range []int{0, 10, 200, 500} {
		if _, err := Create(t.Context(), &fullDisk{room: room}, []Item{content("a", strings.Repeat("x", 100_000))}, Info{}, id.Recipient()); err == nil {
			t.Errorf("%d bytes: no error", room)
		}
	}
}
