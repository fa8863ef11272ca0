package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExpired_KeepsTheLastOfEachDayAndWeek(t *testing.T) {
	at := func(text string) time.Time {
		made, err := time.Parse("2006-01-02 15", text)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	made := []time.Time{
		at("2026-11-22 06"), at("2026-11-22 00"), at("2026-11-21 18"), at("2026-11-21 12"), // Sunday, Saturday
		at("2026-11-20 12"), at("2026-11-15 12"), at("2026-11-14 12"), at("2026-11-08 12"), at("2026-11-01 12"),
	}
	got := Expired(made, Keep{Last: 1, Daily: 2, Weekly: 3})
	want := []time.Time{at("2026-11-22 00"), at("2026-11-21 12"), at("2026-11-20 12"), at("2026-11-14 12"), at("2026-11-01 12")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExpired_NeverTheNewestAndNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var made []time.Time
		for _, h := range rapid.SliceOfDistinct(rapid.IntRange(0, 5000), rapid.ID[int]).Draw(t, "hours") {
			made = append(made, testDay.Add(time.Duration(h)*time.Hour))
		}
		number := rapid.IntRange(-1, 9)
		keep := Keep{number.Draw(t, "last"), number.Draw(t, "daily"), number.Draw(t, "weekly")}
		expired := Expired(made, keep)
		if len(made) > 0 && slices.Contains(expired, slices.MaxFunc(made, time.Time.Compare)) {
			t.Fatal("the newest expired")
		}
		if kept := len(made) - len(expired); keep != (Keep{}) && kept > max(1, keep.Last)+max(0, keep.Daily)+max(0, keep.Weekly) {
			t.Fatalf("%d of %d kept by %+v", kept, len(made), keep)
		}
		left := slices.DeleteFunc(slices.Clone(made), func(m time.Time) bool { return slices.Contains(expired, m) })
		if again := Expired(left, keep); len(again) > 0 {
			t.Fatalf("of the kept ones %v expire", again)
		}
	})
}

func TestMade_ReadsWhatFileNameWrites(t *testing.T) {
	if made, ok := Made(FileName(testDay)); !ok || !made.Equal(testDay) {
		t.Errorf("%v, %t", made, ok)
	}
	for _, name := range []string{"", "aimux-.tar.age", "aimux-20261122T010203Z.tar", "x-20261122T010203Z.tar.age", "aimux-20261322T010203Z.tar.age"} {
		if _, ok := Made(name); ok {
			t.Errorf("%q is none", name)
		}
	}
}

func TestRotate_DeletesBackupsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		writeFile(t, filepath.Join(dir, FileName(testDay.Add(time.Duration(i)*time.Minute))), "x")
	}
	writeFile(t, filepath.Join(dir, "notes.tar.age"), "x")
	removed, err := Rotate(dir, Keep{Last: 2})
	if err != nil || len(removed) != 3 {
		t.Errorf("removed %v, %v", removed, err)
	}
	if left := tree(t, dir); len(left) != 3 {
		t.Errorf("left %v", left)
	}
}

// quiet is a logger nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestRunner_MakesABackupWhenOneIsDueAndTriesAgainAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		writeFile(t, filepath.Join(dir, FileName(time.Now().Add(-2*time.Hour))), "x")
		var made []time.Duration
		began, failures := time.Now(), 1
		r := &Runner{Dir: dir, Every: 3 * time.Hour, Keep: Keep{Last: 2}, Logger: quiet(), Make: func(_ context.Context, w io.Writer, now time.Time) error {
			made = append(made, now.Sub(began))
			if len(made) == 2 && failures > 0 {
				return errors.New("no room")
			}
			_, err := io.WriteString(w, "archive")
			return err
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		time.Sleep(8 * time.Hour)
		cancel()
		<-ended
		want := []time.Duration{time.Hour, 4 * time.Hour, 4*time.Hour + 10*time.Minute, 7*time.Hour + 10*time.Minute}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
	})
	if left := tree(t, dir); len(left) != 2 {
		t.Errorf("left %v", left)
	}
}

func TestRunner_AFailureLeavesNoFileAndDeletesNone(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		writeFile(t, filepath.Join(dir, FileName(testDay.Add(time.Duration(i)*time.Minute))), "x")
	}
	r := &Runner{Dir: dir, Keep: Keep{Last: 1}, Now: func() time.Time { return testDay.Add(time.Hour) }, Make: func(_ context.Context, w io.Writer, _ time.Time) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no room")
	}}
	if _, err := r.Once(t.Context()); err == nil {
		t.Error("no error")
	}
	if left := tree(t, dir); len(left) != 4 {
		t.Errorf("left %v", left)
	}
}

func TestRunner_TheFileIsAnArchiveAndPrivate(t *testing.T) {
	id, dir := identity(t), filepath.Join(t.TempDir(), "backups")
	r := &Runner{Dir: dir, Now: func() time.Time { return testDay }, Make: func(ctx context.Context, w io.Writer, now time.Time) error {
		_, err := Create(ctx, w, []Item{content("a", "x")}, Info{Created: now}, id.Recipient())
		return err
	}}
	stale := filepath.Join(dir, ".aimux-1.tmp")
	writeFile(t, stale, "half")
	if err := os.Chtimes(stale, testDay, testDay.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	path, err := r.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), bytes.NewReader(data), nil, id); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if exists(stale) {
		t.Error("what an earlier process left is still there")
	}
}

func BenchmarkCreate_1MiB(b *testing.B) {
	id := identity(b)
	item := content("ledger.db", string(make([]byte, 1<<20)))
	b.SetBytes(1 << 20)
	for b.Loop() {
		if _, err := Create(b.Context(), io.Discard, []Item{item}, Info{}, id.Recipient()); err != nil {
			b.Fatal(err)
		}
	}
}
