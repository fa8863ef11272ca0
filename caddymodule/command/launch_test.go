package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/deploy"
	"github.com/aimux/aimux/schema"
	"github.com/google/go-cmp/cmp"
)

// fakeGateway answers like a gateway that takes one token; empty: any.
func fakeGateway(t *testing.T, token string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("aimux 1 is running.\n")) })
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"data":[{"id":"coder","owned_by":"aimux"},{"id":"coder-mini","owned_by":"aimux"}]}`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// program puts a script on the PATH that prints its arguments and some of its
// environment.
func program(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nfor a in \"$@\"; do echo \"arg $a\"; done\nenv | grep -E '^(ANTHROPIC|AIMUX_TOKEN=.)' | sort\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// testLauncher runs clients instead of becoming them.
func testLauncher(t *testing.T) (l *launcher, ran, said *bytes.Buffer) {
	ran, said = new(bytes.Buffer), new(bytes.Buffer)
	l = host().newLauncher(said)
	l.become = func(path string, args, environ []string) error {
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Env, cmd.Stdout = environ, ran
		return cmd.Run()
	}
	l.start = func(launch.Program) (int, <-chan error, error) { return 0, nil, errors.New("nothing is to be started") }
	return l, ran, said
}

func TestLauncher_ClaudeGetsItsEnvironmentAndArguments(t *testing.T) {
	ownMachine(t)
	program(t, "claude")
	t.Setenv("ANTHROPIC_API_KEY", "sk-ant-own")
	gateway := fakeGateway(t, "")
	l, ran, _ := testLauncher(t)
	args, help, err := l.own([]string{"--url", gateway.URL, "--no-start", "--dangerous", "-p", "--url"})
	if err != nil || help || cmp.Diff([]string{"--dangerous", "-p", "--url"}, args) != "" {
		t.Fatalf("%v, %v, %v", args, help, err)
	}
	if err := l.run(t.Context(), launch.Claude, args); err != nil {
		t.Fatal(err)
	}
	want := "arg --dangerously-skip-permissions\narg -p\narg --url\nANTHROPIC_AUTH_TOKEN=aimux\nANTHROPIC_BASE_URL=" + gateway.URL + `
ANTHROPIC_DEFAULT_FABLE_MODEL=coder
ANTHROPIC_DEFAULT_HAIKU_MODEL=coder-mini
ANTHROPIC_DEFAULT_OPUS_MODEL=coder
ANTHROPIC_DEFAULT_SONNET_MODEL=coder
ANTHROPIC_MODEL=coder
`
	if d := cmp.Diff(want, ran.String()); d != "" {
		t.Error(d)
	}
}

func TestLauncher_CodexGetsItsProviderAsArguments(t *testing.T) {
	ownMachine(t)
	program(t, "codex")
	gateway := fakeGateway(t, "amx_given")
	t.Setenv("AIMUX_TOKEN", "amx_given")
	t.Setenv("AIMUX_URL", gateway.URL)
	t.Setenv("AIMUX_MODEL", "chosen")
	l, ran, _ := testLauncher(t)
	if err := l.run(t.Context(), launch.Codex, []string{"exec", "hello"}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"arg model_provider=\"aimux\"\n", gateway.URL + "/v1", "arg model=\"chosen\"\narg exec\narg hello\n", "AIMUX_TOKEN=amx_given\n"} {
		if !strings.Contains(ran.String(), part) {
			t.Errorf("%q is missing in\n%s", part, ran)
		}
	}
}

func TestLauncher_OwnArgumentsEndAtTheFirstOther(t *testing.T) {
	for _, c := range []struct {
		args, want []string
		help       bool
		err        string
	}{
		{[]string{"--help"}, nil, true, ""},
		{[]string{"--", "--help"}, []string{"--help"}, false, ""},
		{[]string{"-p", "--no-start"}, []string{"-p", "--no-start"}, false, ""},
		{[]string{"--url"}, nil, false, "--url needs a value"},
		{[]string{"--url=x", "--config=y"}, []string{}, false, ""},
	} {
		args, help, err := new(launcher).own(c.args)
		if cmp.Diff(c.want, args) != "" || help != c.help || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%q: %q, %v, %v", c.args, args, help, err)
		}
	}
}

func TestLauncher_StartsAGatewayOnDemand(t *testing.T) {
	home := ownMachine(t)
	program(t, "claude")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, ran, said := testLauncher(t)
	l.url = "http://" + listener.Addr().String()
	listener.Close()
	var started launch.Program
	l.start = func(p launch.Program) (int, <-chan error, error) {
		started = p
		again, err := net.Listen("tcp", strings.TrimPrefix(l.url, "http://"))
		if err != nil {
			t.Skip("another process took the port")
		}
		server := fakeGateway(t, "")
		plain := &http.Server{Handler: server.Config.Handler}
		t.Cleanup(func() { plain.Close() })
		go plain.Serve(again)
		return 4711, nil, nil
	}
	if err := l.run(t.Context(), launch.Claude, nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, ".config/aimux/Caddyfile")
	want := launch.Program{Path: started.Path, Args: []string{"run", "--config", file}, Dir: filepath.Dir(file), Log: place.File("aimux.log")}
	if d := cmp.Diff(want, started); d != "" {
		t.Error(d)
	}
	for _, part := range []string{"wrote " + file, "process 4711", "aimux.log", "aimux stop"} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("%q is missing in %s", part, said)
		}
	}
	if !strings.Contains(ran.String(), "ANTHROPIC_BASE_URL="+l.url) {
		t.Error(ran)
	}
	if made := mustRead(t, file); made != deploy.Text("user/Caddyfile") {
		t.Error(made)
	}
}

func TestLauncher_SaysWhatIsWrong(t *testing.T) {
	ownMachine(t)
	gateway, other := fakeGateway(t, "amx_x"), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	l, _, _ := testLauncher(t)
	if err := l.run(t.Context(), launch.Claude, nil); err == nil || !strings.Contains(err.Error(), "npm install -g") {
		t.Errorf("%v", err)
	}
	program(t, "claude")
	for url, want := range map[string]string{
		gateway.URL: "aimux clients create", other.URL: "something that is not aimux", "http://127.0.0.1:1": "nothing listens", "nonsense": "address",
	} {
		l.url, l.noStart = url, true
		if err := l.run(t.Context(), launch.Claude, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestLauncher_EndsAGatewayThatDoesNotListenWhereItShould(t *testing.T) {
	home := ownMachine(t)
	program(t, "claude")
	script := filepath.Join(home, "aimux")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntrap 'echo ended; exit 0' INT\necho listening elsewhere\nwhile :; do sleep 0.01; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, _, _ := testLauncher(t)
	var over <-chan error
	l.url, l.limit = "http://127.0.0.1:1", 300*time.Millisecond
	l.start = func(p launch.Program) (int, <-chan error, error) {
		p.Path = script
		pid, ended, err := p.Start()
		told := make(chan error)
		over = told
		go func() { told <- <-ended }()
		return pid, nil, err
	}
	err := l.run(t.Context(), launch.Claude, nil)
	if err == nil || !strings.Contains(err.Error(), "not ready after") || !strings.Contains(err.Error(), "listening elsewhere") {
		t.Errorf("%v", err)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestEnv_PrintsForTheShellAsked(t *testing.T) {
	ownMachine(t)
	gateway := fakeGateway(t, "")
	out, err := execute(t, host().envCommand, "openai", "--url", gateway.URL, "--shell", "fish")
	if err != nil || out != "set -gx OPENAI_BASE_URL '"+gateway.URL+"/v1'\nset -gx OPENAI_API_KEY 'aimux'\n" {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := execute(t, host().envCommand, "vim"); err == nil || !strings.Contains(err.Error(), `"vim"`) {
		t.Errorf("%v", err)
	}
}

func TestSetup_ShowsWritesAndUndoes(t *testing.T) {
	home := ownMachine(t)
	t.Setenv("AIMUX_URL", fakeGateway(t, "").URL)
	path := filepath.Join(home, ".claude/settings.json")
	out, err := execute(t, host().clientSetupCommand, "claude-code")
	if err != nil || !strings.Contains(out, "add --write") || place.Exists(path) {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err = execute(t, host().clientSetupCommand, "claude-code", "--write"); err != nil || !strings.Contains(mustRead(t, path), os.Getenv("AIMUX_URL")) {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err = execute(t, host().clientSetupCommand, "claude-code", "--write"); err != nil || !strings.Contains(out, "already") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err = execute(t, host().clientSetupCommand, "claude-code", "--undo"); err != nil || place.Exists(path) {
		t.Errorf("%v: %s", err, out)
	}
	if _, err = execute(t, host().clientSetupCommand, "openai"); err == nil || !strings.Contains(err.Error(), "aimux env openai") {
		t.Errorf("%v", err)
	}
}

func TestServedBy_TheAddressOfTheGatewaysServer(t *testing.T) {
	for text, want := range map[string]string{
		`{"listen":["127.0.0.1:8080"],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                                "http://127.0.0.1:8080",
		`{"listen":[":443"],"routes":[{"match":[{"host":["ai.example.com"]}],"handle":[{"handler":"aimux"}]}]}`:                    "https://ai.example.com",
		`{"listen":[":9000"],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                                         "http://127.0.0.1:9000",
		`{"listen":["[::1]:9000"],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                                    "http://[::1]:9000",
		`{"listen":["127.0.0.1:8081"],"routes":[{"handle":[{"handler":"aimux_dashboard"}]}]}`:                                      "",
		`{"listen":["unix//run/a.sock"],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                              "",
		`{"listen":["fd/3"],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                                          "",
		`{"listen":[],"routes":[{"handle":[{"handler":"aimux"}]}]}`:                                                                "",
		`{"listen":["127.0.0.1:8080"],"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":"aimux"}]}]}]}]}`: "http://127.0.0.1:8080",
	} {
		var s servedBy
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if got := s.url(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTokenVault_KeepsOneKeyForEachClientAndGateway(t *testing.T) {
	ownMachine(t)
	if host().tokenVault(t.Context()) != nil {
		t.Error("there is no vault")
	}
	options, err := place.VaultOptions(schema.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.OpenVault(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	k := host().tokenVault(t.Context())
	for _, token := range []string{"amx_first0000", "amx_second000"} {
		if err := k.Keep(context.Background(), launch.Claude, "http://127.0.0.1:8080", token); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.Token(launch.Claude, "http://127.0.0.1:8080"); got != "amx_second000" {
		t.Errorf("%q", got)
	}
	if k.Token(launch.Claude, "http://127.0.0.1:9090") != "" || k.Token(launch.Codex, "http://127.0.0.1:8080") != "" {
		t.Error("a key for another gateway or client")
	}
	if _, err := vault.Open(t.Context(), options); err != nil {
		t.Error(err)
	}
}
