package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Runner makes backups on a schedule. Its fields are not changed once it runs.
type Runner struct {
	// Dir is where the backups go. It is made if need be.
	Dir string
	// Every is the time between two backups. Default: 24h.
	Every time.Duration
	// Keep says which are kept.
	Keep Keep
	// Make writes one archive: a call of Create.
	Make func(ctx context.Context, w io.Writer, now time.Time) error
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger hears of backups made and failed. Default: slog.Default().
	Logger *slog.Logger
}

// retryAfter is how long a Runner waits after a backup failed, at most.
const retryAfter = 10 * time.Minute

// Run makes backups until ctx is done. The first is due Every after the newest that
// is there, and at once if there is none.
func (r *Runner) Run(ctx context.Context) {
	wait := r.due()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = r.every()
		if path, err := r.Once(ctx); err != nil {
			wait = min(wait, retryAfter)
			r.logger().Error("backup failed", "dir", r.Dir, "error", err.Error(), "retry_in", wait)
		} else {
			r.logger().Info("backup made", "file", path)
		}
	}
}

func (r *Runner) every() time.Duration {
	if r.Every > 0 {
		return r.Every
	}
	return 24 * time.Hour
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Runner) logger() *slog.Logger {
	if r.Logger != nil {
		return r.Logger
	}
	return slog.Default()
}

// due returns how long it is until the first backup. A newest one that was made in
// the future, by a clock that was wrong, does not keep others from being made.
func (r *Runner) due() time.Duration {
	made, err := List(r.Dir)
	if err != nil || len(made) == 0 {
		return 0
	}
	since := r.now().Sub(made[0])
	if since < 0 {
		return 0
	}
	return max(0, r.every()-since)
}

// Once makes a backup now and deletes those that are not to be kept. The file
// appears under its name only when it is whole and on the disk; when making it
// failed, nothing is deleted.
func (r *Runner) Once(ctx context.Context) (path string, err error) {
	now := r.now()
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return "", fmt.Errorf("making a backup: %w", err)
	}
	r.sweep(now)
	path = filepath.Join(r.Dir, FileName(now))
	if err := r.file(ctx, path, now); err != nil {
		return "", fmt.Errorf("making a backup: %w", err)
	}
	if _, err := Rotate(r.Dir, r.Keep); err != nil {
		return path, err
	}
	return path, nil
}

// file writes an archive beside its place and renames it.
func (r *Runner) file(ctx context.Context, path string, now time.Time) error {
	f, err := os.CreateTemp(r.Dir, tempPattern) // made with O_EXCL and 0600
	if err != nil {
		return err
	}
	err = errors.Join(r.Make(ctx, f, now), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, remove(f.Name()))
	}
	return syncDir(r.Dir)
}

// tempPattern is the name of a backup that is being written.
const tempPattern = ".aimux-*.tmp"

// sweep removes what a process that died left of a backup an hour ago or longer.
func (r *Runner) sweep(now time.Time) {
	entries, _ := os.ReadDir(r.Dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), ".aimux-") && strings.HasSuffix(e.Name(), ".tmp") && now.Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(r.Dir, e.Name()))
		}
	}
}
