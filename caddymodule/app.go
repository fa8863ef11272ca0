package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// App is the aimux app: one configuration, in force. Handlers use it.
//
// Without a configuration every provider whose usual environment variable is
// set is used with its catalogue defaults; with none set the built-in
// simulator answers.
type App struct {
	// Config is the aimux configuration as JSON. In a Caddyfile it comes from
	// the file named by the global option, read when the Caddyfile is adapted.
	// It may hold references to secrets (env:NAME, file:PATH), never secrets.
	Config json.RawMessage `json:"config,omitempty"`
	// Source is the file that Config was read from, for messages.
	Source string `json:"source,omitempty"`
	// Lines says where in Source each reference to a secret stands, by JSON
	// pointer, as "line:column": whether a secret can be had is known only to
	// the process that serves.
	Lines map[string]string `json:"lines,omitempty"`

	// Overrides is the file of what aimux was told to change. Default:
	// aimux/overrides.toon in Caddy's data directory.
	Overrides string `json:"overrides,omitempty"`
	// Tag names the contents of Overrides that are part of Config. Empty: there
	// were none.
	Tag string `json:"overrides_tag,omitempty"`

	live     *live
	logger   *slog.Logger
	logs     loggers
	events   *caddyevents.App
	context  caddy.Context
	result   *schema.Result
	consoles *consoles
	public   bool // other machines reach a listener
	address  *address

	background *background // nil until started
	introduced func()      // claims the files and writes down that the server has started, once
	before     *App        // what was in force until this one started, while it has not ended
	ended      bool        // the background is not begun again; as it is, guarded by live.changing
	laid       string      // the tag of the overrides that are in force; guarded by live.changing
	cleaned    bool
}

// serving is the app in force, for the admin endpoints and the console, which
// Caddy provisions before the apps and never cleans up.
var serving atomic.Pointer[App]

// succession is held while another app comes into force, and guards before.
var succession sync.Mutex

// CaddyModule returns the module's information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "aimux", New: func() caddy.Module { return new(App) }}
}

// Provision checks the configuration against the present environment and makes
// the runtime. It must work from here to the last response: Caddy starts and
// stops apps in no particular order.
func (a *App) Provision(ctx caddy.Context) error {
	a.logs, a.context, a.consoles, a.address = newLoggers(ctx), ctx, new(consoles), new(address)
	a.logger = a.logs.whole
	if len(a.Config) == 0 && a.Source == "" && place.Exists(a.overrides()) {
		made, err := embed("", a.Overrides)
		if err != nil {
			return fmt.Errorf("aimux configuration:\n%w", err)
		}
		a.Config, a.Tag = made.Config, made.Tag
	}
	a.laid = a.Tag
	var err error
	if a.events, err = eventsApp(ctx); err != nil {
		return err
	}
	if err := a.events.On("stopping", a); err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	rt, err := a.compile(a)
	if err != nil {
		return err
	}
	a.live = newLive(rt)
	if err := metrics().Register(ctx.GetMetricsRegistry(), a, Version); err != nil {
		return fmt.Errorf("aimux: registering metrics: %w", err)
	}
	return nil
}

// compile makes the runtime of what document holds, which is the app itself or
// a newer reading of the same files.
func (a *App) compile(document *App) (*runtime, error) {
	result, err := document.read(a.Source)
	if err != nil {
		return nil, fmt.Errorf("aimux configuration:\n%w", document.placed(err))
	}
	for _, w := range result.Warnings {
		a.logger.Warn("configuration", "warning", w.String())
	}
	rt, err := newRuntime(result, a.loggers(), a.consoles)
	if err != nil {
		return nil, fmt.Errorf("aimux: %w", err)
	}
	rt.source, a.result = a.Source, result
	rt.described = a.describe(rt)
	return rt, nil
}

// read completes the document with the present environment, unless that has just
// been done.
func (a *App) read(source string) (*schema.Result, error) {
	environ := os.Environ()
	if result := lastReading.take(source, environ, a.Config, time.Now()); result != nil {
		return result, nil
	}
	return schema.FromJSON(a.Config, schema.Options{Path: source, Environ: environ, Known: provider.Known()})
}

func (a *App) overrides() string {
	if a.Overrides != "" {
		return a.Overrides
	}
	return place.Overrides()
}

// placed gives the problems their places in the file, where they are known.
func (a *App) placed(err error) error {
	var problems *schema.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for i := range *problems {
		p := &(*problems)[i]
		line, column, ok := strings.Cut(a.Lines[p.Pointer], ":")
		if !ok || p.Line != 0 {
			continue
		}
		p.Line, _ = strconv.Atoi(line)
		p.Column, _ = strconv.Atoi(column)
	}
	return problems
}

// Start says in the log what is served.
func (a *App) Start() error {
	if err := secret.NoDumps(); err != nil {
		a.logger.Debug("memory may be dumped", "error", err.Error())
	}
	tuned()
	a.succeed()
	a.catchUp()
	rt := a.live.now()
	if err := a.beginFirst(); err != nil {
		a.withdraw() // Caddy does not stop what did not start
		return err
	}
	a.introduced = sync.OnceFunc(func() { // files are made, which listeners and the first requests need not wait for
		rt.archive.start()
		a.introduce("server.start")
	})
	a.background.later(a.introduced)
	if len(a.result.EnvUsed) > 0 {
		a.logger.Info("taken from the environment", "variables", a.result.EnvUsed)
	}
	if rt.simulated() {
		a.logger.Warn("no provider is configured and no provider key is in the environment: the built-in simulator answers")
	}
	a.logger.Info("serving", "source", a.sourceName(), "providers", rt.providerNames(), "targets", len(rt.router.Targets()))
	return nil
}

// beginFirst begins the background.
func (a *App) beginFirst() error {
	a.live.changing.Lock()
	defer a.live.changing.Unlock()
	return a.begin()
}

// finish ends the background, after a change that is under way. Later ones are
// refused: they would bring to life what nobody ends any more, and undo what the
// next configuration has set.
func (a *App) finish() {
	a.live.changing.Lock()
	defer a.live.changing.Unlock()
	a.ended = true
	a.background.end()
}

func (a *App) sourceName() string {
	switch {
	case a.Source != "":
		return a.Source
	case len(a.Config) > 0:
		return "caddy config"
	}
	return "environment"
}

// succeed puts the app in force.
func (a *App) succeed() {
	succession.Lock()
	defer succession.Unlock()
	a.before = serving.Swap(a)
}

// withdraw ends that the app is in force. If the one before has not ended, which
// is so when Caddy gives up the new configuration because something of it does
// not start, that one is in force again. Later calls do nothing.
func (a *App) withdraw() {
	succession.Lock()
	defer succession.Unlock()
	before := a.before
	a.before = nil
	switch next := serving.Load(); {
	case next == a:
		serving.Store(before)
		if before != nil {
			before.resume()
		}
	case next != nil && next.before == a:
		next.before = before // it must not bring back what has ended
	}
}

// resume makes the app the source again of what all configurations share: the
// windows, the alert rules and where alerts go. The app that was to follow took
// them over at its start, and may have been changed since.
func (a *App) resume() {
	a.live.changing.Lock()
	a.beginAnew()
	ended := a.ended
	a.live.changing.Unlock()
	if !ended {
		a.catchUp()
	}
}

// Stop does nothing that requests under way would notice. When the process goes
// down it only begins the drain and does not wait for it: Caddy stops apps one
// after the other in no particular order, and until the HTTP app's turn comes its
// listeners go on accepting requests that a drain refuses.
func (a *App) Stop() error {
	a.withdraw()
	if caddy.Exiting() {
		a.drain()
		return nil
	}
	a.finish()
	return nil
}

// Cleanup gives up the app's own reference to the runtime; exchanges under way
// hold theirs. All apps have stopped by then, so this is where a drain is waited
// for, and what must see its last exchange ends. An app that Caddy cleans up
// without having stopped it, because what follows the start failed, ends here.
//
// It can still be asked how things stand: Caddy's admin endpoint goes on to
// serve the metrics of a configuration that did not start.
func (a *App) Cleanup() error {
	if a.live == nil || a.cleaned {
		return nil
	}
	a.cleaned = true
	a.withdraw()
	if a.live.draining.Load() {
		a.live.drained.Wait()
		if a.introduced != nil {
			a.introduced()
		}
		a.introduce("server.stop")
	}
	a.finish()
	a.live.drop()
	return nil
}

// Interface guards.
var (
	_ caddy.Provisioner   = (*App)(nil)
	_ caddy.App           = (*App)(nil)
	_ caddy.CleanerUpper  = (*App)(nil)
	_ caddyevents.Handler = (*App)(nil)
)
