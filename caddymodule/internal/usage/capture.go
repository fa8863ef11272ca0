package usage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
)

// CaptureOptions say where and how prompts and answers are kept. Path is
// required.
type CaptureOptions struct {
	// Path is the database file, as in Options. It is not the ledger's.
	Path string
	// MaxItem is how many bytes of a text are kept. Default: 256 KiB.
	MaxItem int
	// Retention is how long texts are kept. Default: 7 days. Negative: for good.
	Retention time.Duration
	// MaxSize bounds the database in bytes: the oldest texts go first. Default:
	// 256 MiB. Negative: no bound.
	MaxSize int64
	// Pending is how many bytes may wait to be written. Default: 8 MiB.
	Pending int64
	// Now, Logger and OnTrouble are as in Options.
	Now       func() time.Time
	Logger    *slog.Logger
	OnTrouble func(error)
}

func (o CaptureOptions) filled() CaptureOptions {
	if o.MaxItem <= 0 {
		o.MaxItem = 256 << 10
	}
	if o.Retention == 0 {
		o.Retention = 7 * 24 * time.Hour
	}
	if o.MaxSize == 0 {
		o.MaxSize = 256 << 20
	}
	if o.Pending <= 0 {
		o.Pending = 8 << 20
	}
	common := Options{Now: o.Now, Logger: o.Logger, OnTrouble: o.OnTrouble}.filled()
	o.Now, o.Logger, o.OnTrouble = common.Now, common.Logger, common.OnTrouble
	return o
}

// Capture keeps prompts and answers, for the operator who asked for it: by
// default no gateway has one. Texts are cut to a size, what looks like a key
// is taken out of them, and they have their own file and retention. It is safe
// for concurrent use.
type Capture struct {
	keeper keeper[Captured]
	texts  *texts
	closed atomic.Bool
}

// Captured is one text of an exchange.
type Captured struct {
	RequestID string
	Kind      string // what it is: "request", "answer"; the caller's words
	At        time.Time
	Size      int64 // of the whole text, in bytes
	Cut       bool  // Text is only its beginning
	Text      []byte
}

// captureApp marks a database as captured texts: "aimc" in ASCII.
const captureApp = 0x61696d63

func captureSteps() []string {
	return []string{aboutItself + `
CREATE TABLE captures(seq INTEGER PRIMARY KEY, request TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL, cut INTEGER NOT NULL, text BLOB NOT NULL) STRICT;
CREATE INDEX captures_request ON captures(request);
`}
}

// StartCapture returns a capture at once. Its file is opened with the first
// text, as a ledger's by Start.
func StartCapture(o CaptureOptions) (*Capture, error) {
	if o.Path == "" {
		return nil, errors.New("opening the captured texts: no path is given")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the captured texts: %w", err)
	}
	o = o.filled()
	q := newQueue[Captured](4096)
	q.heavy, q.weigh = o.Pending, func(t *Captured) int64 { return int64(len(t.Text)) }
	w := new(texts)
	w.allow(o)
	c := &Capture{texts: w, keeper: keeper[Captured]{
		db:   &database{noun: "file of captured texts", path: path, app: captureApp, steps: captureSteps()},
		sink: w, queue: q,
		flush: 100 * time.Millisecond, now: o.Now, logger: o.Logger, trouble: o.OnTrouble,
	}}
	c.keeper.launch(2 * time.Second)
	return c, nil
}

// Configure changes how much of a text is kept, and for how long, while the
// capture is at work. Both are as in CaptureOptions.
func (c *Capture) Configure(maxItem int, retention time.Duration) {
	c.texts.allow(CaptureOptions{MaxItem: maxItem, Retention: retention, MaxSize: c.texts.tidy.max.Load()}.filled())
}

// Put takes a copy of a text of an exchange, or of its beginning: size is that of
// the whole. It never blocks. Health counts the texts that were dropped.
func (c *Capture) Put(requestID, kind string, text []byte, size int64) {
	if c.closed.Load() {
		c.keeper.queue.lose(c.keeper.now())
		return
	}
	t := Captured{RequestID: requestID, Kind: kind, At: c.keeper.now(), Size: size}
	t.Text = append([]byte(nil), beginning(text, c.Longest())...)
	t.Cut = int64(len(t.Text)) < size
	c.keeper.queue.put(&t, c.keeper.now)
}

// Longest is how many bytes of a text are kept.
func (c *Capture) Longest() int { return int(c.texts.item.Load()) }

// Get returns the texts of an exchange in the order they were put. There may
// be none.
func (c *Capture) Get(ctx context.Context, requestID string) (out []Captured, err error) {
	err = c.keeper.ask(ctx, func() (err error) {
		if err = c.keeper.work(); err == nil {
			out, err = c.texts.get(requestID)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the captured texts of %s: %w", short(requestID, 60), err)
	}
	return out, nil
}

// Health returns how the capture is doing.
func (c *Capture) Health() Health { return c.keeper.health() }

// Close writes what waits and closes the file, as Ledger.Close does.
func (c *Capture) Close(ctx context.Context) error {
	c.closed.Store(true)
	return c.keeper.close(ctx)
}

// texts writes captured texts. It belongs to the writer's goroutine, but for its
// bounds.
type texts struct {
	db   *database
	tidy tidier
	item atomic.Int64 // bytes of a text
}

func (w *texts) allow(o CaptureOptions) {
	w.item.Store(int64(o.MaxItem))
	w.tidy.allow(o.Retention, o.MaxSize)
}

func (w *texts) prepare(d *database) error { w.db = d; w.tidy.begin(); return nil }
func (w *texts) release()                  {}
func (w *texts) forget()                   {}

func (w *texts) write(batch []Captured, _ time.Time) error {
	for i := range batch {
		t := &batch[i]
		text := redact(t.Text)
		if longest := int(w.item.Load()); len(text) > longest {
			text, t.Cut = beginning(text, longest), true
		}
		err := w.db.exec("INSERT INTO captures(request, kind, at, size, cut, text) VALUES (?, ?, ?, ?, ?, ?)",
			short(t.RequestID, longID), short(t.Kind, longID), t.At.UnixMicro(), t.Size, one(t.Cut), text)
		if err != nil {
			return err
		}
	}
	return nil
}

// get reads the texts of an exchange: a hundred at most.
func (w *texts) get(requestID string) (out []Captured, err error) {
	found, err := w.db.conn.QueryContext(context.Background(),
		"SELECT request, kind, at, size, cut, text FROM captures WHERE request = ? ORDER BY seq LIMIT 100", requestID)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var t Captured
		var at int64
		var text sql.RawBytes
		if err := found.Scan(&t.RequestID, &t.Kind, &at, &t.Size, &t.Cut, &text); err != nil {
			return nil, err
		}
		t.At, t.Text = time.UnixMicro(at).UTC(), append([]byte{}, text...)
		out = append(out, t)
	}
	return out, found.Err()
}

// textsAtOnce bounds the texts deleted in one run.
const textsAtOnce = 200

func (w *texts) clear(now time.Time) (deleted int64, more bool, err error) {
	newest, err := w.db.number("SELECT at FROM captures ORDER BY seq DESC LIMIT 1")
	if err != nil {
		return 0, false, err
	}
	if cut, ok := w.tidy.cutoff(now, newest); ok {
		if deleted, err = w.delete(cut); err != nil {
			return 0, false, err
		}
	}
	live, file, err := w.db.size()
	if max := w.tidy.max.Load(); err == nil && max > 0 && live > max && deleted == 0 {
		deleted, err = w.delete(never)
	}
	if err == nil && (file > live || deleted > 0) {
		err = w.db.shrink(10 * tidyPages)
	}
	return deleted, deleted > 0, err
}

// delete removes the oldest texts that were taken before cut.
func (w *texts) delete(cut int64) (deleted int64, err error) {
	err = w.db.within(func() error {
		err := w.db.exec("DELETE FROM captures WHERE seq IN (SELECT seq FROM captures ORDER BY seq LIMIT ?) AND at < ?", textsAtOnce, cut)
		if err == nil {
			deleted, err = w.db.number("SELECT changes()")
		}
		if err == nil {
			err = w.db.exec("UPDATE meta SET value = value - ? WHERE name = 'rows'", deleted)
		}
		return err
	})
	if err != nil {
		deleted = 0
	}
	return deleted, err
}

var _ gateway.Capture = (*Capture)(nil)
