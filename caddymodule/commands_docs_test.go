package caddymodule

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// tree is aimux with all its commands and the names of Caddy's.
func tree() *cobra.Command {
	root := &cobra.Command{Use: "aimux"}
	for _, add := range commands().Commands() {
		sub := new(cobra.Command)
		add(sub)
		root.AddCommand(sub)
	}
	for _, name := range []string{"run", "start", "stop", "reload", "adapt", "validate", "version"} {
		root.AddCommand(&cobra.Command{Use: name, DisableFlagParsing: true, Run: func(*cobra.Command, []string) {}})
	}
	return root
}

// understood reports what is wrong with a command line of aimux.
func understood(words []string) string {
	cmd, rest, err := tree().Find(words)
	switch {
	case err != nil:
		return err.Error()
	case !cmd.HasParent():
		return "there is no such command"
	case cmd.HasSubCommands() && !cmd.Runnable() && len(rest) > 0:
		return cmd.CommandPath() + " has no command " + rest[0]
	case cmd.DisableFlagParsing:
		return ""
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil && cmd.Runnable() && len(rest) > 0 {
		return err.Error()
	}
	return ""
}

// commandsIn are the command lines of aimux in a text: in code, or an example.
func commandsIn(text string) [][]string {
	var out [][]string
	for _, code := range regexp.MustCompile("(?s)```sh\n(.*?)```|`([^`\n]*)`").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(code[1] + code[2]) {
			line = regexp.MustCompile(`^(sudo +)?([A-Z_]+=\S+ +)*`).ReplaceAllString(strings.TrimSpace(line), "")
			line = strings.TrimSuffix(strings.TrimPrefix(line, `eval "$(`), `)"`)
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " < ")
			line, _, _ = strings.Cut(line, " > ")
			if words := strings.Fields(line); len(words) > 1 && words[0] == "aimux" {
				out = append(out, words[1:])
			}
		}
	}
	return out
}

func TestDocs_EveryCommandIsUnderstood(t *testing.T) {
	for _, file := range []string{"clients", "migration", "install", "operations"} {
		data, err := os.ReadFile("../docs/" + file + ".md")
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if before, table, ok := strings.Cut(text, "| Then | Now |"); ok { // what old versions were told
			text = before + regexp.MustCompile(`(?m)^\|[^|]*\|`).ReplaceAllString(table, "|")
		}
		all := commandsIn(text)
		if len(all) < 5 {
			t.Errorf("%s: %d commands found", file, len(all))
		}
		for _, words := range all {
			if wrong := understood(words); wrong != "" {
				t.Errorf("docs/%s.md: aimux %s: %s", file, strings.Join(words, " "), wrong)
			}
		}
	}
}

func TestHelp_ExamplesAreUnderstood(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, words := range commandsIn("```sh\n" + cmd.Example + "\n```") {
			if wrong := understood(words); wrong != "" {
				t.Errorf("aimux %s: %s", strings.Join(words, " "), wrong)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	for _, add := range commands().Commands() {
		cmd := new(cobra.Command)
		if add(cmd); cmd.Hidden {
			continue
		}
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" && !cmd.HasSubCommands() {
			t.Errorf("%s: help is missing", cmd.Name())
		}
		walk(cmd)
	}
}
