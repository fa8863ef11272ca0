package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/audit"
	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// machine is a machine with nothing on it but what a test puts there.
func machine(t *testing.T) (dir string) {
	t.Helper()
	noKeys(t)
	dir = t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "conf"))
	t.Setenv("AIMUX_ADMIN", "off")
	t.Setenv("AIMUX_CONFIG", "")
	t.Chdir(dir)
	return dir
}

// typed runs a command of aimux's as it is typed.
func typed(t *testing.T, stdin string, args ...string) (out, said string, code cli.Exit) {
	t.Helper()
	root := &cobra.Command{Use: "aimux", SilenceUsage: true}
	host := cli.Host{Open: openLocal, Files: openFiles, SetPassword: setPassword, Diagnose: diagnose}
	for _, add := range append(host.Commands(), configCommand) {
		var cmd cobra.Command
		add(&cmd)
		root.AddCommand(&cmd)
	}
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), cli.CodeOf(err)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// endpoint serves the admin routes of an app that is in force.
func endpoint(t *testing.T, app *App) string {
	t.Helper()
	serving.Store(app)
	mux := http.NewServeMux()
	for _, route := range (Admin{}).Routes() {
		mux.Handle(route.Pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handler.ServeHTTP(w, r); err != nil {
				status := http.StatusInternalServerError
				var api caddy.APIError
				if errors.As(err, &api) {
					status = api.HTTPStatus
				}
				http.Error(w, fmt.Sprintf(`{"error":%q}`, err), status)
			}
		}))
	}
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		serving.CompareAndSwap(app, nil)
	})
	return strings.TrimPrefix(s.URL, "http://")
}

const newSecret = "a-secret-of-the-test-0123"

// TestCommands_WorkByBothWays runs the same commands with a server and without.
func TestCommands_WorkByBothWays(t *testing.T) {
	for _, way := range []string{"the server", "the files"} {
		t.Run(way, func(t *testing.T) {
			dir := machine(t)
			put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nproviders:\n  zai:\n    kind: zai\n  sim:\n    kind: simulator\n")
			if way == "the server" {
				app := &App{Source: filepath.Join(dir, "aimux.toon")}
				document, err := embed(app.Source, "")
				if err != nil {
					t.Fatal(err)
				}
				app.Config = document.Config
				if err := app.Provision(newContext(t)); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = app.Cleanup() })
				t.Setenv("AIMUX_ADMIN", endpoint(t, app))
			}
			changeAndLook(t, way)
		})
	}
}

func changeAndLook(t *testing.T, way string) {
	t.Helper()
	must := func(stdin string, args ...string) string {
		t.Helper()
		out, said, code := typed(t, stdin, args...)
		if code != cli.OK {
			t.Fatalf("%v: exit code %d: %s", args, code, said)
		}
		if strings.Contains(out+said, newSecret) {
			t.Errorf("%v shows a secret", args)
		}
		return out
	}
	if _, said, _ := typed(t, "", "models", "-v"); !strings.Contains(said, "using "+way) {
		t.Fatalf("not by %s: %s", way, said)
	}
	must(newSecret, "keys", "add", "zai", "--stdin")
	must("", "providers", "disable", "sim")
	token := must("", "clients", "create", "anna", "--rpm", "60")
	if out := must("", "keys", "list"); !strings.Contains(out, "ready") || !strings.Contains(out, "vault") {
		t.Errorf("keys: %s", out)
	}
	if out := must("", "providers", "list"); !strings.Contains(out, "disabled") {
		t.Errorf("providers: %s", out)
	}
	if out := must("", "clients", "show", "anna"); !strings.Contains(out, "requests: 60") || !strings.HasPrefix(token, "amx_") {
		t.Errorf("clients: %s", out)
	}
	must("", "keys", "reset", "zai/main")
	must("", "providers", "test", "zai", "--help")
	if out := must("", "audit", "show"); !strings.Contains(out, "key.create") || !strings.Contains(out, "local") {
		t.Errorf("audit: %s", out)
	}
	must("", "audit", "verify")
	if _, _, code := typed(t, "", "usage"); code != cli.Nothing {
		t.Errorf("usage of nothing: exit code %d", code)
	}
	if out := must("", "vault", "status"); !strings.Contains(out, "keys          1,") {
		t.Errorf("vault: %s", out)
	}
}

func TestCommands_WithoutAServerWriteDownWhatTheyDoToFiles(t *testing.T) {
	machine(t)
	if _, said, code := typed(t, "", "vault", "init"); code != cli.OK {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if _, said, code := typed(t, "correct horse battery\n", "admin", "passwd", "--stdin"); code != cli.OK {
		t.Fatalf("exit code %d: %s", code, said)
	}
	page, err := audit.Show(context.Background(), place.File("audit"), audit.Filter{Actor: "local"})
	if err != nil || len(page.Records) != 2 || page.Records[0].Action != "password.reset" || page.Records[0].Target != "admin" || page.Records[1].Action != "vault.init" {
		t.Errorf("%v: %+v", err, page.Records)
	}
	copied := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, args := range [][]string{{"audit", "export", "--to", copied}, {"audit", "verify", "--copy", copied}} {
		if _, said, code := typed(t, "", args...); code != cli.OK {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	if _, _, code := typed(t, "short\n", "admin", "passwd", "--stdin"); code != cli.Failed {
		t.Errorf("a short password: exit code %d", code)
	}
}

func TestCommands_OfABrokenConfigurationSayWhere(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nproviders:\n  zai:\n    kind: zia\n")
	for _, args := range [][]string{{"providers", "list"}, {"vault", "status"}} {
		if _, said, code := typed(t, "", args...); code != cli.Failed || !strings.Contains(said, `did you mean "zai"`) {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	if out, _, code := typed(t, "", "doctor"); code != cli.Failed || !strings.Contains(out, "fail  configuration") || !strings.Contains(out, "ok    clock") {
		t.Errorf("doctor: exit code %d: %s", code, out)
	}
}

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

// TestCommands_EveryExampleParses reads the examples of all commands as a shell
// and cobra would.
func TestCommands_EveryExampleParses(t *testing.T) {
	tree := func() *cobra.Command {
		root := &cobra.Command{Use: "aimux"}
		for _, add := range allCommands() {
			var cmd cobra.Command
			add(&cmd)
			root.AddCommand(&cmd)
		}
		return root
	}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		for line := range strings.Lines(cmd.Example) {
			words := shellWords(line)
			if len(words) == 0 {
				continue
			}
			found, rest, err := tree().Find(words)
			if err == nil && !found.DisableFlagParsing {
				if err = found.ParseFlags(rest); err == nil {
					err = found.ValidateArgs(found.Flags().Args())
				}
			}
			if err != nil || !found.HasParent() {
				t.Errorf("%s: %q: %v", cmd.CommandPath(), strings.TrimSpace(line), err)
			}
		}
	}
	visit(tree())
	document, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := new(cobra.Command)
	for i, block := range strings.Split(string(document), "```") {
		if text, ok := strings.CutPrefix(block, "sh\n"); ok && i%2 == 1 {
			commands.Example += text
		}
	}
	if strings.Count(commands.Example, "aimux ") < 15 {
		t.Errorf("docs/cli.md has few commands:\n%s", commands.Example)
	}
	visit(commands)
}

// shellWords are the arguments of the aimux command in a line.
func shellWords(line string) []string {
	_, line, ok := strings.Cut(" "+strings.TrimSpace(line)+" ", " aimux ")
	if !ok {
		_, line, _ = strings.Cut(line, "(aimux ")
	}
	for _, end := range []string{" | ", " > ", " < ", ")", " && ", " # "} {
		line, _, _ = strings.Cut(line, end)
	}
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}
