package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// together has several runtimes that share the archive at path, started, end at
// the same moment.
func together(n int, path string) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for range n {
		rt := new(runtime)
		rt.refs.Store(1)
		rt.archive = share(rt, "archive", func() *archive { return openArchive(path, slog.New(slog.DiscardHandler)) })
		rt.archive.start()
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			rt.release()
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

func TestRuntime_OfThoseThatEndAtTheSameMomentTheLastSaves(t *testing.T) {
	if n, ok := learned.References("archive"); ok {
		t.Fatalf("%d runtimes are left of other tests", n)
	}
	dir := t.TempDir()
	for i := range 50 {
		path := filepath.Join(dir, fmt.Sprint(i), "state.json")
		together(8, path)
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("at the end of round %d nothing was saved: %v", i, err)
		}
	}
}

// unwritable is an entry of learned that loses something at its end.
type unwritable struct{ err error }

func (u unwritable) Destruct() error { return u.err }

func TestRuntime_WhatIsLostAtTheEndIsSaidOnce(t *testing.T) {
	core, log := observer.New(zap.DebugLevel)
	keys := []string{"test|lossy", "test|well"}
	for _, of := range keys {
		err := errors.New("5 rows could not be written: the disk is full")
		if of == "test|well" {
			err = nil
		}
		for range 2 {
			learned.LoadOrStore(of, caddy.Destructor(unwritable{err}))
		}
	}
	letGo(keys, zap.New(core))
	if n := log.Len(); n != 0 {
		t.Errorf("%d lines while somebody uses them: %v", n, log.All())
	}
	letGo(keys, zap.New(core))
	want := []map[string]any{{"error": "5 rows could not be written: the disk is full"}}
	var got []map[string]any
	for _, line := range log.FilterLevelExact(zap.ErrorLevel).All() {
		got = append(got, line.ContextMap())
	}
	if diff := cmp.Diff(want, got); diff != "" || log.Len() != 1 {
		t.Errorf("%d lines (-want +got):\n%s", log.Len(), diff)
	}
}

func TestRuntime_ALedgerThatCannotWriteSaysHowManyRowsItLoses(t *testing.T) {
	core, log := observer.New(zap.DebugLevel)
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // where the ledger's directory should be
		t.Fatal(err)
	}
	rt := new(runtime)
	ledger, err := shareOr(rt, "ledger|test", func() (*usage.Ledger, error) {
		return usage.Start(usage.Options{Path: filepath.Join(dir, "usage.db"), Logger: slog.New(slog.DiscardHandler)})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ledger.Record(usage.Exchange{ID: "req", Start: time.Now()})
	}
	letGo(rt.keys, zap.New(core))
	lines := log.All()
	if len(lines) != 1 || lines[0].Level != zap.ErrorLevel {
		t.Fatalf("said: %v", lines)
	}
	text := fmt.Sprint(lines[0].ContextMap()["error"])
	for _, part := range []string{"3 rows could not be written", "usage ledger"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in: %s", part, text)
		}
	}
}
