package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/auth"
	"github.com/aimux/aimux/caddymodule/internal/control"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Dashboard serves the console: the web page, its REST API and live feed. It
// belongs on a listener of its own, on a loopback address.
type Dashboard struct {
	// Hosts are names the console is reached by, beside those of a loopback
	// listener: "console.example.com". A request by another name is refused.
	Hosts []string `json:"hosts,omitempty"`
	// DevLogin accepts admin/admin, from this machine and only to set a
	// password, as long as none was ever set. The environment variable
	// AIMUX_DEV_LOGIN=1 does the same.
	DevLogin bool `json:"dev_login,omitempty"`

	app     *App
	live    *live // held, since the app may be cleaned up first; nil: not yet
	console *console.Console
	users   *auth.Authority
	names   []string

	sampling *background
}

// CaddyModule returns the module's information.
func (Dashboard) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.aimux_dashboard", New: func() caddy.Module { return new(Dashboard) }}
}

// Provision makes the console of the app it is configured with.
func (d *Dashboard) Provision(ctx caddy.Context) error {
	module, err := ctx.App("aimux")
	if err != nil {
		return fmt.Errorf("loading the aimux app: %w", err)
	}
	d.app = module.(*App)
	d.DevLogin = d.DevLogin || os.Getenv("AIMUX_DEV_LOGIN") == "1"
	if err := d.listeners(ctx); err != nil {
		return err
	}
	d.live = d.app.live
	d.live.hold()
	if d.users, err = authority(d.DevLogin); err != nil {
		return err
	}
	d.console, err = console.New(console.Options{
		Backend: d.app.plane().Backend(), Auth: d.users, Hosts: d.names, ClientIP: clientIP, Logger: d.app.logger,
	})
	if err != nil {
		return err
	}
	d.app.consoles.add(d)
	d.sample()
	return nil
}

// sample remembers for the charts how many exchanges are under way.
func (d *Dashboard) sample() {
	ctx, cancel := context.WithCancel(context.Background())
	d.sampling = &background{cancel: cancel}
	d.sampling.every(ctx, control.LoadStep, func() { underWay.Note(time.Now(), d.live.now().gateway.InFlight.Load()) })
}

// listeners finds by which names the console can be reached.
func (d *Dashboard) listeners(ctx caddy.Context) error {
	d.names = slices.Clone(d.Hosts)
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return errors.New("aimux_dashboard is not below a server: its listeners are not known")
	}
	if d.DevLogin {
		if err := auth.CheckDevListeners(server.Listen); err != nil {
			return err
		}
	}
	for _, listen := range server.Listen {
		names, err := console.HostsOf([]string{listen})
		if err != nil && len(d.Hosts) == 0 {
			return fmt.Errorf("%w: aimux_dashboard { hosts console.example.com }, or bind 127.0.0.1", err)
		}
		d.names = append(d.names, names...)
	}
	return nil
}

// ServeHTTP answers r.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	d.console.ServeHTTP(w, r)
	return nil
}

// Cleanup ends the live feeds: pages connect again, to the next configuration.
func (d *Dashboard) Cleanup() error {
	d.sampling.end()
	if d.console != nil {
		d.app.consoles.remove(d)
		d.console.Close()
	}
	if d.live != nil {
		d.live.drop()
	}
	return nil
}

// authorities are those of this process, by their options: sessions outlive
// configurations.
var authorities struct {
	sync.Mutex
	open map[users]*auth.Authority
}

// users names a file of users and how it is used.
type users struct {
	path string
	dev  bool
}

// authority knows the users.
func authority(devLogin bool) (*auth.Authority, error) {
	key := users{place.File("users.json"), devLogin}
	authorities.Lock()
	defer authorities.Unlock()
	if known := authorities.open[key]; known != nil {
		return known, nil
	}
	if err := place.MakeParent(key.path); err != nil {
		return nil, err
	}
	opened, err := auth.Open(auth.Options{Path: key.path, DevLogin: devLogin})
	if err != nil {
		return nil, err
	}
	if authorities.open == nil {
		authorities.open = map[users]*auth.Authority{}
	}
	authorities.open[key] = opened
	return opened, nil
}

// consoles are the dashboards of one app: exchanges are told to their feeds.
type consoles struct {
	mu    sync.Mutex
	all   atomic.Pointer[[]*Dashboard]
	local atomic.Pointer[console.Console] // of the admin endpoint
}

func (c *consoles) list() []*Dashboard {
	if all := c.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (c *consoles) add(d *Dashboard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := append(slices.Clone(c.list()), d)
	c.all.Store(&all)
}

func (c *consoles) remove(d *Dashboard) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(c.list()), func(x *Dashboard) bool { return x == d })
	c.all.Store(&all)
}

// Observe tells the open consoles of an exchange. While none is open it costs
// an atomic load for each.
func (c *consoles) Observe(r *gateway.Record) {
	for _, d := range c.list() {
		if feed := d.console.Feed(); feed.Watched() {
			x := usage.FromRecord(r)
			feed.Ended(r.Provider, func() console.Request { return control.ShowExchange(&x) })
		}
	}
}

// alert tells the open consoles of an alert.
func (c *consoles) alert(e alert.Event) {
	for _, d := range c.list() {
		d.console.Feed().Alert(control.ShowAlert(e.Alert, e.Summary))
	}
}

// changed tells the open consoles that the configuration has changed, and the
// version of the overrides that are now in force.
func (c *consoles) changed(overrides string) {
	tag := ""
	if o, err := schema.ReadOverrides(overrides); err == nil {
		tag = o.Tag()
	}
	for _, d := range c.list() {
		d.console.Feed().Config(tag)
	}
}

// introduce writes into the audit log what the server does by itself, and when
// it starts makes the first user of its consoles.
func (a *App) introduce(action string) {
	ctx := context.Background()
	services := &a.live.now().services
	err := services.auditor.record(ctx, action, a.sourceName())
	if err == nil {
		err = services.remember(ctx)
	}
	if err != nil {
		a.logger.Error("the audit log cannot be written", "error", err.Error())
	}
	if action == "server.start" {
		a.welcome(ctx)
	}
}

// welcome makes the first user and shows the password, once.
func (a *App) welcome(ctx context.Context) {
	for _, d := range a.consoles.list() {
		password, err := d.users.FirstRun(ctx)
		switch {
		case err != nil:
			a.logger.Error("the console's first user cannot be made", "error", err.Error())
		case password != "":
			fmt.Fprintf(os.Stderr, "\n  The console is at http://%s/\n  user      admin\n  password  %s\n\n  It is shown this once, and kept in %s until you change it.\n\n",
				strings.TrimPrefix(d.names[0], "http://"), password, d.users.PasswordFile())
		}
	}
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Dashboard)(nil)
	_ caddy.CleanerUpper          = (*Dashboard)(nil)
	_ caddyhttp.MiddlewareHandler = (*Dashboard)(nil)
)
