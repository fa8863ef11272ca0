package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// target says where the gateway is that a command is about.
type target struct {
	admin  string // --admin
	config string // --config
}

// connect finds the way to the gateway: the server that runs, or the files if
// there is none. A server that was named with --admin has to be there; with
// --config it has to serve that very configuration.
func (h *Host) connect(ctx context.Context, t target) (Way, string, error) {
	running, about, err := h.running(ctx, t)
	switch {
	case err != nil && t.admin != "":
		return nil, "", err
	case err == nil && (t.config == "" || t.admin != "" || serves(about.ConfigSource, t.config)):
		return running, "", nil
	}
	note := ""
	if err == nil {
		note = fmt.Sprintf("%s runs with another configuration (%s); this works on %s", running, about.ConfigSource, t.config)
		_ = running.Close()
	}
	way, err := h.Open(ctx, t.config)
	switch {
	case err != nil && note != "":
		return nil, "", fmt.Errorf("%s, but: %w", note, err)
	case err != nil:
		return nil, "", fmt.Errorf("no server runs, and the files cannot be used: %w", err)
	}
	return way, note, nil
}

// running is the way to the server if one answers, and what it says of itself.
func (h *Host) running(ctx context.Context, t target) (Way, *console.About, error) {
	address := cmp.Or(t.admin, h.Getenv("AIMUX_ADMIN"), defaultAdmin)
	if address == "off" {
		return nil, nil, errors.New("the admin endpoint is switched off")
	}
	s, err := newServer(address)
	if err != nil {
		return nil, nil, err
	}
	var about console.About
	if err := (&api{way: s}).get(ctx, "/api/meta", nil, &about); err != nil {
		_ = s.Close()
		var refused *APIError
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			return nil, nil, fmt.Errorf("%s is no aimux, or serves none: %w", s, err)
		}
		return nil, nil, err
	}
	return s, &about, nil
}

// serves reports whether a server whose configuration comes from source was
// meant with file. What the server says may be relative to where it started.
func serves(source, file string) bool {
	whole, err := filepath.Abs(file)
	if err != nil || source == "" {
		return false
	}
	if filepath.IsAbs(source) {
		return filepath.Clean(source) == whole
	}
	return filepath.Base(source) == filepath.Base(whole)
}
