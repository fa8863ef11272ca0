package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/backup"
	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/filelock"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
)

// restoring is an archive on its way back.
type restoring struct {
	staged  *backup.Staged
	own     belongings // as the archive's configuration wants them
	targets []backup.Target
	// Warnings are doubts that do not keep it from being restored.
	Warnings []string
}

// stage unpacks an archive where nobody uses it, checks that a gateway could run
// on it, and says where its files belong. dir is where the archive's
// configuration goes, present what is there now.
func stage(ctx context.Context, archive io.Reader, passphrase, dir string, present belongings) (*restoring, error) {
	identity, err := backup.Unlock(passphrase)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(place.File(""), 0o700); err != nil {
		return nil, err
	}
	r := &restoring{}
	if r.staged, err = backup.Stage(ctx, archive, place.File(""), backupCaps(), nil, identity); err != nil {
		return nil, err
	}
	if err := r.check(ctx, dir, present); err != nil {
		return nil, errors.Join(fmt.Errorf("the backup is whole, but cannot be used here: %w", err), r.staged.Discard())
	}
	return r, nil
}

// check validates what was unpacked.
func (r *restoring) check(ctx context.Context, dir string, present belongings) error {
	file := ""
	for _, e := range r.staged.Manifest.Items {
		if base := path.Base(e.Name); inConfig+base == e.Name && base != "Caddyfile" {
			file = base
		}
	}
	options := schema.Options{Environ: os.Environ(), Known: provider.Known()}
	var err error
	if file != "" {
		options.Path = filepath.Join(dir, file)
		if options.Data, err = r.read(inConfig + file); err != nil {
			return err
		}
	}
	if options.OverridesData, err = r.read("data/overrides.toon"); errors.Is(err, fs.ErrNotExist) {
		options.OverridesData = nil
	} else if err != nil {
		return err
	}
	result, err := schema.Load(options)
	if err != nil {
		return fmt.Errorf("its configuration is not in order:\n%w", err)
	}
	for _, w := range result.Warnings {
		r.Warnings = append(r.Warnings, w.String())
	}
	r.own = belongingsOf(options.Path, "", result.Config)
	if file == "" && r.has(inConfig+"Caddyfile") {
		r.own.caddyfile = filepath.Join(dir, "Caddyfile")
	}
	r.targets = r.own.targets(r.staged.Manifest, present)
	if err := r.checkKeys(ctx, result.Config); err != nil {
		return err
	}
	return r.checkRest()
}

// checkKeys opens the vault with the key that is on this machine.
func (r *restoring) checkKeys(ctx context.Context, c *schema.Config) error {
	if !r.has(inVault) {
		if c.Refers("vault") {
			return errors.New("its configuration names keys of the vault, and it holds no vault")
		}
		return nil
	}
	options, err := place.VaultOptions(c)
	if err != nil {
		return err
	}
	options.Path = r.file(inVault)
	v, err := vault.Open(ctx, options)
	if errors.Is(err, vault.ErrNoKey) || errors.Is(err, vault.ErrWrongKey) {
		return fmt.Errorf("its vault does not open with the key of this machine; put the vault key that belongs to it to %s, which no backup holds (%w)", keyPlace(c), err)
	}
	if err != nil {
		return err
	}
	for _, k := range c.Keys {
		if _, err := v.Info(k.Secret.Name); k.Secret.Scheme == "vault" && err != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("key %s/%s: the vault has no %q", k.Provider, k.Name, k.Secret.Name))
		}
	}
	if !r.has("data/clients.json") {
		return nil
	}
	pepper, err := v.Derive(pepperLabel)
	if err == nil {
		_, err = client.OpenStore(r.file("data/clients.json"), pepper, nil)
	}
	if err != nil {
		return fmt.Errorf("its client keys: %w", err)
	}
	return nil
}

// keyPlace says where the vault's key is looked for.
func keyPlace(c *schema.Config) string {
	if c.Vault.Key == "" || c.Vault.Key == "auto" {
		return place.VaultKey()
	}
	return "where vault.key of the configuration says (" + c.Vault.Key + ")"
}

// checkRest looks at the form of what no other check reads.
func (r *restoring) checkRest() error {
	for _, name := range []string{"data/users.json", "data/state.json"} {
		data, err := r.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || !json.Valid(data) {
			return fmt.Errorf("%s is no JSON", name)
		}
	}
	if !r.has(inLedger) {
		return nil
	}
	f, err := os.Open(r.file(inLedger))
	if err != nil {
		return err
	}
	defer f.Close()
	var head [16]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:15]) != "SQLite format 3" {
		return errors.New("its usage ledger is no database")
	}
	return nil
}

func (r *restoring) file(name string) string {
	return filepath.Join(r.staged.Dir, filepath.FromSlash(name))
}

func (r *restoring) read(name string) ([]byte, error) { return os.ReadFile(r.file(name)) }

func (r *restoring) has(name string) bool { return place.Exists(r.file(name)) }

// changes says what restoring would do.
func (r *restoring) changes() ([]backup.Change, error) { return r.staged.Compare(r.targets) }

// swap puts everything into place, or nothing. No server may run. note writes it
// down: before, in the audit log that is here and stays, or afterwards in the
// one that is restored.
func (r *restoring) swap(ctx context.Context, now time.Time, auditDir string, note func() error) error {
	return alone(ctx, func() error {
		there, err := plainFiles(auditDir)
		if err == nil && len(there) > 0 {
			err = note()
		}
		if err == nil && len(there) == 0 {
			err = headsFile().forget(auditDir) // the backup's log comes here, which may end sooner
		}
		if err != nil {
			return err
		}
		if err := r.staged.Swap(ctx, place.File(""), r.targets, now); err != nil || len(there) > 0 {
			return err
		}
		return note()
	})
}

// undoRestore brings back what the last restore replaced.
// The audit log is told before, in the files named by the configuration that is
// here.
func undoRestore(ctx context.Context, named string) error {
	_, c, err := presentFiles(named)
	if err != nil { // what is here may be what is to be undone
		c = schema.Defaults()
	}
	return alone(ctx, func() error {
		if err := record(ctx, c, backupUndo, place.File("")); err != nil {
			return err
		}
		if err := headsFile().forget(place.Audit(c)); err != nil { // the log may have come with the restore, and goes with it
			return err
		}
		return backup.Undo(ctx, place.File(""))
	})
}

// alone does something while no server runs on this data directory: one holds
// the lock beside the state it learns for as long as it runs.
func alone(ctx context.Context, do func() error) error {
	lock, err := filelock.Acquire(ctx, place.State()+".lock", 0)
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("aimux is running on %s; stop it first (aimux stop, or systemctl stop aimux)", strings.TrimSuffix(place.File(""), "/"))
	}
	if err != nil {
		return err
	}
	return errors.Join(do(), lock.Release())
}
