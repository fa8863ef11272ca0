package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/command"
	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/backup"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// backupCommand is `aimux backup`.
func backupCommand(cmd *cobra.Command) {
	var to, passphraseFile, config string
	var asJSON bool
	cmd.Use = "backup [--to FILE]"
	cmd.Short = "Saves configuration, keys, clients, users, usage and audit log in one encrypted file"
	cmd.Long = "May be run while aimux serves. The file is encrypted with a passphrase (age): from --passphrase-file, else as backups.passphrase of the " +
		"configuration says, else you are asked. The key that opens the vault is not in it: keep a copy of that elsewhere.\n\n" +
		"The server makes backups by itself if backups.every is set."
	cmd.Example = "  aimux backup\n  aimux backup --to /mnt/usb/aimux.age\n  aimux backup --passphrase-file /etc/aimux/backup.pass --json"
	cmd.Args, cmd.SilenceUsage = cobra.NoArgs, true
	cmd.Flags().StringVar(&to, "to", "", "the file to write; it must not exist (default: a new one in the backups directory)")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "a file that holds the passphrase")
	cmd.Flags().StringVar(&config, "config", "", "the aimux configuration (default: the one that would be served)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the archive's manifest as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, now := cmd.Context(), time.Now()
		own, c, err := presentFiles(config)
		if err != nil {
			return err
		}
		passphrase, err := passphraseOf(ctx, passphraseFile, c, true)
		if err != nil {
			return err
		}
		to := cmp.Or(to, filepath.Join(cmp.Or(c.Backups.Directory, place.File("backups")), backup.FileName(now)))
		if err := record(ctx, c, "backup.create", to); err != nil {
			return err
		}
		m, err := own.saveTo(ctx, to, now, passphrase)
		if err != nil {
			return err
		}
		if asJSON {
			return command.PrintJSON(cmd.OutOrStdout(), struct {
				File string `json:"file"`
				*backup.Manifest
			}{to, m})
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files. The vault's key is not among them: %s\n", to, len(m.Items), keyPlace(c))
		return nil
	}
}

// saveTo writes an archive to a new file, which is there whole or not at all.
func (b belongings) saveTo(ctx context.Context, path string, now time.Time, passphrase string) (*backup.Manifest, error) {
	if err := place.MakeParent(path); err != nil {
		return nil, err
	}
	if place.Exists(path) {
		return nil, fmt.Errorf("%s is already there", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".aimux-*.tmp") // made with 0600
	if err != nil {
		return nil, err
	}
	m, err := b.save(ctx, f, now, passphrase)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // unlike a rename, it replaces nothing
		if err != nil && !place.Exists(path) {
			err = os.Rename(f.Name(), path) // a file system without links
		}
	}
	_ = os.Remove(f.Name())
	return m, err
}

// presentFiles says where this machine's files are. named is a configuration, or a
// Caddyfile.
func presentFiles(named string) (belongings, *schema.Config, error) {
	at, err := command.Find(command.Present(named))
	if err != nil {
		return belongings{}, nil, err
	}
	result, err := at.Load()
	if err != nil {
		return belongings{}, nil, err
	}
	source := at.Source
	if source != "" {
		if source, err = filepath.Abs(source); err != nil {
			return belongings{}, nil, err
		}
	}
	own := belongingsOf(source, at.Overrides, result.Config)
	if command.IsCaddyfile(at.Caddyfile) {
		own.caddyfile, err = filepath.Abs(at.Caddyfile)
	}
	return own, result.Config, err
}

// passphraseOf finds the passphrase of backups.
func passphraseOf(ctx context.Context, file string, c *schema.Config, twice bool) (string, error) {
	ref := c.Backups.Passphrase
	switch {
	case file != "":
		data, err := schema.ReadSecretFile(file)
		return strings.TrimSpace(string(data)), err
	case ref.Scheme == "vault":
		return vaultSecret(ctx, c, ref.Name)
	case ref.Scheme != "":
		return ref.Resolve(os.LookupEnv)
	}
	return askPassphrase(os.Stdin, os.Stderr, twice)
}

func vaultSecret(ctx context.Context, c *schema.Config, id string) (string, error) {
	options, err := place.VaultOptions(c)
	if err != nil {
		return "", err
	}
	v, err := vault.Open(ctx, options)
	if err != nil {
		return "", err
	}
	return (&services{vault: v}).fetch(schema.SecretRef{Scheme: "vault", Name: id})
}

// askPassphrase asks on the terminal.
func askPassphrase(in *os.File, out io.Writer, twice bool) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("no passphrase: name a file with --passphrase-file, or set backups.passphrase")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(out)
		return string(text), err
	}
	first, err := ask("Passphrase of the backup: ")
	if err != nil || !twice {
		return first, err
	}
	second, err := ask("Once more: ")
	if err == nil && first != second {
		err = errors.New("the passphrases differ")
	}
	return first, err
}

// record writes into the audit log what a command is about to do. A log that
// lacks records takes none; but a restore may be what is to help.
func record(ctx context.Context, c *schema.Config, action, target string) error {
	a := &auditor{dir: place.Audit(c)}
	if options, err := place.VaultOptions(c); err == nil && place.Exists(options.Path) {
		if v, err := vault.Open(ctx, options); err == nil {
			a = newAuditor(a.dir, v)
		}
	}
	open := a.openHeld
	if action == backupRestore {
		open = func(ctx context.Context) (*audit.Log, error) {
			return audit.Open(ctx, audit.Options{Dir: a.dir, Key: a.key})
		}
	}
	log, err := open(ctx)
	if err != nil {
		return err
	}
	_, err = log.Append(ctx, audit.Event{Actor: "local", Action: action, Target: target})
	return errors.Join(err, log.Close())
}

// restoreFlags are what `aimux restore` is told.
type restoreFlags struct {
	passphraseFile, config    string
	dryRun, undo, yes, asJSON bool
}

// restoreCommand is `aimux restore`.
func restoreCommand(cmd *cobra.Command) {
	var f restoreFlags
	cmd.Use = "restore FILE | restore --undo"
	cmd.Short = "Brings a backup back: checked first, all or nothing, and it can be undone"
	cmd.Long = "Unpacks the backup where nobody uses it, checks that aimux could run on it, shows what would change, and swaps the files. " +
		"No server may run on this data directory meanwhile. A crash leaves all the old files or all the new ones. " +
		"An audit log that is here stays; the backup's is put beside it."
	cmd.Example = "  aimux restore aimux-20261122T021500Z.age --dry-run\n  aimux restore /mnt/usb/aimux.age --yes\n  aimux restore --undo"
	cmd.Args, cmd.SilenceUsage = cobra.MaximumNArgs(1), true
	cmd.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "a file that holds the passphrase")
	cmd.Flags().StringVar(&f.config, "config", "", "where the configuration goes: a file, whose directory is used (default: where it is now, else ~/.config/aimux)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "check and show, change nothing")
	cmd.Flags().BoolVar(&f.undo, "undo", false, "bring back what the last restore replaced")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the changes as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := place.MakeParent(place.File("x")); err != nil {
			return err
		}
		if _, err := backup.Recover(cmd.Context(), place.File(""), time.Now()); err != nil {
			return err
		}
		switch {
		case f.undo && len(args) == 0:
			if err := undoRestore(cmd.Context(), f.config); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The files are what they were before the restore.")
			return nil
		case f.undo || len(args) == 0:
			return errors.New("name a backup, or say --undo")
		}
		return f.restore(cmd, args[0])
	}
}

// restore brings one archive back.
func (f *restoreFlags) restore(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	present, c, err := presentFiles(f.config)
	if err != nil { // what is here may be what is to be replaced
		present, c = belongings{config: cmp.Or(f.config, place.FindConfig(filepath.Dir(command.Present(""))))}, schema.Defaults()
	}
	dir, err := place.UserDir()
	switch at := cmp.Or(present.config, present.caddyfile); {
	case at != "":
		dir = filepath.Dir(at)
	case err != nil:
		return err
	}
	passphrase, err := passphraseOf(ctx, f.passphraseFile, c, false)
	if err != nil {
		return err
	}
	archive, err := os.Open(file)
	if err != nil {
		return err
	}
	defer archive.Close()
	r, err := stage(ctx, archive, passphrase, dir, present)
	if err != nil {
		return err
	}
	defer func() { _ = r.staged.Discard() }()
	return f.finish(cmd, r, c, file)
}

// finish shows what would change, asks, and does it.
func (f *restoreFlags) finish(cmd *cobra.Command, r *restoring, c *schema.Config, file string) error {
	out := cmd.OutOrStdout()
	changes, err := r.changes()
	if err != nil {
		return err
	}
	if f.asJSON {
		err = command.PrintJSON(out, map[string]any{"created": r.staged.Manifest.Created, "changes": changes, "warnings": r.Warnings, "dry_run": f.dryRun})
	} else {
		printRestore(out, r, changes)
	}
	if err != nil || f.dryRun {
		return err
	}
	if !f.yes {
		if err := command.Consent(os.Stdin, os.Stderr, "Restore this?"); err != nil {
			return err
		}
	}
	note := func() error { return record(cmd.Context(), c, backupRestore, file) }
	if err := r.swap(cmd.Context(), time.Now(), place.Audit(c), note); err != nil {
		return err
	}
	if !f.asJSON {
		fmt.Fprintln(out, "Restored. `aimux restore --undo` brings back what was here before.")
	}
	return nil
}

func printRestore(w io.Writer, r *restoring, changes []backup.Change) {
	fmt.Fprintf(w, "Backup of %s by %s\n", r.staged.Manifest.Created.Format(time.DateTime), r.staged.Manifest.Program)
	for _, c := range changes {
		if c.Kind != "" {
			fmt.Fprintln(w, c)
		}
	}
	for _, text := range r.Warnings {
		fmt.Fprintln(w, "warning", text)
	}
}
