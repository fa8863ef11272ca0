package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aimux/aimux/caddymodule/internal/legacy"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
)

// migrateCommand is `aimux migrate`.
func (h *Host) migrateCommand(cmd *cobra.Command) {
	var to string
	var dryRun, asJSON bool
	cmd.Use = "migrate [PATH…]"
	cmd.Short = "Makes a configuration of those of older versions; their keys go into the vault"
	cmd.Long = "Reads the configurations of aimux 1 (TypeScript), 2 and 3 (C++) and of synclaude, and environment files: those named, or the places " +
		"they used to be. Nothing that is read is changed. Writes aimux.toon, a Caddyfile and migration-report.json, and prints what became of every field. " +
		"Keys are shown masked."
	cmd.Example = "  aimux migrate --dry-run\n  aimux migrate ~/.config/aimux/config.json\n  aimux migrate /opt/aimux2 --to /etc/aimux"
	cmd.SilenceUsage = true
	cmd.Flags().StringVar(&to, "to", "", "the directory to write into (default: ~/.config/aimux)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the report and the new configuration, write nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := place.UserDir()
		if to != "" {
			dir, err = filepath.Abs(to)
		}
		if err != nil {
			return err
		}
		m := migration{host: h, ctx: cmd.Context(), dir: dir, dryRun: dryRun, out: cmd.OutOrStdout()}
		if m.paths, err = oldPaths(args); err != nil {
			return err
		}
		result, err := m.run()
		if result != nil {
			m.print(result, asJSON)
		}
		return err
	}
}

// oldPaths are the paths to read: those named, or the usual ones that exist.
func oldPaths(named []string) ([]string, error) {
	if len(named) > 0 {
		return named, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	work, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, path := range legacy.DefaultPaths(home, work) {
		if place.Exists(path) {
			out = append(out, path)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("there is no old configuration in the usual places; name files or directories")
	}
	return out, nil
}

// migration is one run of `aimux migrate`.
type migration struct {
	host   *Host
	ctx    context.Context
	paths  []string
	dir    string
	dryRun bool
	out    io.Writer
}

// run reads everything, then writes the keys, then the configuration. A failure
// takes the keys back.
func (m *migration) run() (*legacy.Result, error) {
	keys := &vaultWriter{host: m.host, ctx: m.ctx, say: io.Discard}
	result, err := m.read(keys)
	if err != nil {
		return result, err
	}
	if m.dryRun || len(result.Keys) == 0 && result.Document == nil {
		return result, nil
	}
	if have := place.FindConfig(m.dir); have != "" {
		return result, fmt.Errorf("%s is already there and is not overwritten; choose another directory with --to", have)
	}
	for _, k := range result.Keys {
		id, err := keys.add(k.ID, k.Origin, k.Secret)
		if err == nil && id != k.ID {
			err = fmt.Errorf("the id %s was taken meanwhile; try again", k.ID)
		}
		if err != nil {
			return result, errors.Join(fmt.Errorf("storing the key %s: %w", k.ID, err), keys.takeBack())
		}
	}
	if err := m.write(result); err != nil {
		return result, errors.Join(err, keys.takeBack())
	}
	return result, nil
}

// read imports. An id of the vault is free for the very key that it names, so
// that a second run stores nothing twice.
func (m *migration) read(keys *vaultWriter) (*legacy.Result, error) {
	options := legacy.Options{Known: provider.Known(), DryRun: m.dryRun}
	result, err := legacy.Import(m.paths, options)
	if err != nil || len(result.Keys) == 0 {
		return result, err
	}
	stored, err := place.VaultOptions(schema.Defaults())
	if err != nil {
		return nil, err
	}
	if !place.Exists(stored.Path) {
		return result, nil
	}
	if err := keys.open(schema.Defaults()); err != nil {
		return nil, err
	}
	same := map[string]bool{}
	for _, k := range result.Keys {
		info, err := keys.vault.Info(k.ID)
		origin, bad := vault.ParseOrigin(k.Origin)
		same[k.ID] = err == nil && bad == nil && info.Tag == keys.vault.Tag(k.Secret) && info.Origin == origin
	}
	options.Taken = func(id string) bool {
		_, err := keys.vault.Info(id)
		return err == nil && !same[id]
	}
	return legacy.Import(m.paths, options)
}

// write puts the new files into their directory.
func (m *migration) write(result *legacy.Result) error {
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	if err := schema.WriteAtomic(filepath.Join(m.dir, "migration-report.json"), result.Report.JSON()); err != nil {
		return err
	}
	if result.Document == nil {
		return nil
	}
	if err := result.Write(filepath.Join(m.dir, "aimux.toon"), false); err != nil {
		return err
	}
	_, err := writeCaddyfile(m.dir, io.Discard)
	return err
}

func (m *migration) print(result *legacy.Result, asJSON bool) {
	if asJSON {
		_, _ = m.out.Write(result.Report.JSON())
		return
	}
	fmt.Fprint(m.out, result.Report)
	switch {
	case m.dryRun && result.Document != nil:
		fmt.Fprintf(m.out, "\nNothing is written yet. aimux.toon would be:\n\n%s", result.Document)
	case !m.dryRun && place.Exists(filepath.Join(m.dir, "aimux.toon")) && result.Document != nil:
		fmt.Fprintf(m.out, "\nThe configuration is in %s. Next:\n  aimux config check %s\n  aimux run --config %s\n",
			m.dir, filepath.Join(m.dir, "aimux.toon"), filepath.Join(m.dir, "Caddyfile"))
	}
}
