package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAcquire_SecondHolderWaitsAndThenSaysWhoHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		first, err := Acquire(t.Context(), path, 0)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = Acquire(t.Context(), path, time.Second)
		if waited := time.Since(start); !errors.Is(err, ErrHeld) || waited < time.Second || waited > time.Second+poll {
			t.Fatalf("after %s: %v", waited, err)
		}
		if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v names neither %s nor %s", err, want, path)
		}
		if err := first.Release(); err != nil {
			t.Fatal(err)
		}
		second, err := Acquire(t.Context(), path, 0)
		if err != nil {
			t.Fatal(err)
		}
		second.Release()
	})
}

func TestAcquire_TakesItAsSoonAsItIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		first, err := Acquire(t.Context(), path, 0)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { first.Release() })
		start := time.Now()
		second, err := Acquire(t.Context(), path, time.Minute)
		if err != nil || time.Since(start) > time.Second+poll {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
		second.Release()
	})
}

func TestAcquire_StopsWaitingWhenTheContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Acquire(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, path, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestAcquire_RefusesALink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "lock")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Skip(err)
	}
	if _, err := Acquire(t.Context(), link, 0); err == nil {
		t.Error("a symbolic link was locked")
	}
}

func TestRelease_OfNothing(t *testing.T) {
	var l *Lock
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}
