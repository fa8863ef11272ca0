package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// spelling is something that older versions of aimux understood.
type spelling struct {
	words string // as it was typed, up to a value
	now   string // the command that does it; * stands for what followed
	say   string // or, if none does just that: what to type
}

// spellings are the commands and flags of the older versions: version 1, in
// TypeScript, versions 2 and 3, in C++, and what was announced for them.
func spellings() []spelling {
	return []spelling{
		{words: "--list-providers", now: "providers list"},
		{words: "--status-providers", now: "providers list"},
		{words: "--test-providers", now: "providers test"},
		{words: "--test-provider", now: "providers test *"},
		{words: "providers test --provider", now: "providers test *"},
		{words: "--validate-config", now: "config check *"},
		{words: "--validate-full-config", now: "config check *"},
		{words: "--syntax-check", now: "config check *"},
		{words: "--backup-config", now: "backup --to *"},
		{words: "--restore-config", now: "restore *"},
		{words: "--migrate-from-ts", now: "migrate *"},
		{words: "--migrate-config", now: "migrate"},
		{words: "--scan-json-keys", now: "scan *"},
		{words: "--config-wizard", now: "init"},
		{words: "--status", now: "status"},
		{words: "-s", now: "status"},
		{words: "--stop", now: "stop"},
		{words: "-k", now: "stop"},
		{words: "--monitor", now: "top"},
		{words: "-m", now: "top"},
		{words: "--test", now: "doctor"},
		{words: "-t", now: "doctor"},
		{words: "router status", now: "status"},
		{words: "router stop", now: "stop"},
		{words: "router test", now: "doctor"},
		{words: "search", say: "`aimux models` lists every model"},
		{words: "model", say: "`aimux models` lists every model; clients choose one in each request"},
		{words: "thinking-model", say: "`aimux models` lists every model; routing.purposes.thinking of the configuration sends thinking requests to one"},
		{words: "cache", say: "there is nothing to clear: models come with aimux and its configuration; `aimux models` lists them"},
		{words: "hybrid", say: "routing.purposes of the configuration sends thinking requests to a provider of their own (docs/routing.md); then `aimux claude` starts the client"},
		{words: "providers setup", say: "`aimux init` guides through it; `aimux providers add ID` adds one provider"},
		{words: "router start", say: "`aimux run` serves; `aimux start` does so in the background"},
		{words: "--daemon", say: "`aimux start` serves in the background; `aimux service install` makes it a service"},
		{words: "-d", say: "`aimux start` serves in the background; `aimux service install` makes it a service"},
		{words: "--reload", say: "`aimux reload --config Caddyfile`; what the console and the commands change is in force at once"},
		{words: "-r", say: "`aimux reload --config Caddyfile`; what the console and the commands change is in force at once"},
		{words: "--webui", say: "the console is always there while aimux runs: http://127.0.0.1:8081"},
		{words: "-w", say: "the console is always there while aimux runs: http://127.0.0.1:8081"},
		{words: "--config", say: "`aimux migrate FILE` reads a configuration of an older version; `aimux run --config Caddyfile` serves"},
		{words: "--prod", say: "`aimux doctor` says what is missing; `aimux service install` makes it a service"},
		{words: "-P", say: "`aimux doctor` says what is missing; `aimux service install` makes it a service"},
		{words: "--perf", say: "docs/performance.md has the figures and how to measure your own"},
		{words: "-p", say: "docs/performance.md has the figures and how to measure your own"},
		{words: "--load-test", say: "docs/performance.md has the figures and how to measure your own"},
		{words: "--benchmark-providers", say: "`aimux providers list` shows how fast each provider is in use, `aimux providers test` asks them all"},
		{words: "--skip-model-validation", say: "leave it away: nothing is asked of providers at start"},
		{words: "--log-level", say: "the log belongs to Caddy: the global option log of the Caddyfile"},
		{words: "config edit", say: "edit aimux.toon in any editor, then `aimux config check`"},
		{words: "config set", say: "edit aimux.toon in any editor, then `aimux config check`; keys belong to `aimux keys add`"},
		{words: "config reset", say: "remove aimux.toon: without it the defaults hold"},
		{words: "minimax-m2", say: "`aimux claude` starts the client; the gateway picks the provider"},
		{words: "z-ai", say: "`aimux claude` starts the client; the gateway picks the provider"},
		{words: "synthetic-new", say: "`aimux claude` starts the client; the gateway picks the provider"},
		{words: "dangerous", say: "`aimux claude --dangerously-skip-permissions`"},
		{words: "plugin", say: "there are no plugins; Caddy's modules take their place (`aimux list-modules`)"},
		{words: "service reinstall", say: "`aimux service uninstall`, then `aimux service install`"},
	}
}

// movedName is a command that nobody types: it says what to type instead of an
// old spelling.
const movedName = "moved"

// Rewrite turns an old spelling into the command that does it now, or into the
// one that says what to type. args is a command line without the name of the
// program; it is not changed.
func Rewrite(args []string) []string {
	line := slices.Clone(args)
	if len(line) == 0 {
		return line
	}
	if name, value, ok := strings.Cut(line[0], "="); ok && strings.HasPrefix(name, "--") {
		line = append([]string{name, value}, line[1:]...)
	}
	old, rest, ok := find(line)
	switch {
	case !ok:
		return args
	case old.now == "":
		return append([]string{movedName}, line...)
	}
	out := []string{}
	for word := range strings.FieldsSeq(old.now) {
		if word != "*" {
			out = append(out, word)
			continue
		}
		out = append(out, slices.DeleteFunc(rest, func(w string) bool { return w == "--config" || w == "-c" })...)
		rest = nil
	}
	return append(out, rest...)
}

// find looks for the longest old spelling that the line begins with.
func find(line []string) (old spelling, rest []string, ok bool) {
	longest := 0
	for _, x := range spellings() {
		words := strings.Fields(x.words)
		if n := len(words); n > longest && len(line) >= n && slices.Equal(words, line[:n]) {
			old, rest, ok, longest = x, slices.Clone(line[n:]), true, n
		}
	}
	return old, rest, ok
}

// moved says what to type instead of what was typed.
func moved(cmd *cobra.Command) {
	cmd.Use, cmd.Short, cmd.Hidden = movedName, "Says what to type instead of an old spelling", true
	cmd.DisableFlagParsing = true
	strict(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if old, _, ok := find(args); ok {
			return usagef("%s is of an older version of aimux. Now: %s", old.words, old.say)
		}
		return usagef("nothing moved")
	}
}
