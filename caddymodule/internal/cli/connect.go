package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

// target says where the gateway is that a command is about.
type target struct {
	admin  string // --admin
	config string // --config
}

// errNoServer says that no server of aimux's is there, so that the files are
// nobody else's at present.
var errNoServer = errors.New("no server runs")

// meetWithin is how long a server may take to say what it is.
const meetWithin = 10 * time.Second

// connect finds the way to the gateway: the server that runs, or the files if
// there is none. A server that was named with --admin has to be there, unless
// that is "off"; with --config it has to serve that very configuration. One that
// is there and cannot be asked is an error: behind its back nothing is changed.
func (h *Host) connect(ctx context.Context, t target) (Way, string, error) {
	running, about, err := h.running(ctx, t)
	named := t.admin != "" && t.admin != "off"
	switch {
	case err != nil && (named || !errors.Is(err, errNoServer)):
		return nil, "", err
	case err == nil && (t.config == "" || named || serves(about.ConfigSource, t.config)):
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
		return nil, nil, fmt.Errorf("%w: the admin endpoint is switched off", errNoServer)
	}
	s, err := newServer(address)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, meetWithin)
	defer cancel()
	var about console.About
	if err := (&api{way: s}).get(ctx, "/api/meta", nil, &about); err != nil {
		_ = s.Close()
		return nil, nil, absent(s, err)
	}
	return s, &about, nil
}

// absent tells a server that is not there, or is another program, from one that
// cannot be asked.
func absent(s *server, err error) error {
	var dial *net.OpError
	var refused *APIError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial" && !dial.Timeout():
		return fmt.Errorf("%w: %w", errNoServer, err)
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound, errors.As(err, &syntax):
		return fmt.Errorf("%w: %s is another program, or a Caddy without aimux", errNoServer, s)
	}
	return fmt.Errorf("%w; --admin names another endpoint, --admin off none", err)
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
