package command

import (
	"cmp"
	"fmt"
	"io"
	"os"
	goruntime "runtime"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/spf13/cobra"
)

// envCommand is `aimux env`.
func (h *Host) envCommand(cmd *cobra.Command) {
	l := h.newLauncher(os.Stderr)
	var shell string
	cmd.Use = "env claude|codex|openai|anthropic"
	cmd.Short = "Prints the variables that point a client at this gateway"
	cmd.Long = "Prints commands for your shell that set them; with eval they take effect. The gateway has to run: nothing is started. " +
		"The output holds the client's key if the gateway asks for one."
	cmd.Example = "  eval \"$(aimux env claude)\"\n  aimux env openai --shell fish | source\n  aimux env anthropic --shell powershell | Invoke-Expression"
	cmd.Args, cmd.SilenceUsage = cobra.ExactArgs(1), true
	cmd.ValidArgs = []string{"claude", "codex", "openai", "anthropic"}
	l.flags(cmd)
	cmd.Flags().StringVar(&shell, "shell", "", "the shell to write for: sh, fish or powershell (default: yours)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := launch.ParseClient(args[0])
		if err != nil {
			return err
		}
		l.noStart = true
		s, err := l.settings(cmd.Context(), c)
		if err != nil {
			return err
		}
		text, err := launch.Render(cmp.Or(shell, launch.ShellOf(os.Getenv("SHELL"), goruntime.GOOS)), c, s)
		if err == nil {
			_, err = io.WriteString(cmd.OutOrStdout(), text)
		}
		return err
	}
}

// flags are those of commands that are no launchers.
func (l *launcher) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.url, "url", "", "the gateway's address (default: $AIMUX_URL, else the one that runs here)")
	cmd.Flags().StringVar(&l.model, "model", "", "the model to ask for (default: $AIMUX_MODEL, else the first alias, unless any name will do)")
}

// clientSetupCommand is `aimux setup`.
func (h *Host) clientSetupCommand(cmd *cobra.Command) {
	l := h.newLauncher(os.Stderr)
	var write, undo, force bool
	cmd.Use = "setup claude-code|codex [--write | --undo]"
	cmd.Short = "Points a client at this gateway for good, in its own configuration file"
	cmd.Long = "Shows what would change in ~/.claude/settings.json or ~/.codex/config.toml; with --write it is changed. " +
		"What the file was stays beside it, and --undo brings it back. The gateway has to run."
	cmd.Example = "  aimux setup claude-code\n  aimux setup claude-code --write\n  aimux setup codex --undo"
	cmd.Args, cmd.SilenceUsage = cobra.ExactArgs(1), true
	cmd.ValidArgs = []string{"claude-code", "codex"}
	l.flags(cmd)
	cmd.Flags().BoolVar(&write, "write", false, "change the file")
	cmd.Flags().BoolVar(&undo, "undo", false, "make the file what it was before")
	cmd.Flags().BoolVar(&force, "force", false, "with --undo: also if the file was changed since")
	cmd.MarkFlagsMutuallyExclusive("write", "undo")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := launch.ParseClient(args[0])
		if err != nil {
			return err
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		path := launch.ConfigFile(c, home, os.LookupEnv)
		switch {
		case path == "":
			return fmt.Errorf("%s have no file of their own: use `aimux env %s`", c.Title(), c)
		case undo:
			if err = launch.Undo(path, force); err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), path, "is what it was before")
			}
			return err
		}
		l.noStart = true
		return l.edit(cmd, c, path, write)
	}
}

// edit shows or makes the change of a client's file.
func (l *launcher) edit(cmd *cobra.Command, c launch.Client, path string, write bool) error {
	s, err := l.settings(cmd.Context(), c)
	if err != nil {
		return err
	}
	e, err := launch.Plan(c, path, s)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if !e.Changes() {
		fmt.Fprintln(out, path, "points at", s.URL, "already")
		return nil
	}
	fmt.Fprintf(out, "%s\n%s\n", path, e.Diff(s.Token))
	if !write {
		fmt.Fprintln(out, "Nothing is changed yet: add --write.")
		return nil
	}
	if err := e.Write(); err != nil {
		return err
	}
	fmt.Fprintf(out, "Written. `aimux setup %s --undo` takes it back.\n", cmd.Flags().Arg(0))
	return nil
}
