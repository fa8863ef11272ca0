package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/aimux/aimux/caddymodule/command"
	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
)

// openLocal makes an app in this process as a server would, of the same files,
// and returns its API. Nothing serves and nothing is asked of providers; what
// is changed is on disk when the way is closed.
func openLocal(_ context.Context, at *command.Installation) (cli.Way, error) {
	app, err := idle(at)
	if err != nil {
		return nil, err
	}
	api, err := app.localAPI()
	if err != nil {
		app.live.drop()
		return nil, err
	}
	woken := false
	noting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		woken = woken || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/reset")
		api.ServeHTTP(w, r)
	})
	end := func() error {
		if woken {
			app.live.now().archive.saveOnce()
		}
		app.live.drop()
		return nil
	}
	return cli.Within(noting, "the files of "+at.Name()+"; no server runs", end), nil
}

// idle is an app that serves nothing.
func idle(at *command.Installation) (*App, error) {
	// What an answer only says in general the log says exactly.
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	app := &App{Overrides: at.Overrides, logger: logger, consoles: new(consoles), address: new(address)}
	document := &App{Config: at.Embedded}
	if at.Embedded == nil {
		var err error
		if document, err = embed(at.Source, at.Overrides); err != nil {
			return nil, err
		}
	}
	app.Config, app.Source, app.Tag, app.Lines = document.Config, document.Source, document.Tag, document.Lines
	rt, err := app.compile(app)
	if err != nil {
		return nil, err
	}
	app.live = newLive(rt)
	if err := app.prepare(rt); err != nil {
		app.live.drop()
		return nil, err
	}
	return app, nil
}

// prepare makes ready for reading what a server's start makes ready.
func (a *App) prepare(rt *runtime) error {
	s := &rt.services
	if err := os.MkdirAll(s.auditor.dir, 0o700); err != nil {
		return fmt.Errorf("making the directory of the audit log: %w", err)
	}
	return s.watch.Configure(alert.Options{Rules: alertRules(rt.config.Alerts.Rules), Windows: s.windows, Source: a})
}

// saveOnce writes the file and lets other processes have it at once, unless one
// of them keeps it.
func (a *archive) saveOnce() {
	a.save()
	a.saving.Lock()
	defer a.saving.Unlock()
	_ = a.lock.Release()
	a.lock = nil
}
