package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flags adds those that every command about a gateway has.
func (h *Host) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.String("admin", "", "the admin endpoint of the server, such as localhost:2019 or unix//run/aimux.sock, or off for the files (default: $AIMUX_ADMIN, else localhost:2019)")
	f.String("config", "", "the configuration, or the Caddyfile, to work on if no server runs with it")
	f.Bool("json", false, "print the API's answer as JSON")
	f.BoolP("verbose", "v", false, "say on the standard error which way the gateway was reached")
	strict(cmd)
}

// strict lets a command and those below it end with code 2 if they are not
// understood, without a page of help.
func strict(cmd *cobra.Command) {
	cmd.SilenceUsage = true
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if text := err.Error(); holdsSecret(text) {
			return usagef("%s", pasted)
		}
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
}

// group fills a command that only holds others.
func group(cmd *cobra.Command, subs ...*cobra.Command) {
	for _, sub := range subs {
		sub.SilenceUsage = true
		cmd.AddCommand(sub)
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		if holdsSecret(args...) {
			return usagef("%s", pasted)
		}
		var names []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		return usagef("%s has no command %q; there are %s", cmd.CommandPath(), clean(args[0]), strings.Join(names, ", "))
	}
}

// takes returns a check of arguments, which are named for the message. Names in
// brackets may be left out; a last one with dots may be given many times.
func takes(names ...string) cobra.PositionalArgs {
	least, most := 0, len(names)
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
		if strings.Contains(n, "...") {
			most = 1 << 20
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		if holdsSecret(append(flagsOf(cmd), args...)...) {
			return usagef("%s", pasted)
		}
		if len(args) >= least && len(args) <= most {
			return nil
		}
		want := "no arguments"
		if most > 0 {
			want = strings.Join(names, " ")
		}
		return usagef("%s takes %s", cmd.CommandPath(), want)
	}
}

// flagsOf are the values of the flags that were given.
func flagsOf(cmd *cobra.Command) (values []string) {
	cmd.Flags().Visit(func(f *pflag.Flag) { values = append(values, f.Value.String()) })
	return values
}

// examples writes the examples of a help text.
func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
