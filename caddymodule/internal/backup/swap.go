package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/crash"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

// lockWait is how long one change of files waits for another.
const lockWait = 2 * time.Second

// Swap puts the staged files in the place of the present ones: each file of the
// archive at the path of its target, and targets the archive does not have taken
// away. Either all of it happens or nothing. dir, on any file system, keeps the
// journal; the old files stay beside the new ones, for Undo, until Forget or the
// next Swap. Nobody may use the files meanwhile.
func (s *Staged) Swap(ctx context.Context, dir string, targets []Target, now time.Time) error {
	return locked(ctx, dir, func() error { return (&swapper{dir, crash.Point}).swap(s, targets, now) })
}

// Recover finishes or takes back what a process that died had begun, and says what
// it did: "" if there was nothing to do. It is to be called before the files are
// used. Archives that were unpacked in dir an hour before now, or earlier, and then
// forgotten are removed.
func Recover(ctx context.Context, dir string, now time.Time) (did string, err error) {
	sweepStaged(dir, now)
	if !exists(filepath.Join(dir, journalName)) {
		return "", nil
	}
	err = locked(ctx, dir, func() error {
		did, err = (&swapper{dir, crash.Point}).recover()
		return err
	})
	return did, err
}

// Undo puts the files back that the last Swap replaced. It fails if there was none.
func Undo(ctx context.Context, dir string) error {
	return locked(ctx, dir, func() error { return (&swapper{dir, crash.Point}).undo() })
}

// Forget deletes what Undo would need. Without a Swap before it does nothing.
func Forget(ctx context.Context, dir string) error {
	return locked(ctx, dir, func() error { return (&swapper{dir, crash.Point}).forget() })
}

// Undoable returns when the last Swap was that Undo can take back; zero if none.
func Undoable(dir string) (time.Time, error) {
	j, err := readJournal(dir)
	if err != nil || j == nil || j.State != done {
		return time.Time{}, err
	}
	return j.Made, nil
}

// locked lets one process at a time do it.
func locked(ctx context.Context, dir string, do func() error) error {
	lock, err := filelock.Acquire(ctx, filepath.Join(dir, "restore.lock"), lockWait)
	if err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if err := errors.Join(do(), lock.Release()); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	return nil
}

// swapper moves the files.
type swapper struct {
	dir   string
	point func(name string) // where a test lets it die
}

func (w *swapper) swap(s *Staged, targets []Target, now time.Time) error {
	if _, err := w.recover(); err != nil {
		return err
	}
	if _, err := s.Compare(targets); err != nil {
		return err
	}
	if err := w.forget(); err != nil {
		return err
	}
	j, from, err := s.steps(targets, now)
	if err != nil {
		return err
	}
	if err := j.write(w.dir, preparing); err != nil {
		return err
	}
	w.point("backup: preparing")
	if err := w.prepare(s, j, from); err != nil {
		return errors.Join(err, w.giveUp(j))
	}
	return w.commit(j)
}

// steps plans what happens to each path; from names the staged file for it.
func (s *Staged) steps(targets []Target, now time.Time) (j *journal, from map[string]string, err error) {
	j = &journal{Made: now.UTC()}
	from = map[string]string{}
	for _, t := range targets {
		st, err := s.step(t)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(j.Steps, func(have step) bool { return have.Path == st.Path }) {
			return nil, nil, fmt.Errorf("two files belong at %s", st.Path)
		}
		if st.Put || st.Had {
			j.Steps, from[st.Path] = append(j.Steps, st), t.Name
		}
	}
	return j, from, nil
}

// step says what is to happen at a target. A link there is followed.
func (s *Staged) step(t Target) (step, error) {
	path, err := filepath.Abs(t.Path)
	if err != nil {
		return step{}, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	st := step{Path: path, Put: slices.ContainsFunc(s.Manifest.Items, func(e Entry) bool { return e.Name == t.Name })}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return step{}, err
	case !info.Mode().IsRegular():
		return step{}, fmt.Errorf("%s is not a regular file", path)
	default:
		st.Had = true
	}
	return st, nil
}

// prepare copies the new files to where a rename brings them into place.
func (w *swapper) prepare(s *Staged, j *journal, from map[string]string) error {
	for _, st := range j.Steps {
		if err := remove(st.kept()); err != nil {
			return err
		}
		if !st.Put {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(st.Path), 0o700); err != nil {
			return err
		}
		if err := s.copy(from[st.Path], st); err != nil {
			return err
		}
		w.point("backup: copied")
	}
	return syncAll(j.Steps)
}

// copy puts a staged file beside the path of its step, with its permissions and the
// owner of what it replaces, and on the disk.
func (s *Staged) copy(name string, st step) error {
	in, err := s.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := remove(st.fresh()); err != nil {
		return err
	}
	out, err := os.OpenFile(st.fresh(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, giveTo(out, st.Path), out.Chmod(info.Mode().Perm()), out.Sync(), out.Close())
}

// commit is the point of no return: from the journal's new state on, Recover goes
// forward. An error on the way turns back.
func (w *swapper) commit(j *journal) error {
	if err := j.write(w.dir, swapping); err != nil {
		return errors.Join(err, w.giveUp(j))
	}
	w.point("backup: swapping")
	if err := w.forward(j); err != nil {
		return errors.Join(err, w.turnBack(j))
	}
	return nil
}

// turnBack goes back, unless that cannot be written down: then Recover goes forward.
func (w *swapper) turnBack(j *journal) error {
	if err := j.write(w.dir, undoing); err != nil {
		return err
	}
	w.point("backup: undoing")
	return w.back(j)
}

// forward brings every new file into place. It may be done again after it stopped
// anywhere.
func (w *swapper) forward(j *journal) error {
	for _, st := range j.Steps {
		if st.Put && !exists(st.fresh()) {
			continue // it is in place
		}
		if st.Had && !exists(st.kept()) {
			if err := keep(st); err != nil {
				return err
			}
			w.point("backup: kept")
		}
		if st.Put {
			if err := os.Rename(st.fresh(), st.Path); err != nil {
				return err
			}
			w.point("backup: put")
		}
	}
	if err := syncAll(j.Steps); err != nil {
		return err
	}
	w.point("backup: all put")
	if err := j.write(w.dir, done); err != nil {
		return err
	}
	w.point("backup: done")
	return nil
}

// keep gives the old file its second name. Where a new one follows it keeps the
// first too, so that the path is never empty; not every file system can.
func keep(st step) error {
	if st.Put && os.Link(st.Path, st.kept()) == nil {
		return nil
	}
	return os.Rename(st.Path, st.kept())
}

// back brings every old file back into place. It may be done again after it stopped
// anywhere.
func (w *swapper) back(j *journal) error {
	for _, st := range slices.Backward(j.Steps) {
		switch {
		case exists(st.kept()):
			// Renaming one name of a file to its other name does nothing, hence the remove.
			if err := errors.Join(os.Rename(st.kept(), st.Path), remove(st.kept())); err != nil {
				return err
			}
		case !st.Had && !exists(st.fresh()):
			if err := remove(st.Path); err != nil {
				return err
			}
		}
		w.point("backup: put back")
		if err := remove(st.fresh()); err != nil {
			return err
		}
	}
	if err := syncAll(j.Steps); err != nil {
		return err
	}
	w.point("backup: all back")
	return removeJournal(w.dir)
}

// giveUp removes new files that were never used.
func (w *swapper) giveUp(j *journal) error {
	var errs []error
	for _, st := range j.Steps {
		errs = append(errs, remove(st.fresh()))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return removeJournal(w.dir)
}

func (w *swapper) recover() (string, error) {
	j, err := readJournal(w.dir)
	if err != nil || j == nil {
		return "", err
	}
	switch j.State {
	case preparing:
		return "a restore that had not begun to change anything was given up", w.giveUp(j)
	case swapping:
		if err := w.forward(j); err != nil {
			return "a restore could not be finished and is taken back", errors.Join(err, w.turnBack(j))
		}
		return "a restore was finished", nil
	case undoing:
		return "the undoing of a restore was finished", w.back(j)
	case forgetting:
		return "the old files of a restore were deleted", w.deleteKept(j)
	}
	return "", nil
}

func (w *swapper) undo() error {
	if _, err := w.recover(); err != nil {
		return err
	}
	j, err := readJournal(w.dir)
	if err != nil {
		return err
	}
	if j == nil {
		return errors.New("there is no restore to be undone")
	}
	return w.turnBack(j)
}

func (w *swapper) forget() error {
	if _, err := w.recover(); err != nil {
		return err
	}
	j, err := readJournal(w.dir)
	if err != nil || j == nil {
		return err
	}
	if err := j.write(w.dir, forgetting); err != nil {
		return err
	}
	w.point("backup: forgetting")
	return w.deleteKept(j)
}

// deleteKept deletes the old files; there is no way back from then on.
func (w *swapper) deleteKept(j *journal) error {
	for _, st := range j.Steps {
		if err := remove(st.kept()); err != nil {
			return err
		}
		w.point("backup: forgotten")
	}
	return removeJournal(w.dir)
}
