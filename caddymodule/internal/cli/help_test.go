package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelp_EveryCommandHasSentencesAndExamplesThatParse(t *testing.T) {
	b := newBench(t)
	count := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if !cmd.HasParent() || cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" || cmd.Parent().Name() == "completion" {
			return
		}
		lines := strings.Split(strings.TrimSpace(cmd.Example), "\n")
		if cmd.Short == "" || cmd.Long == "" || len(lines) < 2 || len(lines) > 3 {
			t.Errorf("%s: short %q, long %q, %d examples", cmd.CommandPath(), cmd.Short, cmd.Long, len(lines))
		}
		if strings.HasSuffix(cmd.Short, ".") || !strings.HasSuffix(cmd.Long, ".") && !strings.HasSuffix(cmd.Long, ":") {
			t.Errorf("%s: Short is a line without a full stop, Long sentences", cmd.CommandPath())
		}
		for _, line := range lines {
			count++
			if !strings.Contains(line, cmd.CommandPath()) && !(cmd.HasAlias(cmd.Name())) && !cmd.HasSubCommands() {
				t.Errorf("%s: example %q is of another command", cmd.CommandPath(), line)
			}
			if err := parses(b.root(), line); err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	}
	visit(b.root())
	if count < 90 {
		t.Errorf("only %d examples", count)
	}
}

// parses reads an example as a shell and cobra would, without running it.
func parses(root *cobra.Command, line string) error {
	words := commandIn(line)
	cmd, rest, err := root.Find(words[1:])
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// commandIn is the aimux command in a line of a shell, split into words.
func commandIn(line string) []string {
	_, line, _ = strings.Cut(" "+line, "aimux ")
	for _, end := range []string{" | ", " > ", " < ", ")"} {
		line, _, _ = strings.Cut(line, end)
	}
	words := []string{"aimux"}
	for _, w := range strings.Fields(line) {
		words = append(words, strings.Trim(w, "'\""))
	}
	return words
}

func TestCompletion_OffersNames(t *testing.T) {
	for line, want := range map[string]string{
		"providers show ":     "cerebras\tCerebras",
		"providers show z":    "zai\tZ.AI",
		"keys enable ":        "cerebras/main",
		"keys enable zai ":    "main",
		"clients show ":       "laptop\tlaptop",
		"usage --by ":         "session",
		"providers add ":      "cerebras\t",
		"keys list ":          "minimax\tMiniMax",
		"providers test zai ": "zai\t",
	} {
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		out, _, _ := newBench(t).run(args...)
		if !strings.Contains(out, want) || !strings.Contains(out, ":4") {
			t.Errorf("%q offers %q, want %q", line, out, want)
		}
	}
	b := newBench(t)
	b.host.Open = noFiles
	if out, _, _ := b.run("__complete", "providers", "show", ""); out != ":4\n" {
		t.Errorf("without a gateway: %q", out)
	}
}
