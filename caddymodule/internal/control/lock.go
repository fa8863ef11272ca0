package control

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
)

// patience is how long a change waits for another one.
const patience = 2 * time.Second

// Alone takes the lock beside the overrides at path. Every console of a process,
// its admin endpoint, and commands on this machine have planes of their own on
// the same file: who changes it holds the lock from reading it until the change
// is in force. Where nothing can be written there is nothing to keep apart and
// no lock; the returned one is nil then, which can be released too.
func Alone(ctx context.Context, path string) (*filelock.Lock, error) {
	_ = ensureDir(path) // whoever writes says why that cannot be
	lock, err := filelock.Acquire(ctx, path+".lock", patience)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, console.Conflict("another change of the configuration is under way; try again")
	case err != nil && ctx.Err() == nil && !writable(filepath.Dir(path)):
		return nil, nil
	}
	return lock, err
}

// writable reports whether files can be made in dir.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".lock-*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// changeable refuses changes of a configuration that overrides do not lie over.
func (p *Plane) changeable() error {
	if why := p.Gateway.View().Fixed; why != "" {
		return console.Conflict(why)
	}
	return nil
}

// alone is Alone for one change of this plane, if there can be any.
func (p *Plane) alone(ctx context.Context) (release func(), err error) {
	if err := p.changeable(); err != nil {
		return nil, err
	}
	p.changing.Lock()
	lock, err := Alone(ctx, p.Overrides)
	if err != nil {
		p.changing.Unlock()
		return nil, err
	}
	return func() {
		if err := lock.Release(); err != nil {
			p.Logger.Warn("the lock of the overrides cannot be given back", "error", err.Error())
		}
		p.changing.Unlock()
	}, nil
}
