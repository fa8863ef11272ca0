package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/aimux/aimux/caddymodule/handover"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Handler serves the model APIs:
//
//	POST /v1/messages  /v1/messages/count_tokens
//	POST /v1/chat/completions  /v1/embeddings
//	POST /v1/responses  /v1/responses/input_tokens
//	GET  /v1/models  /v1/models/{id}  /healthz  /readyz
//
// and the same below /anthropic. It answers every request it gets, errors
// included, in the dialect of the client.
type Handler struct {
	live   *live
	server *handover.Server // nil below no server
}

// CaddyModule returns the module's information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.aimux", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the app, which comes to life with an empty configuration if
// none was given.
func (h *Handler) Provision(ctx caddy.Context) error {
	module, err := ctx.App("aimux")
	if err != nil {
		return fmt.Errorf("loading the aimux app: %w", err)
	}
	app, ok := module.(*App)
	if !ok {
		return fmt.Errorf("app aimux is a %T", module)
	}
	if err := app.admits(ctx); err != nil {
		return err
	}
	app.address.learn(ctx)
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		h.server = app.live.servers.Of(server)
	}
	h.live = app.live
	h.live.hold()
	return nil
}

// ServeHTTP answers r. The exchange holds the runtime, so that a reload which
// ends this handler's configuration does not end its requests.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	h.server.Meet(w, r)
	leaving := h.live.leaving.Load()
	if leaving {
		w.Header().Set("Connection", "close")
	}
	rt := h.live.use()
	defer rt.release()
	rt.gateway.ServeHTTP(w, r)
	if !leaving && h.live.leaving.Load() {
		h.server.Bequeath(w, r)
	}
	return nil
}

// Cleanup gives up the handler's reference. Requests may still arrive after it.
func (h *Handler) Cleanup() error {
	if h.live != nil {
		h.live.drop()
	}
	return nil
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
