package launch

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var known = Settings{URL: "http://127.0.0.1:8080/", Token: "amx_it's_secret", Model: "coder", Small: "coder-mini"}

func TestRender_AsTheGoldenFilesSay(t *testing.T) {
	for _, shell := range Shells() {
		var all strings.Builder
		for _, c := range Clients() {
			text, err := Render(shell, c, known)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&all, "## %s\n%s\n", c, text)
		}
		golden(t, "environ."+shell, all.String())
	}
	if _, err := Render("tcsh", Claude, known); err == nil || !strings.Contains(err.Error(), "sh, fish, powershell") {
		t.Errorf("%v", err)
	}
}

func TestRender_AShellTakesEveryValueLiterally(t *testing.T) {
	for _, value := range []string{`a'b"c$HOME` + "`id`\\", "-n", "two words", "", "é\t*"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "X="+quoted("sh", value)+`; printf %s "$X"`).Output()
		if err != nil || string(out) != value {
			t.Errorf("%q became %q, %v", value, out, err)
		}
	}
}

func TestShellOf_FromTheVariableOrTheSystem(t *testing.T) {
	for _, c := range []struct{ shell, goos, want string }{
		{"/bin/bash", "linux", "sh"}, {"/usr/bin/fish", "linux", "fish"}, {"", "windows", "powershell"}, {"", "linux", "sh"},
		{`C:\Program Files\PowerShell\7\pwsh.exe`, "windows", "powershell"}, {"/bin/zsh", "darwin", "sh"},
	} {
		if got := ShellOf(c.shell, c.goos); got != c.want {
			t.Errorf("ShellOf(%q, %q) = %q, want %q", c.shell, c.goos, got, c.want)
		}
	}
}

func TestOver_ReplacesAndDropsWhatLeadsElsewhere(t *testing.T) {
	before := []string{"HOME=/h", "ANTHROPIC_API_KEY=sk-ant", "ANTHROPIC_BASE_URL=https://api.z.ai", "CLAUDE_CODE_USE_BEDROCK=1", "PATH=/bin"}
	got := Over(before, Claude, Settings{URL: "http://127.0.0.1:8080"})
	want := []string{
		"HOME=/h", "PATH=/bin", "ANTHROPIC_BASE_URL=http://127.0.0.1:8080", "ANTHROPIC_AUTH_TOKEN=aimux",
		"API_TIMEOUT_MS=1860000", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestArgs_OnlyCodexHasThem(t *testing.T) {
	want := []string{
		"-c", `model_provider="aimux"`, "-c",
		`model_providers.aimux={name="aimux",base_url="http://127.0.0.1:8080/v1",wire_api="responses",env_key="AIMUX_TOKEN",stream_idle_timeout_ms=300000}`,
		"-c", `model="coder"`,
	}
	if d := cmp.Diff(want, Args(Codex, known)); d != "" {
		t.Error(d)
	}
	if Args(Claude, known) != nil {
		t.Error("Claude Code takes its settings from the environment")
	}
}

func TestNormalise_SpellingsOfTheDangerousFlag(t *testing.T) {
	in := []string{"--dangerous", "--Dangerously_Skip_Permission", "-p", "--model", "x", "--", "--dangerous"}
	want := []string{"--dangerously-skip-permissions", "--dangerously-skip-permissions", "-p", "--model", "x", "--", "--dangerous"}
	if d := cmp.Diff(want, Normalise(Claude, in)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(in, Normalise(Codex, in)); d != "" {
		t.Error(d)
	}
}

func TestChoose_TheGatewaysAliasesUnlessItAnswersTheClientsOwnNames(t *testing.T) {
	for _, c := range []struct {
		name         string
		client       Client
		names        []string
		model, small string
	}{
		{"any name", Claude, []string{"coder", "*"}, "", ""},
		{"the client's names", Claude, []string{"coder", "claude-*"}, "", ""},
		{"a pattern above the client's names", Codex, []string{"gpt-*", "coder"}, "", ""},
		{"another client's names", Codex, []string{"claude-*", "coder"}, "coder", ""},
		{"a small one", Claude, []string{"fast", "coder", "coder-mini"}, "coder", "fast"},
		{"minimax is not small", Claude, []string{"minimax", "gpt-5-mini"}, "minimax", "gpt-5-mini"},
		{"only small ones", Claude, []string{"flash"}, "flash", "flash"},
		{"no configuration", Claude, []string{"default"}, "", ""},
		{"nothing", Claude, nil, "", ""},
	} {
		if model, small := Choose(c.client, c.names); model != c.model || small != c.small {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, model, small, c.model, c.small)
		}
	}
}

func TestParseClient_NamesThoseThereAre(t *testing.T) {
	if c, err := ParseClient("claude-code"); c != Claude || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := ParseClient("cursor"); err == nil || !strings.Contains(err.Error(), "claude, codex, openai and anthropic") {
		t.Errorf("%v", err)
	}
	for _, c := range Clients() {
		if c.Title() == "" {
			t.Error(c)
		}
	}
}
