package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// readyLimit is how long a gateway that was started on demand may take.
const readyLimit = 15 * time.Second

// defaultURL is where a gateway listens unless something says otherwise.
const defaultURL = "http://127.0.0.1:8080"

// launcher finds a gateway and what a client needs to use it.
type launcher struct {
	url, config string
	model       string
	noStart     bool
	say         io.Writer // where it tells what it did

	// become runs the client, start a gateway. Tests put others here.
	become func(path string, args, environ []string) error
	start  func(p launch.Program) (pid int, ended <-chan error, err error)
}

func newLauncher(say io.Writer) *launcher {
	return &launcher{say: say, become: launch.Become, start: launch.Program.Start}
}

func claudeCommand(cmd *cobra.Command) {
	launchCommand(cmd, launch.Claude, "  aimux claude\n  aimux claude --url https://ai.example.com -- -p 'explain this repository'\n  aimux claude --resume")
}

func codexCommand(cmd *cobra.Command) {
	launchCommand(cmd, launch.Codex, "  aimux codex\n  aimux codex exec 'run the tests'\n  AIMUX_MODEL=coder aimux codex")
}

// launchCommand is `aimux claude` and `aimux codex`. Arguments are the client's;
// aimux's own stand before them.
func launchCommand(cmd *cobra.Command, c launch.Client, example string) {
	l := newLauncher(os.Stderr)
	cmd.Use = string(c) + " [--url URL] [--config CADDYFILE] [--no-start] [arguments of " + c.Title() + "]"
	cmd.Short = "Starts " + c.Title() + " on this gateway, which is started too if nothing listens"
	cmd.Long = "Runs " + c.Title() + " with the right address, key, models and time limits in its environment. Its own files are not touched.\n\n" +
		"The gateway is --url, else $AIMUX_URL, else the one that runs here, else " + defaultURL + ". If nothing listens there aimux is started, and stays " +
		"when " + c.Title() + " ends: `aimux stop` ends it. Its log is aimux.log in the data directory. If the gateway asks for a key, $AIMUX_TOKEN is used, " +
		"else a client named " + string(c) + " is made and its key kept in the vault. $AIMUX_MODEL is asked for instead of the first alias.\n\n" +
		"All arguments from the first that is not one of aimux's go to " + c.Title() + "; -- ends aimux's own."
	cmd.Example = example
	cmd.DisableFlagParsing, cmd.SilenceUsage = true, true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		args, help, err := l.own(args)
		if err != nil {
			return err
		}
		if help {
			return cmd.Help()
		}
		return l.run(cmd.Context(), c, args)
	}
}

// own takes aimux's own arguments from the front.
func (l *launcher) own(args []string) (rest []string, help bool, err error) {
	for len(args) > 0 {
		name, value, joined := strings.Cut(args[0], "=")
		target := map[string]*string{"--url": &l.url, "--config": &l.config}[name]
		switch {
		case args[0] == "--":
			return args[1:], false, nil
		case args[0] == "--no-start":
			l.noStart = true
		case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
			return nil, true, nil
		case target == nil:
			return args, false, nil
		case joined:
			*target = value
		case len(args) == 1:
			return nil, false, fmt.Errorf("%s needs a value", name)
		default:
			*target = args[1]
			args = args[1:]
		}
		args = args[1:]
	}
	return args, false, nil
}

// run starts a client.
func (l *launcher) run(ctx context.Context, c launch.Client, args []string) error {
	path, err := exec.LookPath(string(c))
	if err != nil {
		return fmt.Errorf("%s is not installed, or not on the PATH: %s", c.Title(), c.Install())
	}
	s, err := l.settings(ctx, c)
	if err != nil {
		return err
	}
	args = append(launch.Args(c, s), launch.Normalise(c, args)...)
	return l.become(path, args, launch.Over(os.Environ(), c, s))
}

// settings finds the gateway, starts it if need be, and asks what it offers.
func (l *launcher) settings(ctx context.Context, c launch.Client) (launch.Settings, error) {
	api := adminAPI{}
	g := launch.Gateway{URL: strings.TrimRight(cmp.Or(l.url, os.Getenv("AIMUX_URL"), servingURL(ctx, api), defaultURL), "/")}
	if err := launch.CheckURL(g.URL); err != nil {
		return launch.Settings{}, err
	}
	if err := l.ready(ctx, g); err != nil {
		return launch.Settings{}, err
	}
	tokens := launch.Tokens{Gateway: g, Given: os.Getenv("AIMUX_TOKEN")}
	if g.Local() {
		tokens.API = api
		if k := newTokenVault(ctx); k != nil {
			tokens.Keeper = k
		}
	}
	token, names, err := tokens.For(ctx, c)
	if err != nil {
		return launch.Settings{}, err
	}
	s := launch.Settings{URL: g.URL, Token: token, Model: cmp.Or(l.model, os.Getenv("AIMUX_MODEL"))}
	if s.Model == "" {
		s.Model, s.Small = launch.Choose(c, allNames(ctx, api, g, names))
	}
	return s, nil
}

// ready makes sure that a gateway answers.
func (l *launcher) ready(ctx context.Context, g launch.Gateway) error {
	state, err := g.Probe(ctx)
	switch {
	case err != nil:
		return err
	case state == launch.Ready:
		return nil
	case state == launch.Foreign:
		return fmt.Errorf("something that is not aimux listens at %s; name the gateway with --url or AIMUX_URL", g.URL)
	case state == launch.Busy:
		return launch.Await(ctx, g.Probe, nil, readyLimit)
	case l.noStart || !g.Local():
		return fmt.Errorf("nothing listens at %s", g.URL)
	}
	return l.startServer(ctx, g)
}

// startServer starts `aimux run`, which goes on after the client.
func (l *launcher) startServer(ctx context.Context, g launch.Gateway) error {
	file, err := findCaddyfile(l.config, l.say)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := launch.Program{Path: self, Args: []string{"run", "--config", file}, Dir: filepath.Dir(file), Log: dataFile("aimux.log")}
	pid, ended, err := l.start(p)
	if err != nil {
		return err
	}
	err = launch.Await(ctx, g.Probe, ended, readyLimit)
	if err != nil {
		return fmt.Errorf("%w (%s)\n%s", err, p.Log, launch.Tail(p.Log, 5))
	}
	fmt.Fprintf(l.say, "aimux was not running: started with %s (process %d), and it stays. Log: %s. End it with: aimux stop%s\n", file, pid, p.Log, stopFlag())
	return nil
}

// stopFlag is what Caddy's stop command has to be told.
func stopFlag() string {
	if address := adminAddress(); address != "localhost:2019" {
		return " --address " + address
	}
	return ""
}

// adminAPI reaches the console's API by Caddy's admin endpoint.
type adminAPI struct{}

// adminAddress is where the running server's admin endpoint is, as the Caddyfile
// says it.
func adminAddress() string { return cmp.Or(os.Getenv("AIMUX_ADMIN"), "localhost:2019") }

// Call asks. What the server refuses is an error with its words.
func (adminAPI) Call(ctx context.Context, method, path string, in, out any) error {
	r, err := apiRequest(ctx, method, "/aimux"+path, in)
	if err != nil {
		return err
	}
	answer, err := caddycmd.AdminAPIRequest(adminAddress(), method, r.URL.String(), r.Header, r.Body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return readAnswer(answer.Body, out)
}

// apiRequest is a request with a value as JSON, unless it is nil.
func apiRequest(ctx context.Context, method, url string, in any) (*http.Request, error) {
	if in == nil {
		return http.NewRequestWithContext(ctx, method, url, nil)
	}
	data, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err == nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, err
}

// maxAPIAnswer bounds what is read of one answer.
const maxAPIAnswer = 16 << 20

func readAnswer(body io.Reader, out any) error {
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(body, maxAPIAnswer)).Decode(out)
}

// running reports whether a server answers at the admin endpoint.
func (adminAPI) running() bool {
	answer, err := caddycmd.AdminAPIRequest(adminAddress(), http.MethodGet, "/aimux/status", nil, nil)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return true
}

// allNames are the aliases of a gateway with its patterns, which only its
// administrators see, in the order of the configuration.
func allNames(ctx context.Context, api launch.API, g launch.Gateway, seen []string) []string {
	var table struct {
		Rows []struct {
			Alias string `json:"alias"`
		} `json:"rows"`
		Aliases []struct {
			Alias string `json:"alias"`
		} `json:"aliases"`
	}
	if !g.Local() || api.Call(ctx, http.MethodGet, "/api/models?limit=500", nil, &table) != nil {
		return seen
	}
	var names []string
	for _, a := range append(table.Rows, table.Aliases...) {
		if !strings.Contains(a.Alias, "/") { // that is a model addressed directly
			names = append(names, a.Alias)
		}
	}
	if len(names) == 0 {
		return seen
	}
	return names
}

// envCommand is `aimux env`.
func envCommand(cmd *cobra.Command) {
	l := newLauncher(os.Stderr)
	var shell string
	cmd.Use = "env claude|codex|openai|anthropic"
	cmd.Short = "Prints the variables that point a client at this gateway"
	cmd.Long = "Prints commands for your shell that set them; with eval they take effect. The gateway has to run: nothing is started. " +
		"The output holds the client's key if the gateway asks for one."
	cmd.Example = "  eval \"$(aimux env claude)\"\n  aimux env openai --shell fish | source\n  aimux env anthropic --shell powershell | Invoke-Expression"
	cmd.Args, cmd.SilenceUsage = cobra.ExactArgs(1), true
	cmd.ValidArgs = []string{"claude", "codex", "openai", "anthropic"}
	l.flags(cmd)
	cmd.Flags().StringVar(&shell, "shell", "", "the shell to write for: sh, fish or powershell (default: yours)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := launch.ParseClient(args[0])
		if err != nil {
			return err
		}
		l.noStart = true
		s, err := l.settings(cmd.Context(), c)
		if err != nil {
			return err
		}
		text, err := launch.Render(cmp.Or(shell, launch.ShellOf(os.Getenv("SHELL"), goruntime.GOOS)), c, s)
		if err == nil {
			_, err = io.WriteString(cmd.OutOrStdout(), text)
		}
		return err
	}
}

// flags are those of commands that are no launchers.
func (l *launcher) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.url, "url", "", "the gateway's address (default: $AIMUX_URL, else the one that runs here)")
	cmd.Flags().StringVar(&l.model, "model", "", "the model to ask for (default: $AIMUX_MODEL, else the first alias, unless any name will do)")
}

// clientSetupCommand is `aimux setup`.
func clientSetupCommand(cmd *cobra.Command) {
	l := newLauncher(os.Stderr)
	var write, undo, force bool
	cmd.Use = "setup claude-code|codex [--write | --undo]"
	cmd.Short = "Points a client at this gateway for good, in its own configuration file"
	cmd.Long = "Shows what would change in ~/.claude/settings.json or ~/.codex/config.toml; with --write it is changed. " +
		"What the file was stays beside it, and --undo brings it back. The gateway has to run."
	cmd.Example = "  aimux setup claude-code\n  aimux setup claude-code --write\n  aimux setup codex --undo"
	cmd.Args, cmd.SilenceUsage = cobra.ExactArgs(1), true
	cmd.ValidArgs = []string{"claude-code", "codex"}
	l.flags(cmd)
	cmd.Flags().BoolVar(&write, "write", false, "change the file")
	cmd.Flags().BoolVar(&undo, "undo", false, "make the file what it was before")
	cmd.Flags().BoolVar(&force, "force", false, "with --undo: also if the file was changed since")
	cmd.MarkFlagsMutuallyExclusive("write", "undo")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := launch.ParseClient(args[0])
		if err != nil {
			return err
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		path := launch.ConfigFile(c, home, os.LookupEnv)
		switch {
		case path == "":
			return fmt.Errorf("%s have no file of their own: use `aimux env %s`", c.Title(), c)
		case undo:
			if err = launch.Undo(path, force); err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), path, "is what it was before")
			}
			return err
		}
		l.noStart = true
		return l.edit(cmd, c, path, write)
	}
}

// edit shows or makes the change of a client's file.
func (l *launcher) edit(cmd *cobra.Command, c launch.Client, path string, write bool) error {
	s, err := l.settings(cmd.Context(), c)
	if err != nil {
		return err
	}
	e, err := launch.Plan(c, path, s)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if !e.Changes() {
		fmt.Fprintln(out, path, "points at", s.URL, "already")
		return nil
	}
	fmt.Fprintf(out, "%s\n%s\n", path, e.Diff(s.Token))
	if !write {
		fmt.Fprintln(out, "Nothing is changed yet: add --write.")
		return nil
	}
	if err := e.Write(); err != nil {
		return err
	}
	fmt.Fprintf(out, "Written. `aimux setup %s --undo` takes it back.\n", cmd.Flags().Arg(0))
	return nil
}
