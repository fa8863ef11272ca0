package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	public = []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}
)

func options(t testing.TB) Options {
	return Options{Dir: filepath.Join(t.TempDir(), "audit"), Key: key, BootID: "boot", LockWait: time.Second, Now: func() time.Time { return epoch }}
}

func mustOpen(t testing.TB, opts Options) *Log {
	t.Helper()
	l, err := Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t testing.TB, l *Log, n int) {
	t.Helper()
	for range n {
		e := Event{Actor: "admin", IP: "127.0.0.1", Action: "keys.rotate", Target: fmt.Sprintf("key-%d", l.Head().Seq),
			Before: map[string]string{"secret": "hmac:1122334455667788"}, After: map[string]string{"secret": "hmac:8877665544332211"}}
		if _, err := l.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, dir string, seen Head) *Report {
	t.Helper()
	r, err := Verify(context.Background(), dir, VerifyOptions{Keys: public, Seen: seen})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustHold(t testing.TB, dir string, records int) *Report {
	t.Helper()
	r := verify(t, dir, Head{})
	if !r.OK() || r.Records != records {
		t.Fatalf("%d records, want %d; problems %v", r.Records, records, r.Problems)
	}
	return r
}

func TestAppend_RecordsWhatWasDone(t *testing.T) {
	l := mustOpen(t, options(t))
	got, err := l.Append(t.Context(), Event{Actor: "ann", IP: "10.0.0.1", Action: "keys.add", Target: "zai-main", After: map[string]string{"secret": "hmac:00"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Record{Seq: 2, Time: "2026-11-22T12:00:00.000000Z", Boot: "boot", Actor: "ann", IP: "10.0.0.1", Action: "keys.add", Target: "zai-main",
		After: map[string]string{"secret": "hmac:00"}, Outcome: "ok"}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Record{}, "Prev", "Hash")); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
	page, err := Show(t.Context(), l.opts.Dir, Filter{})
	if err != nil || len(page.Records) != 2 || page.Records[0].Hash != got.Hash || page.Records[1].Action != ActionBegin {
		t.Errorf("page %+v, %v", page, err)
	}
	if h := l.Head(); h.Seq != 2 || h.Hash != got.Hash || h.Log != page.Records[1].Target {
		t.Errorf("head %+v", h)
	}
}

func TestLog_GoesOnAfterARestart(t *testing.T) {
	opts := options(t)
	for range 3 {
		l := mustOpen(t, opts)
		mustAppend(t, l, 2)
		mustClose(t, l)
	}
	r := mustHold(t, opts.Dir, 10) // begin, and three times two records and a checkpoint
	if r.Checkpoints != 3 || r.Signed != 3 || r.Attested != 9 {
		t.Errorf("report %+v", r)
	}
}

func TestLog_FilesAreForTheirOwnerAlone(t *testing.T) {
	l := mustOpen(t, options(t))
	for path, want := range map[string]os.FileMode{l.opts.Dir: os.ModeDir | 0o700, l.path: 0o600, lockPath(l.opts.Dir): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestLog_SegmentsFollowEachOther(t *testing.T) {
	opts := options(t)
	opts.SegmentSize = 2000
	l := mustOpen(t, opts)
	mustAppend(t, l, 30)
	mustClose(t, l)
	r := verify(t, opts.Dir, l.Head())
	if !r.OK() || r.Segments < 5 || r.Checkpoints < r.Segments-1 {
		t.Errorf("report %+v", r)
	}
	l = mustOpen(t, opts)
	mustAppend(t, l, 1)
	mustHold(t, opts.Dir, r.Records+1)
}

func TestLog_CheckpointAfterSoManyRecords(t *testing.T) {
	var heads []Head
	opts := options(t)
	opts.Every = 5
	opts.OnHead = func(h Head) { heads = append(heads, h) }
	l := mustOpen(t, opts)
	mustAppend(t, l, 14)
	r := mustHold(t, opts.Dir, 18)
	if len(heads) != 3 || r.Attested != heads[2].Seq || r.Log != heads[0].Log {
		t.Errorf("heads %v, report %+v", heads, r)
	}
	for _, h := range heads {
		if r := verify(t, opts.Dir, h); !r.OK() {
			t.Errorf("head %v: %v", h, r.Problems)
		}
	}
}

func TestLog_CheckpointAfterSoLong(t *testing.T) {
	opts := options(t)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // the timer has a goroutine of its own
		var all []Head
		heads := func() []Head {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(all)
		}
		opts.Now = time.Now
		opts.OnHead = func(h Head) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, h)
		}
		l, err := Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		mustAppend(t, l, 1)
		if h := heads(); len(h) != 0 {
			t.Fatalf("heads %v before the minute is over", h)
		}
		time.Sleep(2 * time.Second)
		if h := heads(); len(h) != 1 || h[0].Seq != 2 {
			t.Fatalf("heads %v after a minute", h)
		}
		time.Sleep(time.Hour)
		if h := heads(); len(h) != 1 {
			t.Errorf("%d heads of a log in which nothing happened", len(h))
		}
		mustClose(t, l)
	})
	mustHold(t, opts.Dir, 3)
}

func TestLog_CheckpointIsTriedAgainWhileTheDiskIsFull(t *testing.T) {
	opts := options(t)
	disk := &fullDisk{fills: new(atomic.Bool)}
	opts.open = disk.open
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		disk.fills.Store(true)
		time.Sleep(5 * time.Minute)
		disk.fills.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if r := mustHold(t, opts.Dir, 2); r.Signed != 1 {
			t.Errorf("report %+v", r)
		}
		mustClose(t, l)
	})
}

func TestLog_SeveralWritersShareIt(t *testing.T) {
	opts := options(t)
	opts.SegmentSize = 3000
	opts.LockWait = 10 * time.Second
	a, b := mustOpen(t, opts), mustOpen(t, opts)
	var group sync.WaitGroup
	for _, l := range []*Log{a, b, a} {
		group.Go(func() { mustAppend(t, l, 10) })
	}
	group.Wait()
	mustClose(t, a)
	mustClose(t, b)
	r := verify(t, opts.Dir, Head{})
	if !r.OK() || r.Records-r.Checkpoints != 31 {
		t.Errorf("report %+v", r)
	}
}

func TestAppend_FailsWhileAnotherHoldsTheLock(t *testing.T) {
	opts := options(t)
	opts.LockWait = time.Millisecond
	l := mustOpen(t, opts)
	lock, err := filelock.Acquire(t.Context(), lockPath(opts.Dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Event{Action: "a"}); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("error %v", err)
	}
	lock.Release()
	mustAppend(t, l, 1)
	mustHold(t, opts.Dir, 2)
}

func TestAppend_AfterClose(t *testing.T) {
	l := mustOpen(t, options(t))
	mustClose(t, l)
	mustClose(t, l)
	if _, err := l.Append(t.Context(), Event{Action: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestAppend_RefusesWhatIsTheLogsOwn(t *testing.T) {
	l := mustOpen(t, options(t))
	for _, action := range []string{"", ActionCheckpoint, ActionBegin, "audit.x"} {
		if _, err := l.Append(t.Context(), Event{Action: action}); err == nil {
			t.Errorf("action %q was recorded", action)
		}
	}
	mustHold(t, l.opts.Dir, 1)
}

func TestAppend_WhatUsersSentIsEscapedAndCut(t *testing.T) {
	l := mustOpen(t, options(t))
	fields := map[string]string{}
	for i := range 100 {
		fields[fmt.Sprint("\x1b[31m", i)] = strings.Repeat("<&\x00\"\\", 1000)
	}
	got, err := l.Append(t.Context(), Event{
		Actor: "eve\x1b[2J\r\nroot", IP: "1.2.3.4\x07", Action: "login\u202e", Target: strings.Repeat("ü", 1000), Before: fields, After: fields, Outcome: "bad\xffutf8\u2028",
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `eve\x1b[2J\r\nroot`; got.Actor != want {
		t.Errorf("actor %q, want %q", got.Actor, want)
	}
	if got.IP != `1.2.3.4\a` || got.Action != `login\u202e` || got.Outcome != `bad\xffutf8\u2028` {
		t.Errorf("record %q %q %q", got.IP, got.Action, got.Outcome)
	}
	if len(got.Target) > maxTarget+len("…") || !strings.HasSuffix(got.Target, "ü…") || len(got.Before) > maxFields+1 {
		t.Errorf("target of %d bytes, %d fields", len(got.Target), len(got.Before))
	}
	data, _ := os.ReadFile(l.path)
	if bytes.ContainsAny(data, "\x1b\x00\x07\r\u202e\u2028") || bytes.Count(data, []byte("\n")) != 2 {
		t.Error("the file holds characters that do something to a terminal")
	}
	mustHold(t, l.opts.Dir, 2)
}

// fullDisk opens files that stop taking bytes.
type fullDisk struct {
	full, noSync, noRepair bool
	fills                  *atomic.Bool // full, while a timer writes
}

type fullFile struct {
	*os.File
	disk *fullDisk
}

var errFull = errors.New("no space left on device")

func (d *fullDisk) open(path string, flag int) (file, error) {
	f, err := openNoFollow(path, flag)
	return &fullFile{f, d}, err
}

func (f *fullFile) Write(p []byte) (int, error) {
	if !f.disk.full && (f.disk.fills == nil || !f.disk.fills.Load()) {
		return f.File.Write(p)
	}
	n, _ := f.File.Write(p[:len(p)/2])
	return n, errFull
}

func (f *fullFile) Sync() error {
	if f.disk.noSync {
		return errors.New("input/output error")
	}
	return f.File.Sync()
}

func (f *fullFile) Truncate(n int64) error {
	if f.disk.noRepair {
		return errors.New("input/output error")
	}
	return f.File.Truncate(n)
}

func TestAppend_AFullDiskIsAnErrorAndTheLogStaysWhole(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   fullDisk
		records int // once it works again: begin, two records, and what mending took
	}{
		"full":                          {fullDisk{full: true}, 3},
		"cannot sync":                   {fullDisk{noSync: true}, 3},
		"full, and cannot be cut back":  {fullDisk{full: true, noRepair: true}, 4}, // a recovered record
		"full, cannot sync nor be mend": {fullDisk{full: true, noSync: true, noRepair: true}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t)
			disk := &fullDisk{}
			opts.open = disk.open
			l := mustOpen(t, opts)
			mustAppend(t, l, 1)
			*disk = test.spoil
			for range 3 {
				if _, err := l.Append(t.Context(), Event{Action: "not.recorded"}); err == nil {
					t.Fatal("no error")
				}
			}
			*disk = fullDisk{}
			mustAppend(t, l, 1)
			mustHold(t, opts.Dir, test.records)
			page, _ := Show(t.Context(), opts.Dir, Filter{Action: "not.recorded"})
			if len(page.Records) != 0 {
				t.Errorf("records of what failed: %v", page.Records)
			}
		})
	}
}

func TestOpen_WithoutSpaceIsAnError(t *testing.T) {
	opts := options(t)
	disk := &fullDisk{full: true}
	opts.open = disk.open
	if _, err := Open(t.Context(), opts); !errors.Is(err, errFull) {
		t.Fatalf("error %v", err)
	}
	disk.full = false
	mustOpen(t, opts)
	mustHold(t, opts.Dir, 1)
}

func TestLog_TheDirectoryVanishesWhileItIsOpen(t *testing.T) {
	l := mustOpen(t, options(t))
	mustAppend(t, l, 1)
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Event{Action: "a"}); !errors.Is(err, ErrRolledBack) {
		t.Errorf("error %v", err)
	}
}

func TestOpen_RefusesAKeyThatIsNone(t *testing.T) {
	for _, bad := range []ed25519.PrivateKey{{}, make([]byte, 32), make([]byte, 65)} {
		opts := options(t)
		opts.Key = bad
		if _, err := Open(t.Context(), opts); err == nil {
			t.Errorf("a key of %d bytes was accepted", len(bad))
		}
	}
}
