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
	Lag                             time.Duration // how long the oldest row has been pending
	Flushed                         time.Time     // the last time rows were written
	// Size is the database file's in bytes, Live what of it is in use. Up to
	// 4 MiB of log come on top. Both are measured once a minute.
	Size, Live int64
	Found      Found // by the last opening
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
