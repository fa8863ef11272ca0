package usage

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// written returns the path of a closed ledger with n rows.
func written(t *testing.T, n int) string {
	t.Helper()
	o := quiet(tempPath(t))
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	record(t, l, samples(n, noon, time.Second)...)
	closing(t, l)
	return o.Path
}

// alter runs SQL on a file behind the ledger's back.
func alter(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, "rwc"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(t *testing.T, path string, at int, with []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[at:], with)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_DamagedFileIsMovedAsideAndSaid(t *testing.T) {
	unclean := func(t *testing.T, path string) {
		alter(t, path, "UPDATE meta SET value = 5 WHERE name = 'open'")
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"no database at all", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database, but a letter. ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"emptied", func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"header overwritten", func(t *testing.T, path string) { overwrite(t, path, 0, make([]byte, 64)) }},
		{"schema page overwritten", func(t *testing.T, path string) { overwrite(t, path, 100, bytes.Repeat([]byte{0xa5}, 3000)) }},
		{"pages overwritten, found by the check after a crash", func(t *testing.T, path string) {
			unclean(t, path)
			overwrite(t, path, 5*4096, bytes.Repeat([]byte{0xa5}, 40*4096))
		}},
		{"end cut off, found by the check after a crash", func(t *testing.T, path string) {
			unclean(t, path)
			if err := os.Truncate(path, 20*4096+77); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := written(t, 2000)
			c.damage(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var said troubles
			o := quiet(path)
			o.OnTrouble = said.add
			l := open(t, o)
			found := l.Health().Found
			after, err := os.ReadFile(found.Aside)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the damaged file is not kept as it was: %v", err)
			}
			if len(said.all()) != 1 || !strings.Contains(said.all()[0], found.Aside) {
				t.Errorf("said %q", said.all())
			}
			record(t, l, sample(1, noon))
			if got := totals(t, readerOf(t, l), Query{}).Total.Requests; got != 1 {
				t.Errorf("%d requests in the new file, want 1", got)
			}
			notes, err := readerOf(t, l).Notes(t.Context(), time.Time{}, 10)
			if err != nil || len(notes) != 1 || notes[0].Kind != NoteAside || notes[0].Text != found.Aside {
				t.Errorf("notes %v (%v)", notes, err)
			}
		})
	}
}

func TestLedger_DamageMetWhileWritingIsMovedAsideWithoutLosingWhatWaits(t *testing.T) {
	o := quiet(written(t, 3000))
	var said troubles
	o.OnTrouble = said.add
	l := open(t, o)
	old := readerOf(t, l)
	overwrite(t, o.Path, 4096, bytes.Repeat([]byte{0xa5}, 150*4096))
	record(t, l, samples(10, noon.Add(time.Hour), time.Second)...)
	h := l.Health()
	if h.Found.Aside == "" || h.Written != 10 || h.Dropped != 0 || len(said.all()) != 1 {
		t.Fatalf("%+v, said %q; want the file aside and 10 rows in the new one", h, said.all())
	}
	if r := readerOf(t, l); r == old {
		t.Error("the reader still reads the damaged file")
	} else if got := totals(t, r, Query{}).Total.Requests; got != 10 {
		t.Errorf("%d requests, want 10", got)
	}
	if again, _ := moveAside(filepath.Join(t.TempDir(), "none"), noon); again != "" {
		t.Errorf("moved a file that is not there to %s", again)
	}
}

func TestLedger_FullDiskHoldsRowsBackAndGoesOnWhenThereIsRoom(t *testing.T) {
	o := quiet(tempPath(t))
	var said troubles
	o.OnTrouble, o.Queue, o.pragma = said.add, 3000, "max_page_count(60)"
	l := open(t, o)
	err := l.keeper.ask(t.Context(), func() error { // so that the writer finds them all at once
		for i := range 3000 {
			l.Record(sample(i, noon))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Flush(t.Context()); code(err) != 13 { // SQLITE_FULL
		t.Fatalf("Flush onto a full disk: %v", err)
	}
	var h Health
	err = l.keeper.ask(t.Context(), func() error { // while it is not trying again, with all of them in hand
		for i := range 50 {
			l.Record(sample(3000+i, noon))
		}
		h = l.Health()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !h.Failing || h.Pending != 3000 || h.Dropped != 50 || !strings.Contains(h.LastError, "full") {
		t.Errorf("%+v, want 3000 pending and 50 dropped", h)
	}
	if got := totals(t, readerOf(t, l), Query{}).Total.Requests; got != 0 {
		t.Errorf("half a batch was written: %d rows", got)
	}
	err = l.keeper.ask(t.Context(), func() error { return l.keeper.db.exec("PRAGMA max_page_count = 100000") })
	if err != nil {
		t.Fatal(err)
	}
	flush(t, l)
	if h := l.Health(); h.Failing || h.Pending != 0 || h.Written != 3000 {
		t.Errorf("%+v, want all that waited written", h)
	}
	all := make([]Exchange, 3000)
	for i := range all {
		all[i] = sample(i, noon)
	}
	compare(t, all, Query{By: ByModel}, totals(t, readerOf(t, l), Query{By: ByModel}))
	if said := said.all(); len(said) != 2 || said[1] != "<nil>" {
		t.Errorf("said %q, want the trouble and its end", said)
	}
}

func TestLedger_ReadOnlyFileHoldsRowsBackAndIsTriedAgainByItself(t *testing.T) {
	o := quiet(tempPath(t))
	over := make(chan struct{}, 1)
	o.OnTrouble = func(err error) {
		if err == nil {
			over <- struct{}{}
		}
	}
	l := open(t, o)
	set := func(on int) {
		t.Helper()
		err := l.keeper.ask(t.Context(), func() error { return l.keeper.db.exec(fmt.Sprintf("PRAGMA query_only = %d", on)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	set(1)
	l.Record(sample(1, noon))
	if err := l.Flush(t.Context()); code(err) != 8 { // SQLITE_READONLY
		t.Fatalf("Flush to a read-only database: %v", err)
	}
	set(0)
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		t.Fatal("it was not tried again")
	}
	if h := l.Health(); h.Failing || h.Written != 1 {
		t.Errorf("%+v, want the row written", h)
	}
}

func TestStart_TrafficGoesOnWhereNoFileCanBe(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Start(quiet(filepath.Join(blocked, "usage.db")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if !l.Record(sample(i, noon)) {
			t.Fatal("an exchange was refused")
		}
	}
	if err := l.Flush(t.Context()); err == nil {
		t.Error("Flush succeeded where no file can be")
	}
	if ok, text := l.Health().OK(); ok || !strings.Contains(text, "20 rows wait") {
		t.Errorf("health %q", text)
	}
	if err := l.Close(context.Background()); err == nil || !strings.Contains(err.Error(), "20 rows") {
		t.Errorf("Close: %v, want it to say what was lost", err)
	}
}

// faulty panics instead of writing, until it is mended.
type faulty struct {
	sink[Exchange]
	mended bool
}

func (f *faulty) write(batch []Exchange, now time.Time) error {
	if !f.mended {
		panic("made up")
	}
	return f.sink.write(batch, now)
}

func TestLedger_PanicWhileWritingEndsNothingAndLosesNothing(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	record(t, l, sample(1, noon))
	f := &faulty{sink: l.keeper.sink}
	swap := func() error { l.keeper.sink = f; return nil }
	if err := l.keeper.ask(t.Context(), swap); err != nil {
		t.Fatal(err)
	}
	l.Record(sample(2, noon))
	if err := l.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "made up") {
		t.Fatalf("Flush: %v", err)
	}
	if h := l.Health(); !h.Failing || h.Open || h.Pending != 1 {
		t.Errorf("%+v, want it closed with one row pending", h)
	}
	if err := l.keeper.ask(t.Context(), func() error { f.mended = true; return nil }); err != nil {
		t.Fatal(err)
	}
	flush(t, l)
	if got := totals(t, readerOf(t, l), Query{}).Total.Requests; got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

func TestReader_CopyIsAWholeLedger(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	record(t, l, samples(200, noon, time.Second)...)
	to := tempPath(t)
	if err := readerOf(t, l).Copy(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	copied := open(t, quiet(to))
	if f := copied.Health().Found; f.Unclean {
		t.Errorf("the copy is said to have been left open: %+v", f)
	}
	if got := totals(t, readerOf(t, copied), Query{}).Total.Requests; got != 200 {
		t.Errorf("%d requests in the copy, want 200", got)
	}
	if err := readerOf(t, l).Copy(t.Context(), to); err == nil {
		t.Error("a copy overwrote a file")
	}
}
