package caddymodule

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// parseGlobal reads the global option:
//
//	aimux [<config-file>] {
//		config    <file>
//		overrides <file>
//	}
//
// The file may be .toon, .json or .yaml; without one, aimux.toon, aimux.json,
// aimux.yaml or aimux.yml beside the Caddyfile is read if there is one. It is
// checked and embedded here, while the Caddyfile is adapted, so that adapt,
// validate, reload and --watch all see a change of it. Over it lies what aimux
// itself was told to change: overrides.toon in Caddy's data directory, unless
// another file is named.
func parseGlobal(d *caddyfile.Dispenser, _ any) (any, error) {
	var file, overrides string
	d.Next()
	base := filepath.Dir(d.File())
	switch args := d.RemainingArgs(); len(args) {
	case 0:
	case 1:
		file = args[0]
	default:
		return nil, d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		target := map[string]*string{"config": &file, "overrides": &overrides}[d.Val()]
		if target == nil {
			return nil, d.Errf("unrecognized subdirective: %s (there are config and overrides)", d.Val())
		}
		if !d.AllArgs(target) {
			return nil, d.ArgErr()
		}
	}
	file = beside(base, file)
	if file == "" {
		file = place.FindConfig(base)
	}
	app, err := embed(file, beside(base, overrides))
	if err != nil {
		return nil, d.Errf("%v", err)
	}
	app.Overrides = beside(base, overrides)
	return httpcaddyfile.App{Name: "aimux", Value: caddyconfig.JSON(app, nil)}, nil
}

// beside makes a relative path one beside the Caddyfile, as Caddy's import does.
func beside(dir, path string) string {
	if path == "" || filepath.IsAbs(path) || dir == "" {
		return path
	}
	return filepath.Join(dir, path)
}

// embed loads a configuration and makes the app's JSON of it.
func embed(file, overrides string) (*App, error) {
	if err := finishRestore(context.Background(), slog.New(slog.DiscardHandler), time.Now()); err != nil {
		return nil, err
	}
	if overrides == "" {
		overrides = place.Overrides()
	}
	tag, unread := tagOf(overrides) // before they are loaded: a change in between is caught up with at the start
	if file == "" && tag == "" && unread == nil {
		return &App{}, nil
	}
	environ := os.Environ()
	result, err := schema.Load(schema.Options{Path: file, Overrides: overrides, Environ: environ, Known: provider.Known()})
	if err != nil {
		return nil, err
	}
	if unread != nil {
		return nil, unread
	}
	warn(result.Warnings)
	lastReading.keep(file, environ, result, time.Now())
	app := &App{Config: result.Raw, Source: file, Tag: tag, Lines: map[string]string{}}
	for pointer, at := range result.Positions {
		if strings.HasPrefix(pointer, "/keys/") && strings.HasSuffix(pointer, "/secret") {
			app.Lines[pointer] = strconv.Itoa(at.Line) + ":" + strconv.Itoa(at.Column)
		}
	}
	return app, nil
}

// tagOf names what is in the overrides at path. Empty: nothing is.
func tagOf(path string) (string, error) {
	o, err := schema.ReadOverrides(path)
	if err != nil || o.Tag() == new(schema.Overrides).Tag() {
		return "", err
	}
	return o.Tag(), nil
}

// warned is what warn said last.
var warned struct {
	sync.Mutex
	text string
}

// warn logs a file's warnings, but not the same ones again: with --watch Caddy
// adapts its configuration every second.
func warn(warnings []schema.Problem) {
	var text strings.Builder
	for _, w := range warnings {
		text.WriteString(w.String() + "\n")
	}
	warned.Lock()
	defer warned.Unlock()
	if text.String() == warned.text {
		return
	}
	warned.text = text.String()
	for _, w := range warnings {
		caddy.Log().Named("aimux").Warn(w.String())
	}
}

// parseHandler reads the directive, which has no arguments:
//
//	aimux [<matcher>]
func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next()
	if h.NextArg() {
		return nil, h.ArgErr()
	}
	for nesting := h.Nesting(); h.NextBlock(nesting); {
		return nil, h.Errf("unrecognized subdirective: %s (the configuration belongs to the global option aimux)", h.Val())
	}
	return new(Handler), nil
}

// parseDashboard reads the directive of the console:
//
//	aimux_dashboard [<matcher>] {
//		hosts <names...>
//		dev_login
//	}
func parseDashboard(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	d := new(Dashboard)
	h.Next()
	if h.NextArg() {
		return nil, h.ArgErr()
	}
	for nesting := h.Nesting(); h.NextBlock(nesting); {
		switch h.Val() {
		case "hosts":
			if d.Hosts = append(d.Hosts, h.RemainingArgs()...); len(d.Hosts) == 0 {
				return nil, h.ArgErr()
			}
		case "dev_login":
			if d.DevLogin = true; h.NextArg() {
				return nil, h.ArgErr()
			}
		default:
			return nil, h.Errf("unrecognized subdirective: %s (there are hosts and dev_login)", h.Val())
		}
	}
	return d, nil
}
