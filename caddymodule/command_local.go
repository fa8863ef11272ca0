package caddymodule

import (
	"context"
	"log/slog"

	"github.com/aimux/aimux/caddymodule/internal/cli"
	"github.com/spf13/cobra"
)

// stateCommands are the commands that look at a gateway and change it.
func stateCommands() []func(*cobra.Command) {
	return (&cli.Host{Open: openLocal, Files: openFiles, SetPassword: setPassword, Diagnose: diagnose}).Commands()
}

// openLocal makes an app in this process as a server would, of the same files,
// and returns its API. Nothing serves and nothing is asked of providers; what
// is changed is on disk when a command ends.
func openLocal(_ context.Context, config string) (cli.Way, error) {
	at, err := findInstallation(config)
	if err != nil {
		return nil, err
	}
	app, err := at.app()
	if err != nil {
		return nil, err
	}
	api, err := app.localAPI()
	if err != nil {
		app.live.drop()
		return nil, err
	}
	end := func() error {
		app.live.drop()
		return nil
	}
	return cli.Within(api, "the files of "+at.name()+"; no server runs", end), nil
}

// app is an app that serves nothing.
func (at *installation) app() (*App, error) {
	app := &App{Overrides: at.overrides, logger: slog.New(slog.DiscardHandler), consoles: new(consoles)}
	at.hush()
	document := &App{Config: at.embedded}
	if at.embedded == nil || exists(app.overrides()) {
		var err error
		if document, err = embed(at.source, at.overrides); err != nil {
			return nil, err
		}
	}
	app.Config, app.Source, app.Lines = document.Config, document.Source, document.Lines
	rt, err := app.compile(app)
	if err != nil {
		return nil, err
	}
	app.live = newLive(rt)
	return app, nil
}

// hush keeps the warnings of the configuration out of the log: they are what
// `config check` is for, and a command's output is not a log.
func (at *installation) hush() {
	result, err := at.load()
	if err != nil {
		return
	}
	warned.Lock()
	defer warned.Unlock()
	warned.text = ""
	for _, w := range result.Warnings {
		warned.text += w.String() + "\n"
	}
}
