package usage

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed says that the ledger, or the capture, is closed.
var ErrClosed = errors.New("closed")

// Health is how a ledger, or a capture, is doing.
type Health struct {
	// Open says that the file is open. It may not be yet, or not at present.
	Open bool
	// Failing says that the last try to write failed. The next follows within
	// 15 seconds; meanwhile what comes waits in the queue.
	Failing   bool
	LastError string    // the last there was; it stays when things are well again
	Since     time.Time // of LastError
	// Rows are in the database; Written went there through this process;
	// Pending wait in the queue; Dropped found the queue full, or closed.
	Rows, Written, Pending, Dropped int64
	LostAt                          time.Time     // when the last row was dropped
	Lag                             time.Duration // how long the oldest row has been pending
	Flushed                         time.Time     // the last time rows were written
	// Size is the database file's in bytes, Live what of it is in use. Up to
	// 4 MiB of log come on top. Both are measured once a minute.
	Size, Live int64
	Found      Found     // by the last opening
	Opened     time.Time // that opening
}

// OK reports whether all is well and nothing was lost, and in a sentence what
// is not.
func (h Health) OK() (bool, string) {
	switch {
	case h.Failing && h.Dropped > 0:
		return false, fmt.Sprintf("%s; %d rows wait, %d were lost", h.LastError, h.Pending, h.Dropped)
	case h.Failing:
		return false, fmt.Sprintf("%s; %d rows wait, none were lost", h.LastError, h.Pending)
	case h.Dropped > 0:
		return false, fmt.Sprintf("%d rows were lost since the process began", h.Dropped)
	case h.Found.Aside != "":
		return false, h.Found.String()
	}
	return true, ""
}

// fresh is how long something that is over still counts as trouble.
const fresh = 5 * time.Minute

// Trouble says in a sentence what is wrong at present; empty: nothing. What is
// over (rows were lost, a damaged file was put aside) is said for five minutes:
// long enough to be noticed, and then the next time is noticed too. The figures
// in Health and the notes in the file stay.
func (h Health) Trouble(now time.Time) string {
	switch {
	case h.Failing,
		h.Dropped > 0 && now.Sub(h.LostAt) < fresh,
		h.Found.Aside != "" && now.Sub(h.Opened) < fresh:
		_, text := h.OK()
		return text
	}
	return ""
}
