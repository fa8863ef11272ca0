package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/crash"
)

// refresh makes the state what is on disk, where another process may have
// written since. The caller holds the locks.
func (l *Log) refresh() error {
	if l.file != nil && l.current() {
		return nil
	}
	l.shut()
	list, err := segments(l.opts.Dir)
	if err == nil && len(list) == 0 {
		err = l.genesis()
	} else if err == nil {
		err = l.resume(list)
	}
	if err != nil {
		l.shut() // what was begun is looked at anew next time
	}
	return err
}

// current says whether nobody else has written.
func (l *Log) current() bool {
	info, err := os.Lstat(l.path)
	return err == nil && os.SameFile(info, l.info) && info.Size() == l.size && !exists(segmentPath(l.opts.Dir, l.seq+1))
}

// genesis begins a new log.
func (l *Log) genesis() error {
	if l.seq > 0 {
		return fmt.Errorf("%s: %w: it held %d records and is gone; the next start says how to go on without them", l.opts.Dir, ErrRolledBack, l.seq)
	}
	if err := l.missed(); err != nil { // before anything is written where the evidence was
		return err
	}
	l.head = noHash
	if err := l.begin(1); err != nil {
		return err
	}
	return l.birth()
}

// birth writes the first record of a log whose first segment is empty.
func (l *Log) birth() error {
	id := randomID(16)
	r := Record{Action: ActionBegin, Target: id, Outcome: "ok"}
	if err := l.write(&r); err != nil {
		return err
	}
	l.id = id
	l.unsealed++
	return nil
}

// resume finds the end of the log. The last segment may hold no whole record,
// after a crash right behind a rotation; then the end is in the one before.
func (l *Log) resume(list []segment) error {
	last := list[len(list)-1]
	t, err := l.tail(last)
	if err != nil {
		return err
	}
	end := t.last
	if end == nil && len(list) > 1 {
		if end, err = l.endOf(list[len(list)-2]); err != nil {
			return err
		}
	}
	seq, head := last.first-1, noHash
	if end != nil {
		seq, head = end.Seq, end.Hash
	}
	if err := l.adopt(list[0], last, seq, head); err != nil {
		return err
	}
	l.unsealed = 0
	if end != nil && end.Checkpoint == nil {
		l.unsealed = 1
	}
	f, err := l.opts.open(last.path, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return err
	}
	if err := l.use(last.path, f); err != nil {
		return err
	}
	return l.mend(t)
}

func (l *Log) tail(s segment) (tail, error) {
	data, err := s.read()
	if err != nil {
		return tail{}, err
	}
	t, err := tailOf(data, l.opts.AcceptDamage)
	if err != nil {
		return tail{}, fmt.Errorf("%s: %w: %w; look at it with: aimux audit verify", s.path, ErrDamaged, err)
	}
	return t, nil
}

// endOf returns the last record of a segment that another follows.
func (l *Log) endOf(s segment) (*parsed, error) {
	t, err := l.tail(s)
	if err == nil && (t.last == nil || len(t.torn) > 0) {
		err = fmt.Errorf("%s: %w: it ends within a record although another file follows", s.path, ErrDamaged)
	}
	return t.last, err
}

// adopt takes the end of the log over, unless it lies before the end that
// this process knows.
func (l *Log) adopt(first, last segment, seq uint64, head string) error {
	if seq < l.seq || seq == l.seq && l.seq > 0 && head != l.head {
		return fmt.Errorf("%s: %w: record %d was written and is not there", last.path, ErrRolledBack, l.seq)
	}
	if seq+1 < last.first {
		return fmt.Errorf("%s: %w: records %d to %d are missing before it", last.path, ErrDamaged, seq+1, last.first-1)
	}
	if seq > 0 && head == noHash {
		return fmt.Errorf("%s: %w: it is empty, and the files before it are missing", last.path, ErrDamaged)
	}
	if l.id == "" {
		l.id = logID(first)
	}
	l.seq, l.head = seq, head
	return nil
}

// logID reads the id of the log from its first record; "" if it is not there.
func logID(first segment) string {
	first.size = min(first.size, maxLine)
	data, err := first.read()
	if err != nil {
		return ""
	}
	for line := range lines(data) {
		if p, err := parse(line); err == nil && p.Action == ActionBegin {
			return p.Target
		}
		break
	}
	return ""
}

// use makes an open file the current segment.
func (l *Log) use(path string, f file) error {
	info, err := f.Stat()
	if err == nil {
		err = syncDir(l.opts.Dir)
	}
	if err != nil {
		f.Close()
		return err
	}
	l.path, l.file, l.info, l.size = path, f, info, info.Size()
	return nil
}

// mend moves what a crash left behind the last record to a file of its own and
// says so in the log.
func (l *Log) mend(t tail) error {
	var r *Record
	if len(t.torn) > 0 {
		name, err := l.keep(t.torn)
		if err == nil {
			crash.Point("audit: torn line kept")
			err = errors.Join(l.file.Truncate(t.good), l.file.Sync())
		}
		if err != nil {
			return fmt.Errorf("moving half a record aside: %w", err)
		}
		l.size = t.good
		sum := sha256.Sum256(t.torn)
		r = &Record{Action: ActionRecovered, Target: name, Outcome: "ok",
			After: map[string]string{"bytes": strconv.Itoa(len(t.torn)), "sha256": hex.EncodeToString(sum[:])}}
	}
	if l.seq == 0 { // not even the first record was there
		if err := l.missed(); err != nil {
			return err
		}
		if err := l.birth(); err != nil {
			return err
		}
	}
	if r == nil {
		return nil
	}
	l.unsealed++
	return l.write(r)
}

// keep writes the torn bytes to a file that is not there yet.
func (l *Log) keep(torn []byte) (name string, err error) {
	var f *os.File
	for n := 1; n <= 1000; n++ {
		name = fmt.Sprintf("torn-%020d-%d", l.seq+1, n)
		f, err = openNoFollow(filepath.Join(l.opts.Dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(torn)
	return name, errors.Join(err, f.Sync(), f.Close(), syncDir(l.opts.Dir))
}
