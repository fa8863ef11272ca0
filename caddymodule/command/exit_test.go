package command

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/spf13/cobra"
)

// TestExit_CodesReachCaddysMain holds that Caddy finds its own error with the
// code in ours, and that the text is for the user.
func TestExit_CodesReachCaddysMain(t *testing.T) {
	for code, want := range map[cli.Exit]string{cli.Usage: "exiting with status 2", cli.Nothing: "exiting with status 3"} {
		cmd := &cobra.Command{Use: "x", SilenceUsage: true, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return &cli.ExitError{Code: code, Err: errors.New("said to the user")}
		}}
		exits(cmd)
		var said bytes.Buffer
		cmd.SetErr(&said)
		cmd.SetArgs(nil)
		err := cmd.Execute()
		var found bool
		for _, e := range unwrapped(err) {
			found = found || fmt.Sprintf("%T", e) == "*caddycmd.exitError" && e.Error() == want
		}
		if !found || said.String() != "Error: said to the user\n" {
			t.Errorf("%d: %#v, said %q", code, err, said.String())
		}
	}
	plain := errors.New("plain")
	if err := exiting(new(cobra.Command), plain); err != plain {
		t.Errorf("an error of code 1 becomes %v", err)
	}
}

func unwrapped(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return nil
}
