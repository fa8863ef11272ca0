package command

import (
	"github.com/aimux/aimux/caddymodule/internal/cli"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// exits makes the errors of a command, and of those below it, end the process
// with the code they mean. Caddy's Main knows but its own error of that kind.
func exits(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		exits(sub)
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return exiting(cmd, run(cmd, args)) }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return exiting(cmd, check(cmd, args)) }
	}
	wrong := cmd.FlagErrorFunc()
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return exiting(cmd, wrong(cmd, err)) })
}

// exiting is err with its exit code, as Caddy reads it.
func exiting(cmd *cobra.Command, err error) error {
	code := cli.CodeOf(err)
	if code <= cli.Failed {
		return err
	}
	quiet := cmd.SilenceErrors
	exit := caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return int(code), nil })(cmd, nil)
	cmd.SilenceErrors = quiet
	return &exitError{err, exit}
}

// exitError is an error with the code to end with.
type exitError struct{ err, exit error }

// Error returns the text for the user.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns both.
func (e *exitError) Unwrap() []error { return []error{e.err, e.exit} }
