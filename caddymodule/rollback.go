package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/vault"
)

// vaultSeen is the action of the records that say how far the vault had come:
// its file alone cannot show that somebody put an older copy in its place.
const vaultSeen = "vault.seen"

// The actions of the records of a restore and of one that is taken back.
const (
	backupRestore = "backup.restore"
	backupUndo    = "backup.undo"
)

// acceptVariable names the environment variable that holds the generation of an
// older vault that is used on purpose.
const acceptVariable = "AIMUX_ACCEPT_VAULT"

// openNewest opens a vault that is at least as new as the audit log in dir says
// it was.
func openNewest(ctx context.Context, options vault.Options, dir string, logger *slog.Logger) (*vault.Vault, error) {
	v, err := vault.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	page, err := audit.Show(ctx, dir, audit.Filter{Action: vaultSeen, Target: v.Status().ID, Limit: 1})
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		logger.Warn("the audit log cannot say how old the vault has to be", "error", err.Error())
		return v, nil
	}
	if len(page.Records) == 0 {
		return v, nil
	}
	last := page.Records[0]
	fields := last.After
	generation, _ := strconv.ParseUint(fields["generation"], 10, 64)
	if err := v.AtLeast(vault.Mark{Generation: generation, Sum: fields["sum"]}); err != nil {
		present := strconv.FormatUint(v.Mark().Generation, 10)
		switch {
		case broughtBack(ctx, dir, last.Seq):
			logger.Info("an older vault is accepted, since it was restored", "generation", present)
		case os.Getenv(acceptVariable) == present:
			logger.Warn("an older vault is accepted, as "+acceptVariable+" says", "generation", present)
		default:
			return nil, fmt.Errorf("%w: start aimux once with %s=%s in its environment", err, acceptVariable, present)
		}
	}
	return v, nil
}

// broughtBack reports whether files were restored from a backup, or a restore
// undone, after a record of the audit log.
func broughtBack(ctx context.Context, dir string, after uint64) bool {
	for _, action := range [...]string{backupRestore, backupUndo} {
		page, err := audit.Show(ctx, dir, audit.Filter{Action: action, Limit: 1})
		if err == nil && len(page.Records) > 0 && page.Records[0].Seq > after {
			return true
		}
	}
	return false
}

// remember writes into the audit log how far the vault has come, if that is not
// there yet. After an error the next call tries again.
func (s *services) remember(ctx context.Context) error {
	if s.vault == nil {
		return nil
	}
	mark := s.vault.Mark()
	if s.auditor.saw(mark) {
		return nil
	}
	return s.auditor.see(ctx, mark, audit.Event{
		Actor: "server", Action: vaultSeen, Target: s.vault.Status().ID,
		After: map[string]string{"generation": strconv.FormatUint(mark.Generation, 10), "sum": mark.Sum},
	})
}

// saw reports whether the last mark this process wrote down is that one.
func (a *auditor) saw(mark vault.Mark) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.marked == mark
}

// see appends e, which says that the vault has come to mark.
func (a *auditor) see(ctx context.Context, mark vault.Mark, e audit.Event) error {
	log, err := a.open(ctx)
	if err != nil {
		return err
	}
	if _, err = log.Append(ctx, e); err == nil {
		a.mu.Lock()
		a.marked = mark
		a.mu.Unlock()
		err = log.Seal(ctx) // the first that can be signed: what stands before is unsigned
	}
	a.note(err)
	return err
}
