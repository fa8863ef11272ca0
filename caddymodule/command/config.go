package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/spf13/cobra"
)

// configCommand is `aimux config …`: everything that is done to a
// configuration file without serving it.
func configCommand(cmd *cobra.Command) {
	cmd.Use = "config <command>"
	cmd.Short = "Checks, shows, converts and formats aimux configurations"
	cmd.Long = "Works on configuration files: aimux.toon, aimux.json or aimux.yaml in the current directory, or the file named."
	cmd.AddCommand(configCheck(), configShow(), configConvert(), configSchema(), configFmt())
}

// errReported ends a command whose problems have been printed.
var errReported = errors.New("the configuration has problems")

func configFile(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if file := place.FindConfig("."); file != "" {
		return file, nil
	}
	return "", errors.New("there is no aimux.toon, aimux.json or aimux.yaml here; name a file")
}

func loadOptions(file string) schema.Options {
	return schema.Options{Path: file, Overrides: place.Overrides(), Environ: os.Environ(), Known: provider.Known()}
}

func configCheck() *cobra.Command {
	var asJSON bool
	var named string
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Finds every problem of a configuration; exits with 1 if there is one",
		Long: "Checks aimux's configuration, or a Caddyfile with the configuration it names. " +
			"It also warns of access logs that would write keys of clients, since Caddy hides Authorization and cookies but not x-api-key.",
		Example: "  aimux config check\n  aimux config check team.yaml --json\n  aimux config check --config Caddyfile",
		Args:    cobra.MaximumNArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if named != "" {
				args = []string{named}
			}
			file, err := configFile(args)
			if err != nil {
				return err
			}
			quiet()
			report := checkFile(file)
			if asJSON {
				err = PrintJSON(cmd.OutOrStdout(), report)
			} else {
				printReport(cmd.OutOrStdout(), file, report)
			}
			if err == nil && !report.OK {
				return errReported
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON document instead of text")
	cmd.Flags().StringVar(&named, "config", "", "the file, as other commands name it")
	return cmd
}

func printReport(w io.Writer, file string, r schema.Report) {
	paint := cli.Painter(w)
	for _, p := range r.Problems {
		fmt.Fprintln(w, paint(cli.Red, "error")+" "+p.String())
	}
	for _, p := range r.Warnings {
		fmt.Fprintln(w, paint(cli.Yellow, "warning")+" "+p.String())
	}
	if r.OK {
		fmt.Fprintln(w, paint(cli.Green, "ok")+" "+file)
	}
}

// PrintJSON prints a value for programs, and for people who look at it.
func PrintJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func configShow() *cobra.Command {
	var asJSON, effective bool
	cmd := &cobra.Command{
		Use: "show [FILE]", Short: "Prints the effective configuration with the layer each value is from",
		Long:    "Prints every value after defaults, file and environment were merged, with where it comes from. Secrets are shown as references.",
		Example: "  aimux config show --effective\n  AIMUX_ROUTING__STRATEGY=ordered aimux config show --json",
		Args:    cobra.MaximumNArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			options := loadOptions("")
			if file, err := configFile(args); err == nil {
				options = loadOptions(file)
			} else if len(args) > 0 {
				return err
			}
			result, err := schema.Load(options)
			if err != nil {
				return err
			}
			if asJSON {
				return PrintJSON(cmd.OutOrStdout(), slices.Collect(schema.Settings(result)))
			}
			_, err = io.WriteString(cmd.OutOrStdout(), schema.Show(result))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON document instead of text")
	cmd.Flags().BoolVar(&effective, "effective", true, "with defaults and environment")
	return cmd
}

func configConvert() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "convert [FILE] --to toon|json|yaml", Short: "Prints a configuration in another format",
		Example: "  aimux config convert aimux.json --to toon > aimux.toon",
		Args:    cobra.MaximumNArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := configFile(args)
			if err != nil {
				return err
			}
			if !slices.Contains(schema.Formats(), to) {
				return fmt.Errorf("--to %q: one of %v is required", to, schema.Formats())
			}
			from, err := schema.FormatOf(file)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			out, err := schema.Convert(data, from, to)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the format to print: toon, json or yaml")
	return cmd
}

func configSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Prints the JSON Schema of the configuration, for editors", Args: cobra.NoArgs,
		Example: "  aimux config schema > aimux.schema.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(schema.SchemaJSON())
			return err
		},
	}
}

func configFmt() *cobra.Command {
	return &cobra.Command{
		Use: "fmt [FILE]", Short: "Tidies a configuration up in place: comments kept, declared counts repaired",
		Long:    "Rewrites the file in its own format. What it held before stays beside it, with a ~ after its name.",
		Example: "  aimux config fmt", Args: cobra.MaximumNArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := configFile(args)
			if err != nil {
				return err
			}
			changed, err := schema.FormatFile(file)
			if err != nil {
				return err
			}
			if changed {
				fmt.Fprintln(cmd.OutOrStdout(), "formatted", file)
			}
			return nil
		},
	}
}
