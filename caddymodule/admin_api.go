package caddymodule

import (
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/auth"
	"github.com/caddyserver/caddy/v2"
)

// localUser is who changes things by Caddy's admin endpoint: whoever may use
// that may do everything anyway.
var localUser = auth.Identity{User: "local", Role: auth.Admin}

// serveAPI answers the console's API for commands on this machine.
func serveAPI(w http.ResponseWriter, r *http.Request) error {
	app := serving.Load()
	if app == nil {
		return errNotServing
	}
	api, err := app.localAPI()
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
	}
	r = r.Clone(r.Context())
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/aimux")
	r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/aimux")
	api.ServeHTTP(w, r)
	return nil
}

// localAPI is the console's API without its login.
func (a *App) localAPI() (http.Handler, error) {
	if c := a.consoles.local.Load(); c != nil {
		return c.Local(localUser), nil
	}
	users, err := authority(false)
	if err != nil {
		return nil, err
	}
	c, err := console.New(console.Options{Backend: a.plane().Backend(), Auth: users, Hosts: []string{"aimux"}, ClientIP: clientIP, Logger: a.logger})
	if err != nil {
		return nil, err
	}
	a.consoles.local.Store(c)
	return c.Local(localUser), nil
}
