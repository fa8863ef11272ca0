package usage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpen_EmptyFileIsNewWhereNothingWasKept(t *testing.T) {
	for _, c := range []struct {
		name    string
		besides []string // further empty files
	}{
		{"made by hand", nil},
		{"made by a process that got no further", []string{".lock"}},
		{"beside an empty log", []string{".lock", "-wal"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := tempPath(t)
			for _, end := range append(c.besides, "") {
				if err := os.WriteFile(path+end, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var said troubles
			o := quiet(path)
			o.OnTrouble = said.add
			l := open(t, o)
			notes, err := readerOf(t, l).Notes(t.Context(), time.Time{}, 10)
			if f := l.Health().Found; !f.New || len(said.all()) != 0 || len(notes) != 0 || err != nil {
				t.Errorf("found %+v, said %q, notes %v (%v); want nothing but a new file", f, said.all(), notes, err)
			}
		})
	}
}

func TestOpen_EmptiedFileGoesAsideWithTheLogThatHoldsItsRows(t *testing.T) {
	path := tempPath(t)
	log := []byte("what SQLite would throw away, the main file being empty")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
		t.Fatal(err)
	}
	f := open(t, quiet(path)).Health().Found
	if kept, err := os.ReadFile(f.Aside + "-wal"); err != nil || !bytes.Equal(kept, log) || !strings.Contains(f.Damage, "it is empty") {
		t.Errorf("found %+v, kept %q (%v); want the log kept beside the empty file", f, kept, err)
	}
}

func TestOpen_RefusesWhatItMustNotTouch(t *testing.T) {
	for _, c := range []struct {
		name, want string
		is         error
		spoil      func(t *testing.T, path string)
	}{
		{"a newer version", "version is 99", ErrFuture, func(t *testing.T, path string) { alter(t, path, "PRAGMA user_version = 99") }},
		{"somebody else's database", "no usage ledger", nil, func(t *testing.T, path string) { alter(t, path, "PRAGMA application_id = 7") }},
		{"a directory", "", nil, func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := written(t, 10)
			c.spoil(t, path)
			_, err := Open(quiet(path))
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Open: %v, want %q", err, c.want)
			}
			if _, err := OpenReader(path); err == nil {
				t.Error("OpenReader took it")
			}
			if left, _ := filepath.Glob(path + ".damaged*"); len(left) != 0 {
				t.Errorf("moved aside: %v", left)
			}
		})
	}
	if _, err := OpenReader(tempPath(t)); !Missing(err) {
		t.Errorf("OpenReader without a file: %v", err)
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("Open without a path succeeded")
	}
}

func FuzzOpen_AnyFileIsOpenedRefusedOrMovedAside(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.db")
	l, err := Open(quiet(path))
	if err != nil {
		f.Fatal(err)
	}
	for i := range 30 {
		l.Record(sample(i, noon))
	}
	_ = l.Close(context.Background())
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:5000])
	f.Add([]byte("SQLite format 3\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		path := tempPath(t)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := OpenReader(path); err == nil {
			_, _ = r.Totals(t.Context(), Query{By: ByModel})
			_, _ = r.Exchanges(t.Context(), Filter{}, 10, "")
			_ = r.Close()
		}
		l, err := Open(quiet(path))
		if err != nil {
			return
		}
		l.Record(sample(1, noon))
		_ = l.Flush(t.Context())
		_ = l.Close(context.Background())
	})
}
