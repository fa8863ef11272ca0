// Package command is what is typed: aimux's commands beside those of Caddy's.
// Each fills a command of cobra's; those that look at a gateway and change it
// are in package cli, which knows no Caddy.
//
// Commands work on what a server of this machine would serve, which Find finds,
// and on the files that package place knows. What takes an app, or the rules by
// which one serves, they have from the module, as a Host: the module registers
// them and is never imported.
package command

import (
	"context"
	"slices"
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/internal/egress"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// Host is the module that the commands belong to. All of it is required but
// More.
type Host struct {
	// Open makes an app in this process, as a server would of the same files,
	// and returns its API. Nothing serves.
	Open func(ctx context.Context, at *Installation) (cli.Way, error)
	// Files opens what is kept beside a configuration.
	Files func(ctx context.Context, at *Installation) (*cli.Files, error)
	// Record writes into the audit log of a configuration what is about to be
	// done. After an error it must not be done.
	Record func(ctx context.Context, c *schema.Config, action, target string) error
	// SetPassword gives a user of the console a password.
	SetPassword func(ctx context.Context, user, password string) error
	// Reachable reports whether other machines can reach a listener address, and
	// how it is called in a sentence.
	Reachable func(listen string) (name string, open bool, err error)
	// Vendor is the catalogue's entry of a provider as its row changes it.
	Vendor func(row schema.Provider) (*provider.Vendor, error)
	// Rules say where connections to a provider may lead.
	Rules func(vendor *provider.Vendor, row schema.Provider) (egress.Rules, error)
	// More are commands that the module has by itself.
	More []func(*cobra.Command)
}

// Commands returns what makes the commands: each function fills one that is
// empty.
func (h *Host) Commands() []func(*cobra.Command) {
	return slices.Concat([]func(*cobra.Command){configCommand, simulateCommand}, h.state(), h.setup(), h.More)
}

// setup are the commands that bring aimux onto a machine and keep it there:
// first steps, clients, migration, services.
func (h *Host) setup() []func(*cobra.Command) {
	return []func(*cobra.Command){
		h.initCommand, h.migrateCommand, h.scanCommand, h.claudeCommand, h.codexCommand, h.envCommand, h.clientSetupCommand, serviceCommand,
	}
}

// state are the commands that look at a gateway and change it.
func (h *Host) state() []func(*cobra.Command) {
	host := cli.Host{
		Open: func(ctx context.Context, config string) (cli.Way, error) {
			return found(config, func(at *Installation) (cli.Way, error) { return h.Open(ctx, at) })
		},
		Files: func(ctx context.Context, config string) (*cli.Files, error) {
			return found(config, func(at *Installation) (*cli.Files, error) { return h.Files(ctx, at) })
		},
		Diagnose: h.Diagnose, SetPassword: h.SetPassword,
	}
	return host.Commands()
}

// found does something with the installation named, quietly.
func found[T any](config string, do func(*Installation) (T, error)) (T, error) {
	quiet()
	at, err := Find(config)
	if err != nil {
		var none T
		return none, err
	}
	return do(at)
}

// quiet keeps Caddy's log of this process to itself: a configuration that is
// read says its warnings there, and the output of a command is not a log.
// `config check` and `doctor` print them.
var quiet = sync.OnceFunc(func() { caddy.BufferedLog() })
