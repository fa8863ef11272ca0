package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/backup"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// belongings are the files that aimux would be lost without, by where they are
// on this machine. Empty ones are not there.
type belongings struct {
	config, caddyfile                                      string // the user's
	overrides, vault, clients, users, ledger, audit, state string // aimux's own
}

// belongingsOf says where the files of a configuration are. file is the user's
// document.
func belongingsOf(file, overrides string, c *schema.Config) belongings {
	b := belongings{
		config: file, overrides: cmp.Or(overrides, place.Overrides()), vault: place.Vault(c), clients: place.Clients(), users: place.File("users.json"),
		audit: place.Audit(c), state: place.State(),
	}
	if c.Usage.Enabled {
		b.ledger = place.Ledger(c)
	}
	if file != "" {
		b.caddyfile = filepath.Join(filepath.Dir(file), "Caddyfile")
	}
	return b
}

// The names of files and directories in an archive.
const (
	inConfig = "config/"
	inUndo   = "data/undo/"
	inAudit  = "data/audit/"
	inLedger = "data/usage.db"
	inVault  = "data/vault.json"
)

// The largest sizes, in bytes, of what has no small one.
const (
	maxLedger  = 8 << 30
	maxSegment = 64 << 20
)

// backupCaps are the sizes that items of an archive may have.
func backupCaps() backup.Caps { return backup.Caps{inLedger: maxLedger} }

// single are the files that stand alone, by their names in an archive. The
// ledger is not among them, which is copied by the database.
func (b belongings) single() []backup.Target {
	out := []backup.Target{
		{Name: "data/overrides.toon", Path: b.overrides, Text: true}, {Name: inVault, Path: b.vault}, {Name: "data/clients.json", Path: b.clients},
		{Name: "data/users.json", Path: b.users}, {Name: "data/state.json", Path: b.state},
	}
	if b.config != "" {
		out = append(out, backup.Target{Name: inConfig + filepath.Base(b.config), Path: b.config, Text: true})
	}
	if b.caddyfile != "" {
		out = append(out, backup.Target{Name: inConfig + "Caddyfile", Path: b.caddyfile, Text: true})
	}
	return out
}

// savedDir is a directory whose files are saved, with the beginning of their
// names in an archive.
type savedDir struct{ prefix, path string }

func (b belongings) dirs() [2]savedDir {
	return [...]savedDir{{inAudit, b.audit}, {inUndo, filepath.Join(filepath.Dir(b.overrides), "undo")}}
}

// items are what goes into an archive. The ledger's copy is made in temp and is
// its caller's to remove.
func (b belongings) items(ctx context.Context, temp string) ([]backup.Item, error) {
	var out []backup.Item
	for _, t := range b.single() {
		if info, err := os.Stat(t.Path); err == nil && info.Mode().IsRegular() {
			out = append(out, wholeFile(t.Name, t.Path))
		}
	}
	for _, dir := range b.dirs() {
		names, err := plainFiles(dir.path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			out = append(out, wholeFile(dir.prefix+name, filepath.Join(dir.path, name)))
		}
	}
	slices.SortFunc(out, func(x, y backup.Item) int { return strings.Compare(x.Name, y.Name) })
	ledger, err := b.ledgerItem(ctx, temp)
	return append(out, ledger...), err
}

// plainFiles lists the files of a directory that are no leavings of a write.
func plainFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		if e.Type().IsRegular() && name[0] != '.' && !strings.HasSuffix(name, "~") && name != "lock" && !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, ".tmp") {
			out = append(out, name)
		}
	}
	return out, err
}

// wholeFile is a file that is read at one go: another process may be adding to
// it. Half a line at the end of a log is left out.
func wholeFile(name, file string) backup.Item {
	return backup.Item{Name: name, Cap: maxSegment, Open: func() (io.ReadCloser, error) {
		data, err := os.ReadFile(file)
		if strings.HasSuffix(name, ".jsonl") {
			data = data[:bytes.LastIndexByte(data, '\n')+1]
		}
		return io.NopCloser(bytes.NewReader(data)), err
	}}
}

// ledgerItem is a copy of the usage ledger as of one moment.
func (b belongings) ledgerItem(ctx context.Context, temp string) ([]backup.Item, error) {
	if b.ledger == "" || !place.Exists(b.ledger) {
		return nil, nil
	}
	r, err := usage.OpenReader(b.ledger)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	file := filepath.Join(temp, "usage.db")
	if err := r.Copy(ctx, file); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return os.Open(file) }
	return []backup.Item{{Name: inLedger, Cap: maxLedger, Open: open}}, nil
}

// save writes an archive.
func (b belongings) save(ctx context.Context, w io.Writer, now time.Time, passphrase string) (*backup.Manifest, error) {
	recipient, err := backup.Passphrase(passphrase)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(place.File(""), 0o700); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(place.File(""), ".backup-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	items, err := b.items(ctx, temp)
	if err != nil {
		return nil, fmt.Errorf("collecting what is to be saved: %w", err)
	}
	return backup.Create(ctx, w, items, backup.Info{Created: now, Program: "aimux " + Version}, recipient)
}

// targets says where the files of an archive belong, if b is how the archive's
// configuration wants them and present what is there now. What is there and is
// not in the archive goes.
//
// An audit log that is there is never replaced by an older one: the archive's is
// put into a directory of its own beside it.
func (b belongings) targets(m *backup.Manifest, present belongings) []backup.Target {
	out := b.single()
	if present.config != "" && b.config != "" && filepath.Dir(present.config) == filepath.Dir(b.config) {
		out = append(out, backup.Target{Name: inConfig + filepath.Base(present.config), Path: present.config, Text: true})
	}
	if b.ledger != "" {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			out = append(out, backup.Target{Name: inLedger + suffix, Path: b.ledger + suffix})
		}
	}
	dirs := b.dirs()
	former, _ := plainFiles(dirs[1].path)
	for _, name := range former {
		out = append(out, backup.Target{Name: inUndo + name, Path: filepath.Join(dirs[1].path, name)})
	}
	if names, _ := plainFiles(b.audit); len(names) > 0 {
		dirs[0].path = filepath.Join(b.audit, "restored-"+m.Created.UTC().Format("20060102T150405Z"))
	}
	for _, e := range m.Items {
		for _, dir := range dirs {
			if path.Dir(e.Name)+"/" == dir.prefix {
				out = append(out, backup.Target{Name: e.Name, Path: filepath.Join(dir.path, path.Base(e.Name))})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y backup.Target) int { return strings.Compare(x.Name, y.Name) })
	return slices.CompactFunc(out, func(x, y backup.Target) bool { return x.Name == y.Name })
}

// backups returns what makes the server's own backups as the configuration in
// force wants them; nil if it wants none. Run makes them until its context is
// done.
func (a *App) backups(rt *runtime) *backup.Runner {
	c := rt.config.Backups
	if c.Every <= 0 {
		return nil
	}
	own := belongingsOf(a.Source, a.overrides(), rt.config)
	return &backup.Runner{
		Dir: cmp.Or(c.Directory, place.File("backups")), Every: c.Every.Std(),
		Keep: backup.Keep{Last: 1, Daily: c.KeepDaily, Weekly: c.KeepWeekly}, Logger: a.logger,
		Make: func(ctx context.Context, w io.Writer, now time.Time) error {
			passphrase, err := rt.services.fetch(c.Passphrase)
			if err == nil {
				err = rt.services.auditor.record(ctx, "backup.create", cmp.Or(c.Directory, place.File("backups")))
			}
			if err == nil {
				_, err = own.save(ctx, w, now, passphrase)
			}
			return err
		},
	}
}

// finishRestore ends a restore that a crash interrupted: either all the old files
// or all the new ones are there when it returns. It is to be called before the
// configuration is read.
func finishRestore(ctx context.Context, logger *slog.Logger, now time.Time) error {
	did, err := backup.Recover(ctx, place.File(""), now)
	if err != nil {
		return fmt.Errorf("a restore was interrupted and cannot be ended: %w", err)
	}
	if did != "" {
		logger.Warn("a restore was interrupted", "now", did)
	}
	return nil
}
