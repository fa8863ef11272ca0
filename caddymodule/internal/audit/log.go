// Package audit writes down who changed what, so that later changes to the
// writing show.
//
// The log is a directory of JSON lines. Each record holds the hash of the one
// before, so that nothing can be changed, removed or put in between without
// breaking the chain; checkpoints, signed with Ed25519, state from time to
// time where it stands. [Log.Append] returns when the record is on the disk, and an
// error if it is not: whoever wanted to make the change must then not make it.
// Several processes may write to one log, one record at a time.
//
// [Verify] finds what was tampered with, [Show] pages through the records and
// [Export] copies them out.
//
// What the chain cannot show by itself is a missing end, or a log written anew
// as a whole by somebody who has the signing key. For that, heads must be
// remembered elsewhere: see Options.OnHead and VerifyOptions.Seen. Somebody
// who is root on this machine and has every copy can rewrite everything.
package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/crash"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

// What can be wrong, for errors.Is.
var (
	// ErrDamaged says that the end of the log does not hold.
	ErrDamaged = errors.New("the audit log is damaged")
	// ErrRolledBack says that the log lacks records that were seen before.
	ErrRolledBack = errors.New("the audit log was rolled back")
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("the audit log is closed")
)

// Options says where the log is and how it is written.
type Options struct {
	// Dir holds the log. It is made if need be, for this user alone.
	Dir string
	// Key signs checkpoints. Default: they are not signed, and Verify says so.
	Key ed25519.PrivateKey
	// SegmentSize is the size in bytes at which a new file is begun.
	// Default: 8 MiB.
	SegmentSize int64
	// Every is the number of records after which a checkpoint is written.
	// Default: 1000.
	Every int
	// Within is the longest time a record stays without one. Default: 60s.
	Within time.Duration
	// OnHead is told of every checkpoint, to keep a copy elsewhere, once it is
	// on the disk: a copy may lag behind the log and never leads. It is called
	// without locks held and must not take long. Default: nobody is told.
	OnHead func(Head)
	// Seen is a head that somebody remembers; a log without it is refused with
	// a RollbackError. Default: nothing is remembered.
	Seen Head
	// AcceptRollback goes on with a log that lacks Seen. The log says so in a
	// record, with the head that is missing.
	AcceptRollback bool
	// AcceptDamage moves what follows the last good record aside instead of
	// refusing a log whose end was damaged. The log says so in a record.
	AcceptDamage bool
	// LockWait is how long a record waits for another process. Default: 2s.
	LockWait time.Duration
	// BootID names this run of the process. Default: random.
	BootID string
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	open func(path string, flag int) (file, error) // for tests
}

// file is what the log needs of a segment that is open for writing.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
}

func (o *Options) defaults() {
	if o.SegmentSize <= 0 {
		o.SegmentSize = 8 << 20
	}
	if o.Every <= 0 {
		o.Every = 1000
	}
	if o.Within <= 0 {
		o.Within = time.Minute
	}
	if o.LockWait == 0 {
		o.LockWait = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BootID == "" {
		o.BootID = randomID(8)
	}
	if o.open == nil {
		o.open = func(path string, flag int) (file, error) { return openNoFollow(path, flag) }
	}
}

// Log is an audit log that is open for writing. It is safe for concurrent use.
type Log struct {
	opts Options

	mu       sync.Mutex
	id       string
	seq      uint64 // of the last record
	head     string // its hash
	path     string // of the current segment
	file     file   // nil: to be found on disk again
	info     os.FileInfo
	size     int64
	unsealed int // records since the last checkpoint, at least
	heads    []Head
	timer    *time.Timer // runs while there are unsealed records
	closed   bool
}

// Open opens the log, or begins one in an empty directory. It reads the end of
// the log and, if a crash left half a record there, moves that aside. It does
// not verify the whole log; that is what Verify is for.
func Open(ctx context.Context, opts Options) (*Log, error) {
	opts.defaults()
	l := &Log{opts: opts}
	if opts.Key != nil && len(opts.Key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("opening the audit log: the signing key has %d bytes instead of %d", len(opts.Key), ed25519.PrivateKeySize)
	}
	err := os.MkdirAll(opts.Dir, 0o700)
	if err == nil {
		err = l.locked(ctx, l.resumed)
	}
	if err != nil {
		l.abandon()
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return l, nil
}

// abandon lets go of everything and writes nothing: a checkpoint in a log that
// was refused would have what is wrong remembered as right.
func (l *Log) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.shut()
}

// Append writes a record and returns once it is on the disk. After an error
// nothing was recorded, and what was to be recorded must not be done.
func (l *Log) Append(ctx context.Context, e Event) (Record, error) {
	r, err := e.record()
	if err == nil {
		err = l.locked(ctx, func() error { return l.append(&r) })
	}
	if err != nil {
		return Record{}, fmt.Errorf("writing to the audit log: %w", err)
	}
	return r, nil
}

// locked runs f while this process alone may write, with the state as it is on
// disk, and then hands out the heads that came up.
func (l *Log) locked(ctx context.Context, f func() error) error {
	l.mu.Lock()
	err := l.exclusive(ctx, f)
	if l.unsealed > 0 && l.timer == nil && !l.closed {
		l.timer = time.AfterFunc(l.opts.Within, l.tick)
	}
	heads := l.heads
	l.heads = nil
	l.mu.Unlock()
	for _, h := range heads {
		if l.opts.OnHead != nil {
			l.opts.OnHead(h)
		}
	}
	return err
}

func (l *Log) exclusive(ctx context.Context, f func() error) error {
	if l.closed {
		return ErrClosed
	}
	lock, err := filelock.Acquire(ctx, lockPath(l.opts.Dir), l.opts.LockWait)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := l.refresh(); err != nil {
		return err
	}
	return f()
}

// append writes an event's record, and a checkpoint if one is due.
func (l *Log) append(r *Record) error {
	if err := l.rotate(); err != nil {
		return err
	}
	if err := l.write(r); err != nil {
		return err
	}
	l.unsealed++
	if l.unsealed >= l.opts.Every {
		_ = l.seal() // the record is safe; the checkpoint is tried again with the next
	}
	return nil
}

// rotate begins a new segment if the current one is full.
func (l *Log) rotate() error {
	if l.size < l.opts.SegmentSize {
		return nil
	}
	if l.unsealed > 0 {
		if err := l.seal(); err != nil {
			return err
		}
	}
	return l.begin(l.seq + 1)
}

// begin makes a new segment and closes the one before.
func (l *Log) begin(first uint64) error {
	path := segmentPath(l.opts.Dir, first)
	f, err := l.opts.open(path, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return err
	}
	crash.Point("audit: segment made")
	l.shut()
	return l.use(path, f)
}

// write adds one record to the chain. If it cannot be written whole and
// synced, the segment is cut back to what it was.
func (l *Log) write(r *Record) error {
	r.Seq, r.Time, r.Boot, r.Prev = l.seq+1, l.now(), l.opts.BootID, l.head
	line, err := r.line()
	if err != nil {
		return err
	}
	crash.Point("audit: before write")
	_, err = l.file.Write(line)
	crash.Point("audit: written")
	if err == nil {
		err = l.file.Sync()
	}
	crash.Point("audit: synced")
	if err != nil {
		if undo := errors.Join(l.file.Truncate(l.size), l.file.Sync()); undo != nil {
			l.shut() // the next call looks at the disk and cleans up
		}
		return err
	}
	l.seq, l.head = r.Seq, r.Hash
	l.size += int64(len(line))
	return nil
}

// seal writes a checkpoint.
func (l *Log) seal() error {
	c := &Checkpoint{Log: l.id, Seq: l.seq, Head: l.head, Count: l.unsealed, Time: l.now()}
	c.sign(l.opts.Key)
	if err := l.write(&Record{Action: ActionCheckpoint, Outcome: "ok", Checkpoint: c}); err != nil {
		return err
	}
	l.unsealed = 0
	l.heads = append(l.heads, c.headOf())
	return nil
}

// tick seals what has waited long enough. If it cannot, it tries again after
// as long a time.
func (l *Log) tick() {
	l.mu.Lock()
	l.timer = nil
	l.mu.Unlock()
	_ = l.locked(context.Background(), l.sealRest)
}

// sealRest writes a checkpoint if there are records since the last.
func (l *Log) sealRest() error {
	if l.unsealed == 0 {
		return nil
	}
	return l.seal()
}

// Seal writes a checkpoint now if there are records since the last.
func (l *Log) Seal(ctx context.Context) error {
	if err := l.locked(ctx, l.sealRest); err != nil {
		return fmt.Errorf("writing a checkpoint of the audit log: %w", err)
	}
	return nil
}

// Close writes a last checkpoint and closes the log, also if the checkpoint
// cannot be written. Later calls do nothing.
func (l *Log) Close() error {
	err := l.locked(context.Background(), func() error {
		l.closed = true
		return l.sealRest()
	})
	l.abandon()
	if err != nil && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("closing the audit log: %w", err)
	}
	return nil
}

// Head returns where the log stands, unsigned.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Head{Log: l.id, Seq: l.seq, Hash: l.head, Time: l.now()}
}

// shut closes the current segment; refresh will look for it again.
func (l *Log) shut() {
	if l.file != nil {
		l.file.Close()
	}
	l.file = nil
}

func (l *Log) now() string { return l.opts.Now().UTC().Format(timeForm) }

func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
