package usage

import (
	"sync/atomic"
	"time"
)

const (
	// tidyEvery is how often retention looks whether there is anything to do.
	tidyEvery = time.Minute
	// tidyAgain is how soon it goes on when there is more.
	tidyAgain = time.Second
	// tidyRows bounds the rows deleted in one run, so that the rows to be
	// written never wait long: some 100 ms.
	tidyRows = 5000
	// tidyPages bounds the pages given back to the file system in one run.
	tidyPages = 2000
	// keepHours is how long totals are kept by the hour; by the day they stay.
	keepHours = 90 * 24 * time.Hour
	// jump is how far the wall clock may run ahead between two runs. Beyond it,
	// age is no reason to delete for holdAge: the clock may be wrong.
	jump    = time.Hour
	holdAge = 24 * time.Hour
)

// tidier decides what retention may delete. Clocks that jump are not believed
// at once: deleted is deleted.
type tidier struct {
	retention atomic.Int64 // a time.Duration; negative: for good
	max       atomic.Int64 // bytes; not positive: no bound
	last      int64        // Unix microseconds of the last run; 0: none
	hold      int64        // age counts again after this; 0: it counts
}

// allow says how long and how much is kept. It may be called while the tidier is
// at work, and counts from its next run on.
func (t *tidier) allow(retention time.Duration, max int64) {
	t.retention.Store(int64(retention))
	t.max.Store(max)
}

// begin forgets the runs before: another database was opened.
func (t *tidier) begin() { t.last, t.hold = 0, 0 }

// cutoff returns the age limit, in Unix microseconds. ok is false while the
// clock is not trusted. newest is the start of the newest row.
func (t *tidier) cutoff(now time.Time, newest int64) (cut int64, ok bool) {
	retention := time.Duration(t.retention.Load())
	if retention < 0 {
		return 0, false
	}
	at := now.UnixMicro() // the wall clock's: the monotonic one does not jump
	cut = at - retention.Microseconds()
	leapt := t.last != 0 && at-t.last > (tidyEvery+jump).Microseconds()
	if leapt || t.last == 0 && newest != 0 && cut > newest {
		t.hold = at + holdAge.Microseconds()
	}
	if t.last != 0 && at < t.last-jump.Microseconds() {
		t.hold = 0 // it jumped back; what is younger is not deleted anyway
	}
	t.last = at
	if at < t.hold {
		return 0, false
	}
	t.hold = 0
	return cut, true
}

// clear deletes what is too old or too much, a bounded part of it. more says
// that there is more to delete.
func (w *rows) clear(now time.Time) (deleted int64, more bool, err error) {
	newest, err := w.db.number("SELECT max(start) FROM exchanges")
	if err != nil {
		return 0, false, err
	}
	if cut, ok := w.tidy.cutoff(now, newest); ok {
		if deleted, err = w.delete(cut); err != nil {
			return 0, false, err
		}
		if err := w.deleteHours(now); err != nil {
			return deleted, false, err
		}
	}
	live, file, err := w.db.size()
	if err != nil {
		return deleted, false, err
	}
	if max := w.tidy.max.Load(); max > 0 && live > max && deleted == 0 {
		if deleted, err = w.delete(1<<63 - 1); err != nil {
			return 0, false, err
		}
		more = deleted > 0
	}
	if file > live {
		err = w.db.shrink(tidyPages)
	}
	return deleted, more || deleted == tidyRows, err
}

// delete removes the oldest rows that began before cut; their totals stay.
func (w *rows) delete(cut int64) (deleted int64, err error) {
	const oldest = "SELECT seq FROM exchanges WHERE start < ?1 ORDER BY start, seq LIMIT ?2"
	err = w.db.within(func() error {
		last, err := w.db.number("SELECT max(start) FROM (SELECT start FROM exchanges WHERE start < ?1 ORDER BY start, seq LIMIT ?2)", cut, tidyRows)
		if err != nil {
			return err
		}
		if err := w.db.exec("DELETE FROM attempts WHERE exchange IN ("+oldest+")", cut, tidyRows); err != nil {
			return err
		}
		if err := w.db.exec("DELETE FROM exchanges WHERE seq IN ("+oldest+")", cut, tidyRows); err != nil {
			return err
		}
		if deleted, err = w.db.number("SELECT changes()"); err != nil || deleted == 0 {
			return err
		}
		return w.deleted(deleted, last+1)
	})
	if err != nil {
		deleted = 0
	}
	return deleted, err
}

// deleted notes that n rows went, and that the rows are whole from then on.
func (w *rows) deleted(n, from int64) error {
	before, err := w.db.get("rows_from")
	if err != nil {
		return err
	}
	if err := w.db.set("rows_from", max(before, from)); err != nil {
		return err
	}
	if err := w.db.exec("UPDATE meta SET value = value - ? WHERE name = 'rows'", n); err != nil {
		return err
	}
	return w.db.exec(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions s WHERE last < ?1
		AND NOT EXISTS (SELECT 1 FROM exchanges WHERE session = s.id) ORDER BY last LIMIT ?2)`, from, tidyRows)
}

// deleteHours removes totals by the hour that are only wanted by the day.
func (w *rows) deleteHours(now time.Time) error {
	from := startOf(now.Add(-max(keepHours, time.Duration(w.tidy.retention.Load())+2*24*time.Hour)), day).Unix()
	return w.db.within(func() error {
		if err := w.db.exec("DELETE FROM rollups WHERE span = ? AND start < ?", hour, from); err != nil {
			return err
		}
		before, err := w.db.get("hours_from")
		if err != nil {
			return err
		}
		if err := w.db.exec("DELETE FROM notes WHERE seq <= (SELECT max(seq) FROM notes) - ?", manyNotes); err != nil {
			return err
		}
		return w.db.set("hours_from", max(before, from))
	})
}
