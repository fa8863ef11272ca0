package audit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// RollbackError says that the log lacks a head that somebody remembers. It is
// an ErrRolledBack.
type RollbackError struct {
	Dir  string // of the log
	Ends uint64 // the last record that is there; 0: there is none
	Seen Head   // what is remembered
	what string
}

// Error says what is missing.
func (e *RollbackError) Error() string {
	return fmt.Sprintf("%s: %v: %s (record %d was seen with the time %s)", e.Dir, ErrRolledBack, e.what, e.Seen.Seq, e.Seen.Time)
}

// Unwrap returns ErrRolledBack.
func (e *RollbackError) Unwrap() error { return ErrRolledBack }

// resumed holds a log that was just opened against what is remembered, and
// writes down that it goes on without that if this was agreed to.
func (l *Log) resumed() error {
	seen := l.opts.Seen
	err := seen.check(l.opts.Dir, l.id, l.seq, l.head)
	if errors.Is(err, ErrRolledBack) && l.opts.AcceptRollback {
		err = l.accepted()
	}
	return err
}

// accepted writes down what is missing, so that the next who looks knows, too.
func (l *Log) accepted() error {
	seen := l.opts.Seen
	after := map[string]string{"log": seen.Log, "seq": strconv.FormatUint(seen.Seq, 10), "hash": seen.Hash, "ts": seen.Time}
	if err := l.write(&Record{Action: ActionAccepted, Target: seen.Log, Outcome: "ok", After: cleanAll(after)}); err != nil {
		return err
	}
	l.unsealed++
	return l.seal() // what is remembered from now on
}

// missed refuses to begin a log where another is remembered.
func (l *Log) missed() error {
	if l.opts.Seen.Hash == "" || l.opts.AcceptRollback {
		return nil
	}
	return l.opts.Seen.check(l.opts.Dir, "", 0, "")
}

// check says whether the log still contains a head that somebody remembers. id
// is empty for a log whose beginning was put away.
func (h Head) check(dir, id string, seq uint64, hash string) error {
	lacks := func(format string, args ...any) error {
		return &RollbackError{Dir: dir, Ends: seq, Seen: h, what: fmt.Sprintf(format, args...)}
	}
	switch {
	case h.Hash == "":
		return nil
	case h.Log != "" && id != "" && h.Log != id:
		return lacks("it is log %s, and %s was seen before", id, h.Log)
	case seq == 0:
		return lacks("records 1 to %d are missing: it is empty", h.Seq)
	case h.Seq > seq:
		return lacks("records %d to %d are missing at its end", seq+1, h.Seq)
	case h.Seq < seq:
		var err error
		if hash, err = hashAt(dir, h.Seq); err != nil {
			return err
		}
	}
	if hash != h.Hash {
		return lacks("record %d is not the one that was seen before", h.Seq)
	}
	return nil
}

// hashAt returns the hash a record says it has, "" if it is not there.
func hashAt(dir string, seq uint64) (string, error) {
	list, err := segments(dir)
	if err != nil {
		return "", err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].first > seq {
			continue
		}
		data, err := list[i].read()
		if err != nil {
			return "", err
		}
		begins := fmt.Appendf(nil, `{"seq":%d,`, seq) // as every intact line does
		for line := range lines(data) {
			if !bytes.HasPrefix(line, begins) {
				continue
			}
			if p, err := parse(line); err == nil && p.Seq == seq {
				return p.Hash, nil
			}
		}
		return "", nil
	}
	return "", nil
}
