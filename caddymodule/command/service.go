package command

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/service"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/spf13/cobra"
)

// serviceFlags are what all commands of `aimux service` are told.
type serviceFlags struct {
	user, dryRun bool
	root         string
}

// serviceCommand is `aimux service …`.
func serviceCommand(cmd *cobra.Command) {
	var f serviceFlags
	cmd.Use = "service <command>"
	cmd.Short = "Runs aimux as a service: systemd on Linux, launchd on macOS"
	cmd.Long = "Installs aimux as a service of this machine, or with --user as one of yours. On macOS it is always yours. " +
		"Configuration, keys and data that are there are never overwritten or removed."
	cmd.PersistentFlags().BoolVar(&f.user, "user", false, "a service of your own, without root")
	cmd.AddCommand(f.change("install", "Installs and starts the service", service.Install), f.change("uninstall", "Stops and removes the service; configuration, keys and data stay", service.Uninstall), f.status(), f.logs())
}

// place is where and for whom.
func (f *serviceFlags) place() (service.Place, error) {
	p := service.Place{OS: goruntime.GOOS, User: f.user || goruntime.GOOS == "darwin", UID: os.Getuid(), Root: f.root}
	var err error
	if p.Binary, err = os.Executable(); err != nil {
		return p, err
	}
	if p.Home, err = os.UserHomeDir(); err != nil && p.User {
		return p, err
	}
	p.Config, err = place.UserDir()
	if err != nil && !p.User {
		err = nil
	}
	return p, err
}

// change is install or uninstall.
func (f *serviceFlags) change(name, short string, plan func(service.Place) ([]service.Step, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, SilenceUsage: true,
		Example: fmt.Sprintf("  aimux service %s --user\n  sudo aimux service %s\n  aimux service %s --dry-run", name, name, name),
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be done, do nothing")
	cmd.Flags().StringVar(&f.root, "root", "", "put everything below this directory and start nothing, for packages")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := f.place()
		if err != nil {
			return err
		}
		if f.root != "" {
			if p.Root, err = filepath.Abs(f.root); err != nil {
				return err
			}
		}
		steps, err := plan(p)
		if err != nil {
			return err
		}
		if f.dryRun {
			for _, s := range steps {
				fmt.Fprintln(cmd.OutOrStdout(), s)
			}
			return nil
		}
		if !p.User && p.Root == "" && os.Geteuid() != 0 {
			return fmt.Errorf("a service of the machine takes root: run it with sudo, or add --user for a service of your own")
		}
		if err := service.Do(cmd.Context(), steps, runQuietly, cmd.OutOrStdout()); err != nil {
			return err
		}
		if name == "install" && p.User && p.OS == "linux" && p.Root == "" {
			fmt.Fprintln(cmd.OutOrStdout(), "It runs while you are logged in. To let it run always: loginctl enable-linger")
		}
		return nil
	}
	return cmd
}

// runQuietly runs a command and returns what it said.
func runQuietly(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

// show becomes the command that shows something.
func (f *serviceFlags) show(args func(service.Place) ([]string, error)) error {
	p, err := f.place()
	if err != nil {
		return err
	}
	line, err := args(p)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(line[0])
	if err != nil {
		return err
	}
	return launch.Become(path, line[1:], os.Environ())
}

func (f *serviceFlags) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Shows how the service is doing", Args: cobra.NoArgs, SilenceUsage: true,
		Long:    "Becomes systemctl status, or launchctl print, with its exit code.",
		Example: "  aimux service status\n  aimux service status --user",
		RunE:    func(*cobra.Command, []string) error { return f.show(service.Status) },
	}
}

func (f *serviceFlags) logs() *cobra.Command {
	var lines int
	var follow bool
	cmd := &cobra.Command{
		Use: "logs", Short: "Shows the service's log", Args: cobra.NoArgs, SilenceUsage: true,
		Example: "  aimux service logs --user\n  aimux service logs -f -n 200",
		RunE: func(*cobra.Command, []string) error {
			return f.show(func(p service.Place) ([]string, error) { return service.Logs(p, max(1, cmp.Or(lines, 100)), follow) })
		},
	}
	cmd.Flags().IntVarP(&lines, "lines", "n", 100, "how many of the last lines")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "show new lines as they come")
	return cmd
}
