package usage

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ofVersion2 returns the path of a ledger as version 2 wrote it, and what is in
// it.
func ofVersion2(t *testing.T) (path string, all []Exchange) {
	t.Helper()
	dump, err := os.ReadFile("testdata/version2.sql")
	if err != nil {
		t.Fatal(err)
	}
	path = tempPath(t)
	alter(t, path, "BEGIN;"+string(dump)+"COMMIT;")
	return path, samples(40, noon.Add(-24*time.Hour), 37*time.Minute)
}

func TestOpen_LiftsALedgerOfAnOlderVersion(t *testing.T) {
	for _, c := range []struct {
		name string
		from int
		age  []string
	}{
		{"version 1", 1, []string{"DROP TABLE rollups", "PRAGMA user_version = 1"}},
		{"version 2", 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, all := ofVersion2(t)
			alter(t, path, c.age...)
			if _, err := OpenReader(path); err == nil || !strings.Contains(err.Error(), "start aimux once") {
				t.Errorf("OpenReader of an old version: %v", err)
			}
			l := open(t, quiet(path))
			if h := l.Health(); h.Found.From != c.from || h.Rows != 40 {
				t.Errorf("%d rows, found %+v, want it lifted", h.Rows, h.Found)
			}
			notes, err := readerOf(t, l).Notes(t.Context(), time.Time{}, 10)
			want := []Note{{At: noon.Local(), Kind: NoteMigrated, Count: int64(c.from)}}
			if d := cmp.Diff(want, notes); d != "" || err != nil {
				t.Errorf("notes %v (-want +got)\n%s", err, d)
			}
			answersFor(t, l, all)
			later := samples(60, noon, time.Minute)[40:]
			record(t, l, later...)
			answersFor(t, l, append(all, later...))
		})
	}
}

// answersFor compares every kind of answer with the exchanges it is about.
func answersFor(t *testing.T, l *Ledger, all []Exchange) {
	t.Helper()
	r := readerOf(t, l)
	for _, by := range everyBy {
		compare(t, all, Query{By: by}, totals(t, r, Query{By: by}))
	}
	rowsOnly := Query{By: ByKey, Filter: Filter{Alias: "coder", Since: all[3].Start}}
	compare(t, all, rowsOnly, totals(t, r, rowsOnly))
	sessions := map[string]bool{}
	for _, want := range all {
		got, err := r.Exchange(t.Context(), want.ID)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, d)
		}
		sessions[want.Session] = true
	}
	for id := range sessions {
		got, err := r.Session(t.Context(), id, 0)
		_, want := reckon(all, Query{Filter: Filter{Session: id}})
		if d := cmp.Diff(want, got.Sums); d != "" || err != nil {
			t.Errorf("session %s: %v (-want +got)\n%s", id, err, d)
		}
	}
}

func TestLedger_RetentionDeletesRowsOfAnOlderVersion(t *testing.T) {
	path, all := ofVersion2(t)
	c := &clock{at: noon}
	o := quiet(path)
	o.Now, o.Retention = c.now, 12*time.Hour
	l := open(t, o)
	now := sample(100, noon)
	record(t, l, now)
	tidy(t, l)
	var kept int64
	for _, x := range append(all, now) {
		if !x.Start.Before(noon.Add(-o.Retention)) {
			kept++
		}
	}
	if got := l.Health().Rows; got != kept || kept == 41 {
		t.Errorf("%d rows left, want %d", got, kept)
	}
	if n, err := l.keeper.db.number("SELECT count(*) FROM attempts WHERE exchange NOT IN (SELECT seq FROM exchanges)"); n != 0 || err != nil {
		t.Errorf("%d attempts of deleted exchanges are left (%v)", n, err)
	}
	compare(t, append(all, now), Query{By: ByModel}, totals(t, readerOf(t, l), Query{By: ByModel}))
}

func TestOpen_MigrationThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path, _ := ofVersion2(t)
	alter(t, path, "PRAGMA user_version = 1") // with the table there, version 2 cannot make it
	if _, err := Open(quiet(path)); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Fatalf("Open: %v", err)
	}
	alter(t, path, "PRAGMA user_version = 2")
	if got := open(t, quiet(path)).Health(); got.Rows != 40 || got.Found.Aside != "" {
		t.Errorf("%+v, want the 40 rows", got)
	}
}
