// Package caddymodule makes aimux part of Caddy: an app that holds the
// configuration and what is learned under it, a handler that serves requests,
// admin endpoints that show what is going on. The commands are in package
// command and have from here what takes an app.
//
// It is the thin side. What a gateway does lives in the packages below
// internal, none of which knows Caddy; assemble.go is the only place that puts
// them together.
//
// Caddy builds a new instance of every module for each configuration and ends
// the old ones while their requests are still under way. So an App owns a
// runtime, every exchange holds a reference to it, and what was learned about
// keys and targets lives in a usage pool that outlasts both.
package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func init() {
	caddy.RegisterModule(App{})
	caddy.RegisterModule(Handler{})
	caddy.RegisterModule(Dashboard{})
	caddy.RegisterModule(Admin{})
	httpcaddyfile.RegisterGlobalOption("aimux", parseGlobal)
	httpcaddyfile.RegisterHandlerDirective("aimux", parseHandler)
	httpcaddyfile.RegisterDirectiveOrder("aimux", httpcaddyfile.Before, "reverse_proxy")
	httpcaddyfile.RegisterHandlerDirective("aimux_dashboard", parseDashboard)
	httpcaddyfile.RegisterDirectiveOrder("aimux_dashboard", httpcaddyfile.Before, "reverse_proxy")
	commands().Register()
}

// Version is aimux's version.
const Version = "0.1.0"
