package usage

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
)

// Options say where and how a ledger is kept. Path is required.
type Options struct {
	// Path is the database file; its directory is made if need be. Beside it
	// come path-wal and path-shm, which are part of it, and path.lock.
	Path string
	// Retention is how long rows are kept. Totals by the hour are kept for 90
	// days or as long as the rows, totals by the day for good. Default: 30 days.
	// Negative: rows are kept for good.
	Retention time.Duration
	// MaxSize bounds the database in bytes: the oldest rows go first. Default:
	// 1 GiB. Negative: no bound.
	MaxSize int64
	// Flush is how long rows gather before they are written together. Default,
	// and at most: 100 ms.
	Flush time.Duration
	// Queue is how many rows may wait; more are dropped. Default: 8192.
	Queue int
	// Delay is how long Start may leave the file alone while nothing is
	// recorded, so that opening it is not part of a start-up. Default: 2 s.
	Delay time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger is told when trouble begins and ends. Default: slog.Default().
	Logger *slog.Logger
	// OnTrouble, unless nil, is called with what went wrong when trouble begins
	// or something was found damaged, and with nil when writing goes on again.
	// It is called by the writing goroutine and must not block.
	OnTrouble func(error)

	pragma string // tests make the disk small with it
}

func (o Options) filled() Options {
	if o.Retention == 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.MaxSize == 0 {
		o.MaxSize = 1 << 30
	}
	if o.Flush <= 0 || o.Flush > 100*time.Millisecond {
		o.Flush = 100 * time.Millisecond
	}
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	if o.Delay <= 0 {
		o.Delay = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnTrouble == nil {
		o.OnTrouble = func(error) {}
	}
	return o
}

// Ledger writes exchanges to a database. It is safe for concurrent use.
type Ledger struct {
	keeper keeper[Exchange]
	closed atomic.Bool

	mu     sync.Mutex
	reader *Reader
	aside  string // the damaged file that reader was not opened before
}

// Start returns a ledger at once. It opens its file with the first exchange,
// the first question or after Options.Delay, and if that fails tries again and
// again: meanwhile Health says why. It suits a gateway, whose traffic matters
// more than its ledger.
func Start(o Options) (*Ledger, error) {
	l, o, err := newLedger(o)
	if err != nil {
		return nil, err
	}
	l.keeper.launch(o.Delay)
	return l, nil
}

// Open returns a ledger whose file is open. The error is ErrLocked if another
// process writes it and ErrFuture if a newer aimux did.
func Open(o Options) (*Ledger, error) {
	l, o, err := newLedger(o)
	if err != nil {
		return nil, err
	}
	if err := l.keeper.open(); err != nil {
		return nil, err
	}
	l.keeper.state.Open = true
	l.keeper.launch(o.Delay)
	return l, nil
}

func newLedger(o Options) (*Ledger, Options, error) {
	if o.Path == "" {
		return nil, o, fmt.Errorf("opening the usage ledger: no path is given")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, o, fmt.Errorf("opening the usage ledger: %w", err)
	}
	o = o.filled()
	l := &Ledger{keeper: keeper[Exchange]{
		db:   &database{noun: "usage ledger", path: path, app: ledgerApp, steps: ledgerSteps(), extra: o.pragma},
		sink: newRows(o), queue: newQueue[Exchange](o.Queue),
		flush: o.Flush, now: o.Now, logger: o.Logger, trouble: o.OnTrouble,
	}}
	return l, o, nil
}

// Configure changes how long and how much the ledger keeps while it is at work.
// Both are as in Options, and count from the next time it tidies up: within a
// minute.
func (l *Ledger) Configure(retention time.Duration, maxSize int64) {
	o := Options{Retention: retention, MaxSize: maxSize}.filled()
	l.keeper.sink.(*rows).tidy.allow(o.Retention, o.MaxSize)
}

// Record takes an exchange to be written. It never blocks. It reports false if
// the exchange was dropped because the queue is full or the ledger closed;
// Health counts those. The ledger owns x.Attempts from then on.
func (l *Ledger) Record(x Exchange) bool {
	if l.closed.Load() {
		l.keeper.queue.lose(l.keeper.now())
		return false
	}
	return l.keeper.queue.put(&x, l.keeper.now)
}

// Observe records what the gateway tells: a Ledger is a gateway.Observer.
func (l *Ledger) Observe(r *gateway.Record) { l.Record(FromRecord(r)) }

// Flush writes what was recorded until now and waits for it. The error says
// why it cannot be written at present.
func (l *Ledger) Flush(ctx context.Context) error {
	return l.keeper.ask(ctx, l.keeper.work)
}

// Health returns how the ledger is doing. It waits for no disk.
func (l *Ledger) Health() Health { return l.keeper.health() }

// Reader returns the reader of this ledger's file, which is opened if need be.
// The ledger closes it. What was recorded within the last flush is not in its
// answers yet.
func (l *Ledger) Reader(ctx context.Context) (*Reader, error) {
	if !l.Health().Open {
		if err := l.Flush(ctx); err != nil {
			return nil, err
		}
	}
	aside := l.Health().Found.Aside
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return nil, fmt.Errorf("reading the usage ledger: %w", ErrClosed)
	}
	if l.reader != nil && l.aside == aside {
		return l.reader, nil
	}
	if l.reader != nil {
		_ = l.reader.Close() // of the file that was moved aside
		l.reader = nil
	}
	r, err := OpenReader(l.keeper.db.path)
	if err != nil {
		return nil, err
	}
	l.reader, l.aside = r, aside
	return r, nil
}

// Close writes what was recorded and closes the file. It gives up waiting when
// ctx ends. The error says if something could not be written.
func (l *Ledger) Close(ctx context.Context) error {
	l.closed.Store(true)
	l.mu.Lock()
	if l.reader != nil {
		_ = l.reader.Close()
		l.reader = nil
	}
	l.mu.Unlock()
	return l.keeper.close(ctx)
}

var _ gateway.Observer = (*Ledger)(nil)
