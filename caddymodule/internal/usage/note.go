package usage

import "time"

// Note is an event in the ledger's own life that readers of its figures should
// know of.
type Note struct {
	At   time.Time
	Kind string // one of the Note constants
	// Count is how many exchanges a NoteDropped is about, and the version a
	// NoteMigrated began from.
	Count int64
	Text  string // for NoteAside: where the damaged file went
}

// The kinds of notes.
const (
	NoteDropped  = "dropped"  // exchanges were not written: the queue was full
	NoteUnclean  = "unclean"  // the process before was killed; up to 100 ms of exchanges may be missing
	NoteAside    = "damaged"  // the totals begin anew here
	NoteMigrated = "migrated" // the schema was lifted
)

// manyNotes is how many notes are kept.
const manyNotes = 1000
