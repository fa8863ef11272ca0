package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/spf13/cobra"
)

// readyLimit is how long a gateway that was started on demand may take.
const readyLimit = 15 * time.Second

// defaultURL is where a gateway listens unless something says otherwise.
const defaultURL = "http://127.0.0.1:8080"

// launcher finds a gateway and what a client needs to use it.
type launcher struct {
	host        *Host
	url, config string
	model       string
	noStart     bool
	say         io.Writer     // where it tells what it did
	limit       time.Duration // how long a gateway may take to be ready

	// become runs the client, start a gateway. Tests put others here.
	become func(path string, args, environ []string) error
	start  func(p launch.Program) (pid int, ended <-chan error, err error)
}

func (h *Host) newLauncher(say io.Writer) *launcher {
	return &launcher{host: h, say: say, limit: readyLimit, become: launch.Become, start: launch.Program.Start}
}

func (h *Host) claudeCommand(cmd *cobra.Command) {
	h.launchCommand(cmd, launch.Claude, "  aimux claude\n  aimux claude --url https://ai.example.com -- -p 'explain this repository'\n  aimux claude --resume")
}

func (h *Host) codexCommand(cmd *cobra.Command) {
	h.launchCommand(cmd, launch.Codex, "  aimux codex\n  aimux codex exec 'run the tests'\n  AIMUX_MODEL=coder aimux codex")
}

// launchCommand is `aimux claude` and `aimux codex`. Arguments are the client's;
// aimux's own stand before them.
func (h *Host) launchCommand(cmd *cobra.Command, c launch.Client, example string) {
	l := h.newLauncher(os.Stderr)
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
		if k := l.host.tokenVault(ctx); k != nil {
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
		return launch.Await(ctx, g.Probe, nil, l.limit)
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
	p := launch.Program{Path: self, Args: []string{"run", "--config", file}, Dir: filepath.Dir(file), Log: place.File("aimux.log")}
	pid, ended, err := l.start(p)
	if err != nil {
		return err
	}
	if err = launch.Await(ctx, g.Probe, ended, l.limit); err != nil {
		if process, found := os.FindProcess(pid); found == nil && !errors.Is(err, launch.ErrEnded) {
			_ = process.Signal(os.Interrupt) // it listens elsewhere, or not at all
		}
		return fmt.Errorf("%w at %s, with %s; its log, %s, ends:\n%s", err, g.URL, file, p.Log, launch.Tail(p.Log, 5))
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
