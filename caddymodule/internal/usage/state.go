package usage

import (
	"errors"
	"fmt"
)

// tell says what opening the database came upon.
func (k *keeper[T]) tell() {
	found := k.db.found
	k.mu.Lock()
	k.state.Found, k.state.Opened = found, k.now()
	k.mu.Unlock()
	if text := found.String(); text != "" {
		k.logger.Warn("ledger reopened", "store", k.db.noun, "path", k.db.path, "found", text, "moved_to", found.Aside)
		k.trouble(fmt.Errorf("%s: %s", k.db.noun, text))
	}
	if found.From != 0 {
		k.logger.Info("ledger migrated", "store", k.db.noun, "path", k.db.path, "from", found.From, "to", len(k.db.steps))
	}
}

// measure takes the database's sizes into the state.
func (k *keeper[T]) measure() error {
	rows, err1 := k.db.get("rows")
	live, file, err2 := k.db.size()
	k.mu.Lock()
	k.state.Rows, k.state.Size, k.state.Live = rows, file, live
	k.mu.Unlock()
	return errors.Join(err1, err2)
}

// report takes note of success or failure, and says so when it changes. After
// a failure the work is tried again, later each time.
func (k *keeper[T]) report(err error) {
	was := k.pause
	k.mu.Lock()
	k.state.Open = k.opened
	if err != nil {
		k.state.LastError, k.state.Since = err.Error(), k.now()
	}
	k.state.Failing = err != nil
	k.mu.Unlock()
	if err == nil {
		k.pause = 0
		if was != 0 {
			k.logger.Info("ledger recovered", "store", k.db.noun, "path", k.db.path)
			k.trouble(nil)
		}
		return
	}
	k.pause = min(max(2*was, firstPause), maxPause)
	k.again.Reset(k.pause)
	if was == 0 {
		k.logger.Error("ledger failing", "store", k.db.noun, "path", k.db.path, "error", err)
		k.trouble(err)
	}
}

// health returns the state with what waits.
func (k *keeper[T]) health() Health {
	k.mu.Lock()
	h := k.state
	k.mu.Unlock()
	n, since := k.queue.waiting()
	h.Pending = int64(n)
	h.Dropped, h.LostAt = k.queue.losses()
	if n > 0 {
		h.Lag = max(k.now().Sub(since), 0)
	}
	return h
}
