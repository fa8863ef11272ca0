package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// entries lists what is in a directory, with sizes.
func entries(t *testing.T, dir string) (out []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		if e.Name() != "lock" {
			out = append(out, e.Name()+"\n"+string(data))
		}
	}
	return out
}

func TestOpen_ALogWithoutTheRememberedHeadIsRefusedAndLeftAsItIsUntilThatIsAccepted(t *testing.T) {
	_, _, foreign := sample(t)
	for name, harm := range map[string]struct {
		do   func(text []byte, file string) error
		ends uint64
		says string
		more int // records there will be once the loss was accepted
	}{
		"cut":          {func(b []byte, f string) error { return os.WriteFile(f, slices.Concat(split(b)[:4]...), 0o600) }, 4, "records 5 to 7 are missing at its end", 6},
		"emptied":      {func(_ []byte, f string) error { return os.Truncate(f, 0) }, 0, "records 1 to 7 are missing", 3},
		"gone":         {func(_ []byte, f string) error { return os.Remove(f) }, 0, "records 1 to 7 are missing", 3},
		"another log":  {func(_ []byte, f string) error { return os.WriteFile(f, foreign, 0o600) }, 7, "was seen before", 9},
		"its own twin": {func(b []byte, f string) error { return os.WriteFile(f, twin(t, b), 0o600) }, 7, "record 7 is not the one", 9},
	} {
		t.Run(name, func(t *testing.T) {
			opts, head, text := sample(t)
			if err := harm.do(text, segmentPath(opts.Dir, 1)); err != nil {
				t.Fatal(err)
			}
			before := entries(t, opts.Dir)
			var told []Head
			opts.Seen, opts.OnHead = head, func(h Head) { told = append(told, h) }
			for range 2 {
				_, err := Open(t.Context(), opts)
				var lacks *RollbackError
				if !errors.As(err, &lacks) || !errors.Is(err, ErrRolledBack) || lacks.Ends != harm.ends || lacks.Seen != head || !strings.Contains(err.Error(), harm.says) {
					t.Fatalf("error %v, %+v", err, lacks)
				}
			}
			if after := entries(t, opts.Dir); !slices.Equal(before, after) || len(told) > 0 {
				t.Fatalf("refusing has written: %q, was %q; heads %v", after, before, told)
			}
			opts.AcceptRollback = true
			l := mustOpen(t, opts)
			if len(told) != 1 {
				t.Fatalf("heads %v, want the one to be remembered from now on", told)
			}
			mustHold(t, opts.Dir, harm.more)
			page, err := Show(t.Context(), opts.Dir, Filter{Action: ActionAccepted})
			if err != nil || len(page.Records) != 1 || page.Records[0].Target != head.Log || page.Records[0].After["hash"] != head.Hash {
				t.Fatalf("records %+v, %v", page.Records, err)
			}
			mustClose(t, l)
			opts.AcceptRollback, opts.Seen = false, told[0]
			mustClose(t, mustOpen(t, opts))
			if r := verify(t, opts.Dir, told[0]); !r.OK() {
				t.Errorf("problems %v", r.Problems)
			}
		})
	}
}

// twin is a log of the same id whose last event is another, by somebody who has
// no key to sign with.
func twin(t *testing.T, text []byte) []byte {
	return rechain(t, text, 6, func(r *Record) {
		if r.Seq == 6 {
			r.Target = "somebody else"
		} else {
			r.Checkpoint = &Checkpoint{Log: r.Checkpoint.Log, Seq: 6, Head: r.Prev, Count: r.Checkpoint.Count, Time: r.Checkpoint.Time}
		}
	})
}

func TestOpen_ARefusedLogIsNotSealedLater(t *testing.T) {
	opts, head, text := sample(t)
	put(t, opts, slices.Concat(split(text)[:4]...)) // its last record is no checkpoint
	opts.Seen = head
	opts.OnHead = func(h Head) { t.Errorf("the head of a refused log is to be remembered: %v", h) }
	synctest.Test(t, func(t *testing.T) {
		if _, err := Open(context.Background(), opts); !errors.Is(err, ErrRolledBack) {
			t.Fatalf("error %v", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
	})
	mustHold(t, opts.Dir, 4)
}

func TestOpen_ALogWhoseOlderFilesWerePutAwayStillHasItsHead(t *testing.T) {
	opts := options(t)
	opts.SegmentSize = 1000
	l := mustOpen(t, opts)
	mustAppend(t, l, 12)
	mustClose(t, l)
	list, _ := segments(opts.Dir)
	if len(list) < 3 || os.Remove(list[0].path) != nil {
		t.Fatalf("%d files", len(list))
	}
	opts.Seen = l.Head()
	mustAppend(t, mustOpen(t, opts), 1)
}

// At every moment what OnHead was told lies within the log: a process that ends
// right then leaves a memory that lags behind, and none that leads.
func TestOnHead_NeverLeadsTheLog(t *testing.T) {
	opts := options(t)
	opts.Every, opts.SegmentSize = 3, 2000
	told := 0
	opts.OnHead = func(h Head) {
		told++
		if r := verify(t, opts.Dir, h); !r.OK() {
			t.Errorf("head %v: %v", h, r.Problems)
		}
	}
	l := mustOpen(t, opts)
	mustAppend(t, l, 30)
	mustClose(t, l)
	if told < 10 {
		t.Errorf("told %d times", told)
	}
}
