package control_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

// Every console has a plane of its own, and so has Caddy's admin endpoint.
func TestConfig_ChangesOfTwoPlanesAtOnceAreBothMade(t *testing.T) {
	g, one := begin(t, document)
	two := g.plane()
	for round := range 10 {
		streams, queue := fmt.Sprint(10+round), fmt.Sprint(30+round)
		var both sync.WaitGroup
		for _, c := range []struct {
			plane          console.Backend
			pointer, value string
		}{{one, "/limits/streams", streams}, {two, "/limits/queue", queue}} {
			both.Go(func() {
				if _, err := c.plane.Config.Put(t.Context(), "*", set(c.pointer, c.value)); err != nil {
					t.Errorf("%s: %v", c.pointer, err)
				}
			})
		}
		both.Wait()
		limits := g.View().Result.Config.Limits
		if fmt.Sprint(limits.Streams) != streams || fmt.Sprint(limits.Queue) != queue {
			t.Fatalf("round %d: in force are %v streams and a queue of %v, want %s and %s", round, limits.Streams, limits.Queue, streams, queue)
		}
	}
}

func TestConfig_AChangeThatCannotHaveTheLockIsToldToTryAgain(t *testing.T) {
	g, b := begin(t, document)
	if _, err := b.Config.Put(t.Context(), "", set("/limits/streams", "7")); err != nil {
		t.Fatal(err)
	}
	before, err := b.Config.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.Acquire(t.Context(), g.where()+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, put := b.Config.Put(t.Context(), "", set("/limits/streams", "8"))
	if status(put) != 409 || !strings.Contains(put.Error(), "try again") || time.Since(begun) < time.Second {
		t.Errorf("after %s: %v", time.Since(begun), put)
	}
	if _, err := b.Config.Undo(t.Context(), before.Undo[0].ID); status(err) != 409 {
		t.Errorf("going back: %v", err)
	}
	if after, err := b.Config.Get(t.Context()); err != nil || after.Etag != before.Etag || len(after.Undo) != 1 {
		t.Errorf("%v: something was written: %+v", err, after.Undo)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Config.Put(t.Context(), "", set("/limits/streams", "8")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestConfig_WhereNothingCanBeWrittenTheErrorIsThatOfWriting(t *testing.T) {
	g, _ := begin(t, document)
	g.data = "/proc/aimux" // where not even root makes a directory
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("there is no /proc")
	}
	var at *os.PathError
	_, err := g.plane().Config.Put(t.Context(), "", set("/limits/streams", "7"))
	if !errors.As(err, &at) || at.Op != "mkdir" || strings.Contains(err.Error(), "lock") {
		t.Errorf("%v", err)
	}
}

func TestConfig_AChangeThatFailedCannotBeTakenBack(t *testing.T) {
	g, b := begin(t, document)
	if _, err := b.Config.Put(t.Context(), "", set("/limits/streams", "7")); err != nil {
		t.Fatal(err)
	}
	before, _ := b.Config.Get(t.Context())
	g.failing = errors.New("no")
	if _, err := b.Config.Put(t.Context(), "", set("/limits/streams", "8")); status(err) != 409 {
		t.Errorf("%v", err)
	}
	if _, err := b.Config.Undo(t.Context(), before.Undo[0].ID); status(err) != 409 {
		t.Errorf("going back: %v", err)
	}
	if after, err := b.Config.Get(t.Context()); err != nil || len(after.Undo) != 1 || after.Undo[0].ID != before.Undo[0].ID {
		t.Errorf("%v: %+v", err, after.Undo)
	}
}
