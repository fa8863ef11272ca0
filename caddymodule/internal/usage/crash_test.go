package usage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary plays other processes: see child.
const (
	childRole = "AIMUX_USAGE_TEST_ROLE"
	childPath = "AIMUX_USAGE_TEST_PATH"
)

// child plays the part the environment asks for. It reports whether it did.
func child() bool {
	path := os.Getenv(childPath)
	switch os.Getenv(childRole) {
	case "writer":
		writeUntilKilled(path)
	case "open":
		l, err := Open(quiet(path))
		fmt.Println(errors.Is(err, ErrLocked), err)
		if err == nil {
			_ = l.Close(context.Background())
		}
	case "read":
		r, err := OpenReader(path)
		if err == nil {
			var t Totals
			t, err = r.Totals(context.Background(), Query{})
			fmt.Println(t.Total.Requests, err)
			_ = r.Close()
			break
		}
		fmt.Println(err)
	default:
		return false
	}
	return true
}

// writeUntilKilled records without end, and says how many rows Flush promised.
func writeUntilKilled(path string) {
	o := quiet(path)
	o.Now = time.Now
	l, err := Open(o)
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := 0; ; n++ {
		l.Record(sample(n, time.Now()))
		if n%100 == 99 {
			if err := l.Flush(context.Background()); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(n + 1)
		}
	}
}

// other is a process of the test binary that plays a role.
func otherProcess(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	c.Stderr = os.Stderr
	return c
}

func output(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// killed runs a writer and kills it once it promised some rows, which it
// returns.
func killed(t *testing.T, path string) (promised int64) {
	t.Helper()
	c := otherProcess(t, "writer", path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &promised); err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
		if promised >= 2000/slow {
			break
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		_, _ = fmt.Sscan(lines.Text(), &promised) // what it had said when it died
	}
	_ = c.Wait()
	return promised
}

func TestLedger_KilledProcessLosesAtMostOneFlushAndTheNextOneSaysSo(t *testing.T) {
	path := tempPath(t)
	promised := killed(t, path)
	var read int64
	got := output(t, otherProcess(t, "read", path))
	if _, err := fmt.Sscan(got, &read); err != nil || read < promised || !strings.HasSuffix(got, "<nil>") {
		t.Errorf("a reader of the killed process's file said %q", got)
	}
	o := quiet(path)
	var said troubles
	o.OnTrouble = said.add
	l := open(t, o)
	h := l.Health()
	if !h.Found.Unclean || h.Found.Aside != "" || h.Found.Flushed.IsZero() {
		t.Errorf("found %+v, want an unclean end and no damage", h.Found)
	}
	if len(said.all()) != 1 || !strings.Contains(said.all()[0], "did not close") {
		t.Errorf("said %q", said.all())
	}
	if h.Rows < promised {
		t.Errorf("%d rows, of %d that were flushed", h.Rows, promised)
	}
	r := readerOf(t, l)
	var all []Exchange
	for i := range h.Rows {
		x, err := r.Exchange(t.Context(), sample(int(i), noon).ID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	for _, by := range []By{ByProvider, ByHour} {
		compare(t, all, Query{By: by}, totals(t, r, Query{By: by}))
	}
	notes, err := r.Notes(t.Context(), time.Time{}, 10)
	if err != nil || len(notes) != 1 || notes[0].Kind != NoteUnclean {
		t.Errorf("notes %v (%v), want one of an unclean end", notes, err)
	}
}

func TestLedger_SecondProcessIsRefusedWhileAnyMayRead(t *testing.T) {
	path := tempPath(t)
	l := open(t, quiet(path))
	record(t, l, samples(30, noon, time.Second)...)
	if got := output(t, otherProcess(t, "open", path)); !strings.HasPrefix(got, "true ") || !strings.Contains(got, "another aimux process") {
		t.Errorf("the second process got %q", got)
	}
	if got := output(t, otherProcess(t, "read", path)); got != "30 <nil>" {
		t.Errorf("a reader in another process got %q", got)
	}
	if _, err := Open(quiet(path)); !errors.Is(err, ErrLocked) {
		t.Errorf("a second ledger of this process: %v", err)
	}
}

func TestStart_TakesOverWhenTheOtherProcessEnds(t *testing.T) {
	path := tempPath(t)
	first, err := Open(quiet(path))
	if err != nil {
		t.Fatal(err)
	}
	second, err := Start(quiet(path))
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, second)
	second.Record(sample(1, noon))
	if err := second.Flush(t.Context()); !errors.Is(err, ErrLocked) {
		t.Fatalf("Flush: %v, want ErrLocked", err)
	}
	if h := second.Health(); !h.Failing || h.Open || h.Pending != 1 {
		t.Errorf("%+v, want it to fail with one row pending", h)
	}
	closing(t, first)
	flush(t, second)
	if h := second.Health(); h.Failing || h.Written != 1 {
		t.Errorf("%+v, want the row written", h)
	}
}
