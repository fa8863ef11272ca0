package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// sink writes batches of one kind of row to a database. Its methods are called
// by the keeper's goroutine alone.
type sink[T any] interface {
	// prepare makes ready to write to a database that was just opened; release
	// undoes it.
	prepare(*database) error
	release()
	// write puts a batch into the database, within a transaction. forget drops
	// what was learned in a transaction that then failed.
	write(batch []T, now time.Time) error
	forget()
	// clear deletes a bounded part of what is too old or too much. more says
	// that there is more of it.
	clear(now time.Time) (deleted int64, more bool, err error)
}

// keeper owns a database and the goroutine that writes it: it gathers items,
// writes them together, tries again when the disk will not have them, and
// tidies up between.
type keeper[T any] struct {
	db      *database
	sink    sink[T]
	queue   *queue[T]
	flush   time.Duration
	now     func() time.Time
	logger  *slog.Logger
	trouble func(error)

	asks chan func()
	stop chan struct{}
	once sync.Once
	done chan struct{}
	end  error // of the goroutine, once done is closed

	opened bool          // the goroutine's: the database is open
	pause  time.Duration // the goroutine's: between tries; 0: all is well
	again  *time.Timer
	sweep  *time.Timer

	mu    sync.Mutex
	state Health
}

// The pauses between tries to write to a disk that refuses.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 15 * time.Second
)

// launch starts the goroutine. wait is how long it may leave the database
// closed while nothing is recorded.
func (k *keeper[T]) launch(wait time.Duration) {
	k.asks, k.stop, k.done = make(chan func()), make(chan struct{}), make(chan struct{})
	k.again, k.sweep = time.NewTimer(wait), time.NewTimer(tidyEvery)
	go k.run()
}

func (k *keeper[T]) run() {
	defer close(k.done)
	defer k.again.Stop()
	defer k.sweep.Stop()
	for {
		select {
		case <-k.queue.filled:
			if k.pause == 0 && k.gather() {
				k.work()
			}
		case <-k.again.C:
			k.work()
		case <-k.sweep.C:
			k.sweep.Reset(k.tidy())
		case ask := <-k.asks:
			ask()
		case <-k.stop:
			k.end = k.finish()
			return
		}
	}
}

// gather lets a batch fill up. It reports false if the keeper is to stop.
func (k *keeper[T]) gather() bool {
	t := time.NewTimer(k.flush)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return true
		case <-k.queue.half:
			return true
		case ask := <-k.asks:
			ask()
		case <-k.stop:
			notify(k.queue.filled)
			return false
		}
	}
}

// work opens the database if need be and writes what waits. After a failure it
// will be called again.
func (k *keeper[T]) work() error {
	err := k.guard(func() error {
		err := k.open()
		if err == nil {
			err = k.write()
		}
		if corrupt(err) && k.opened {
			err = k.renew(err)
		}
		return err
	})
	k.report(err)
	return err
}

// guard calls f. A panic in it is an error of the ledger, not the end of the
// gateway: the database is closed, to be opened again.
func (k *keeper[T]) guard(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the %s panicked: %v", k.db.noun, cause)
			k.opened = false
			k.sink.release()
			_ = k.db.release()
		}
	}()
	return f()
}

// open opens the database unless it is open.
func (k *keeper[T]) open() error {
	if k.opened {
		return nil
	}
	if err := k.db.open(k.now()); err != nil {
		return err
	}
	if err := k.sink.prepare(k.db); err != nil {
		k.sink.release()
		_ = k.db.release()
		return err
	}
	k.opened = true
	k.tell()
	return k.measure()
}

// write writes what waits, in one transaction.
func (k *keeper[T]) write() error {
	batch, dropped := k.queue.take()
	if len(batch) == 0 && dropped == 0 {
		return nil
	}
	written := false
	defer func() {
		if !written { // a panic counts
			k.sink.forget()
			k.queue.back(batch, dropped, k.now())
		}
	}()
	now := k.now()
	err := k.db.within(func() error { return k.put(batch, dropped, now) })
	if err != nil {
		return fmt.Errorf("writing the %s: %w", k.db.noun, err)
	}
	written = true
	k.mu.Lock()
	k.state.Written += int64(len(batch))
	k.state.Rows += int64(len(batch))
	k.state.Flushed = now
	k.mu.Unlock()
	k.queue.done(batch)
	return nil
}

// put is what a transaction writes.
func (k *keeper[T]) put(batch []T, dropped int64, now time.Time) error {
	if err := k.sink.write(batch, now); err != nil {
		return err
	}
	if dropped > 0 {
		if err := k.db.note(now, NoteDropped, dropped, ""); err != nil {
			return err
		}
	}
	if err := k.db.exec("INSERT INTO meta(name, value) VALUES ('rows', ?1) ON CONFLICT(name) DO UPDATE SET value = value + ?1", len(batch)); err != nil {
		return err
	}
	return k.db.set("flushed", now.UnixMicro())
}

// renew puts a database that turned out damaged aside and goes on with a new
// one.
func (k *keeper[T]) renew(cause error) error {
	k.sink.release()
	k.opened = false
	if err := k.db.replace(k.now(), cause); err != nil {
		_ = k.db.release()
		return err
	}
	if err := k.sink.prepare(k.db); err != nil {
		k.sink.release()
		_ = k.db.release()
		return err
	}
	k.opened = true
	k.tell()
	return errors.Join(k.measure(), k.write())
}

// tidy deletes what retention says and returns when to look again.
func (k *keeper[T]) tidy() time.Duration {
	if !k.opened || k.pause != 0 {
		return tidyEvery
	}
	var more bool
	err := k.guard(func() (err error) {
		more, err = k.clear()
		if corrupt(err) {
			err = k.renew(err)
		}
		return err
	})
	if err != nil {
		k.report(fmt.Errorf("tidying the %s: %w", k.db.noun, err))
		return tidyEvery
	}
	if more {
		return tidyAgain
	}
	return tidyEvery
}

func (k *keeper[T]) clear() (more bool, err error) {
	deleted, more, err := k.sink.clear(k.now())
	if err != nil {
		return false, err
	}
	if deleted > 0 {
		k.logger.Debug("ledger tidied", "store", k.db.noun, "rows", deleted, "more", more)
	}
	return more, k.measure()
}

// finish writes what waits a last time and closes the database.
func (k *keeper[T]) finish() error {
	var err error
	if n, _ := k.queue.waiting(); n > 0 || k.opened {
		err = k.work()
	}
	if n, _ := k.queue.waiting(); err != nil && n > 0 {
		err = fmt.Errorf("%d rows could not be written: %w", n, err)
	}
	k.sink.release()
	if k.opened {
		err = errors.Join(err, k.db.close())
		k.opened = false
	}
	k.mu.Lock()
	k.state.Open = false
	k.mu.Unlock()
	return err
}

// ask has f called by the goroutine and waits for it.
func (k *keeper[T]) ask(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	select {
	case k.asks <- func() { answer <- f() }:
	case <-k.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the goroutine, after a last try to write, and waits for it.
func (k *keeper[T]) close(ctx context.Context) error {
	k.once.Do(func() { close(k.stop) })
	select {
	case <-k.done:
		return k.end
	case <-ctx.Done():
		return fmt.Errorf("closing the %s: %d rows are not written yet: %w", k.db.noun, k.queue.unwritten(), ctx.Err())
	}
}
