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
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
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
	for _, add := range commands().Commands() {
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

// TestCommands_EveryExampleParses reads the examples of all commands as a shell
// and cobra would.
func TestCommands_EveryExampleParses(t *testing.T) {
	tree := func() *cobra.Command {
		root := &cobra.Command{Use: "aimux"}
		for _, add := range commands().Commands() {
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

// ownMachine gives a test a machine of its own: no keys, no files, no server.
func ownMachine(t *testing.T) (home string) {
	t.Helper()
	noKeys(t)
	home = t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"), "XDG_DATA_HOME": filepath.Join(home, ".local/share"),
		"AIMUX_ADMIN": "unix/" + filepath.Join(home, "none.sock"), "AIMUX_URL": "", "AIMUX_TOKEN": "", "AIMUX_MODEL": "", "CLAUDE_CONFIG_DIR": "", "CODEX_HOME": "",
	} {
		t.Setenv(name, value)
	}
	t.Chdir(home)
	return home
}

// execute runs a command and returns all that it printed.
func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "aimux"}
	for _, add := range commands().Commands() {
		var cmd cobra.Command
		add(&cmd)
		root.AddCommand(&cmd)
	}
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// openVault opens the vault of a test's machine.
func openVault(t *testing.T) *vault.Vault {
	t.Helper()
	options, err := place.VaultOptions(schema.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const zaiKey = "0123456789abcdef0123456789abcdef.AbCdEf0123456789"

func TestScan_ShowsMaskedAndPutsToUse(t *testing.T) {
	ownMachine(t)
	key := "csk-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl"
	if err := os.MkdirAll("old", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("old/keys.json", []byte(`{"CEREBRAS_API_KEY":"`+key+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, "scan", "old")
	if err != nil || strings.Contains(out, key) || !strings.Contains(out, "cerebras") || place.Exists(place.File("vault.json")) {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err = execute(t, "scan", "old", "--import", "--yes"); err != nil || strings.Contains(out, key) || !strings.Contains(out, "in use: ") {
		t.Fatalf("%v: %s", err, out)
	}
	result, err := schema.Load(schema.Options{Overrides: place.Overrides(), Environ: os.Environ(), Known: provider.Known()})
	if err != nil || len(result.Config.Keys) != 1 || result.Config.Keys[0].Secret.Scheme != "vault" {
		t.Fatalf("%v, %v", err, result)
	}
	if got, err := openVault(t).Get(result.Config.Keys[0].Secret.Name, "https://api.cerebras.ai:443"); err != nil || got.Reveal() != key {
		t.Errorf("%v", err)
	}
}

func TestConfigCheck_ReadsCaddyfilesAndWarnsOfAccessLogs(t *testing.T) {
	dir := machine(t)
	put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nproviders:\n  sim:\n    kind: simulator\n")
	put(t, filepath.Join(dir, "Caddyfile"), "{\n\taimux\n}\nhttp://127.0.0.1:8080 {\n\tbind 127.0.0.1\n\tlog\n\taimux\n}\n")
	for _, args := range [][]string{{"config", "check", "Caddyfile"}, {"config", "check", "--config", "Caddyfile"}, {"config", "check"}} {
		out, said, code := typed(t, "", args...)
		if code != cli.OK || !strings.Contains(out, "warning Caddyfile: the access log of 127.0.0.1:8080") {
			t.Errorf("%v: exit code %d, %s: %s", args, code, said, out)
		}
	}
	put(t, filepath.Join(dir, "aimux.toon"), "version: 1\nnonsense: 1\n")
	if out, _, code := typed(t, "", "config", "check", "Caddyfile"); code != cli.Failed || !strings.Contains(out, "nonsense") {
		t.Errorf("a broken one: exit code %d: %s", code, out)
	}
}

// keyIn writes a key into a file.
func keyIn(t *testing.T, key string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	put(t, file, key)
	return file
}
