package caddymodule

import (
	"fmt"

	"github.com/aimux/aimux/caddymodule/command"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
)

// commands are aimux's, with this module for what takes an app. Backup and
// restore are among its own: they save and bring back the very files that the
// server's own backups do.
func commands() *command.Host {
	return &command.Host{
		Open: openLocal, Files: openFiles, Record: record, SetPassword: setPassword,
		Reachable: reachableBy, Vendor: vendorOf, Rules: rulesFor,
		More: []func(*cobra.Command){backupCommand, restoreCommand},
	}
}

// reachableBy names a listener address and reports whether other machines can
// reach it.
func reachableBy(listen string) (name string, open bool, err error) {
	open, err = reachable(listen)
	return shownListener(listen), open, err
}

// vendorOf is the catalogue's entry of a provider as its row changes it.
func vendorOf(row schema.Provider) (*provider.Vendor, error) {
	known, ok := provider.Catalogue().Vendor(row.Kind)
	if !ok {
		return nil, fmt.Errorf("no kind %q", row.Kind)
	}
	return customize(known, row)
}
