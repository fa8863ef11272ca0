package usage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// ErrFuture says that a newer aimux wrote the file. It is left alone.
var ErrFuture = errors.New("a newer aimux wrote it")

// errDamaged says that the file fails SQLite's quick_check, or is empty where
// it should not be.
var errDamaged = errors.New("the file is damaged")

// Found is what opening a database came upon.
type Found struct {
	// New says that there was no file, or an empty one that never held anything.
	New bool
	// Unclean says that the last process did not close it: killed, crashed or
	// without power. Up to one flush of rows may be missing after Flushed.
	Unclean bool
	// Flushed is when something was last written before.
	Flushed time.Time
	// From is the version the schema was lifted from. 0: it was not lifted.
	From int
	// Aside is where a damaged file was moved, and Damage what was wrong with it.
	// The totals begin anew then.
	Aside, Damage string
}

// String says what was found in a sentence, or nothing if all was well.
func (f Found) String() string {
	switch {
	case f.Aside != "":
		return fmt.Sprintf("the file was damaged (%s); it was moved to %s and a new one begun", f.Damage, f.Aside)
	case f.Unclean && f.Flushed.IsZero():
		return "the last process did not close the file; the check found no damage"
	case f.Unclean:
		return fmt.Sprintf("the last process did not close the file; what came within 100 ms before its end, after %s at the latest flush, may be missing; the check found no damage",
			f.Flushed.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	return ""
}

// emptied returns errDamaged if the file is empty though something was kept in
// it: its lock file says so, or SQLite's log, which SQLite would throw away.
func (d *database) emptied() error {
	file, err := os.Stat(d.path)
	if err != nil || file.Size() != 0 {
		return nil // none, or opening it tells
	}
	kept, err := d.lock.Stat()
	if err == nil && kept.Size() == 0 {
		kept, err = os.Stat(d.path + "-wal")
	}
	if err == nil && kept.Size() > 0 {
		return fmt.Errorf("%w: it is empty", errDamaged)
	}
	return nil
}

// remember writes into the lock file that there is something to keep, once: see
// emptied. If it cannot be written now, the next opening does.
func (d *database) remember(now time.Time) {
	if info, err := d.lock.Stat(); err == nil && info.Size() == 0 {
		_, _ = fmt.Fprintf(d.lock, "The %s beside this file was begun, or first seen, at %s.\n", d.noun, now.UTC().Format(time.RFC3339))
	}
}

// examine looks at the file before anything is changed in it.
func (d *database) examine() error {
	version, err1 := d.number("PRAGMA user_version")
	app, err2 := d.number("PRAGMA application_id")
	tables, err3 := d.number("SELECT count(*) FROM sqlite_schema")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	switch {
	case tables == 0 && version == 0:
		d.found.New = true
		return nil
	case app != int64(d.app):
		return fmt.Errorf("this is a database, but no %s; name another path", d.noun)
	case version > int64(len(d.steps)):
		return fmt.Errorf("its version is %d, this aimux knows up to %d: %w; run that one, or name another path", version, len(d.steps), ErrFuture)
	}
	flushed, err1 := d.get("flushed")
	open, err2 := d.get("open")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if flushed != 0 {
		d.found.Flushed = time.UnixMicro(flushed)
	}
	d.found.Unclean = open != 0
	if d.found.Unclean {
		return d.check()
	}
	return nil
}

// check reads the whole file. It is done after an unclean end only: it takes
// about a second for each gigabyte in memory, more on a slow disk.
func (d *database) check() error {
	var verdict string
	err := d.conn.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %s", errDamaged, short(strings.ReplaceAll(verdict, "\n", " "), 200))
	}
	return err
}

// migrate lifts the schema to the present version, all steps or none.
func (d *database) migrate(now time.Time) error {
	version, err := d.number("PRAGMA user_version")
	if err != nil || version == int64(len(d.steps)) {
		return err
	}
	if version == 0 {
		return d.lift(now, version)
	}
	// To index the rows there are, SQLite sorts them: in temporary files, since
	// that takes 85 MB for a million; in memory where no such file can be.
	_ = d.exec("PRAGMA temp_store = file")
	err = d.lift(now, version)
	_ = d.exec("PRAGMA temp_store = memory")
	if c := code(err); c == codeCantOpen || c == codeIO {
		err = d.lift(now, version)
	}
	return err
}

// lift carries out the steps from a version on.
func (d *database) lift(now time.Time, version int64) error {
	return d.within(func() error {
		for i := int(version); i < len(d.steps); i++ {
			if err := d.exec(d.steps[i]); err != nil {
				return fmt.Errorf("lifting the schema to version %d: %w", i+1, err)
			}
		}
		if version > 0 {
			d.found.From = int(version)
			if err := d.note(now, NoteMigrated, version, ""); err != nil {
				return err
			}
		}
		// Pragmas take no parameters.
		return d.exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", d.app, len(d.steps)))
	})
}

// mark notes that the database is open, and what was found.
func (d *database) mark(now time.Time) error {
	return d.within(func() error {
		if d.found.Unclean {
			if err := d.note(now, NoteUnclean, 0, ""); err != nil {
				return err
			}
		}
		return d.set("open", max(now.UnixMicro(), 1))
	})
}

// replace moves a damaged database aside and begins a new one.
func (d *database) replace(now time.Time, cause error) error {
	_ = d.disconnect()
	d.found = Found{}
	aside, err := moveAside(d.path, now)
	if err != nil {
		return fmt.Errorf("it is damaged (%w), and cannot be moved aside: %w", cause, err)
	}
	if err := d.connect(now); err != nil {
		return err
	}
	d.found = Found{Aside: aside, Damage: cause.Error()}
	return d.note(now, NoteAside, 0, aside)
}

// moveAside renames a database and its companions, and returns the new name.
func moveAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s.damaged-%s-%d", path, now.UTC().Format("20060102T150405Z"), n)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", err
	}
	for _, companion := range [...]string{"-wal", "-shm"} {
		if err := os.Rename(path+companion, aside+companion); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
