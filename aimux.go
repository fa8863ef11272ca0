// Package aimux is an LLM gateway as a module for Caddy. Importing it registers
// the module, so that
//
//	xcaddy build --with github.com/aimux/aimux
//
// finds it at the repository's root. The code is in the package caddymodule.
package aimux

import _ "github.com/aimux/aimux/caddymodule" // registers the module
