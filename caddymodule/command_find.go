package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// systemConfig is where services keep their configuration.
const systemConfig = "/etc/aimux"

// installation is what a server on this machine would serve.
type installation struct {
	caddyfile string          // empty: there is none
	caddy     json.RawMessage // what the Caddyfile, or Caddy's own JSON, says; nil without
	source    string          // aimux's configuration; empty: the environment
	overrides string          // empty: the usual place
	embedded  json.RawMessage // the configuration, if only Caddy's JSON has it
}

// findInstallation finds what a server would serve: named may be a
// configuration of aimux, a Caddyfile, or Caddy's JSON. Without a name it is
// what `aimux run` would find here, then $AIMUX_CONFIG, then what is in the
// user's own configuration directory and in /etc/aimux, then the environment
// alone.
func findInstallation(named string) (*installation, error) {
	if named != "" {
		return readInstallation(named)
	}
	own, err := place.UserDir()
	if err != nil {
		own = "." // without a home there is none
	}
	for _, dir := range []string{".", own, systemConfig} {
		at, err := readInstallation(filepath.Join(dir, "Caddyfile"))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoApp):
		case err != nil:
			return nil, fmt.Errorf("%w; --config names another configuration", err)
		default:
			return at, nil
		}
		if file := os.Getenv("AIMUX_CONFIG"); file != "" && dir == "." {
			return &installation{source: file}, nil
		}
		if file := place.FindConfig(dir); file != "" {
			return &installation{source: file}, nil
		}
	}
	return &installation{}, nil
}

// errNoApp says that a configuration of Caddy's has no aimux in it.
var errNoApp = errors.New("it has no aimux in it")

// readInstallation reads the configuration in a file, of aimux's or of Caddy's.
func readInstallation(path string) (*installation, error) {
	if isCaddyfile(path) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		whole, err := adaptCaddyfile(path, data)
		if err != nil {
			return nil, err
		}
		return installationOf(path, whole)
	}
	if _, err := schema.FormatOf(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var caddys struct{ Apps json.RawMessage }
	if strings.HasSuffix(path, ".json") && json.Unmarshal(data, &caddys) == nil && caddys.Apps != nil {
		return installationOf(path, data)
	}
	return &installation{source: path}, nil
}

// isCaddyfile reports whether a file is called as Caddyfiles are.
func isCaddyfile(path string) bool {
	base := strings.ToLower(filepath.Base(path))
	return strings.HasPrefix(base, "caddyfile") && filepath.Ext(base) != ".json" || strings.HasSuffix(base, ".caddyfile")
}

// adaptCaddyfile turns a Caddyfile into Caddy's JSON, as Caddy does.
func adaptCaddyfile(path string, data []byte) (json.RawMessage, error) {
	adapter := caddyconfig.GetAdapter("caddyfile")
	if adapter == nil {
		return nil, errors.New("this build of Caddy reads no Caddyfiles")
	}
	whole, _, err := adapter.Adapt(data, map[string]any{"filename": path})
	if err != nil {
		return nil, fmt.Errorf("adapting %s: %w", path, err)
	}
	return whole, nil
}

// installationOf finds aimux in a configuration of Caddy's.
func installationOf(path string, whole json.RawMessage) (*installation, error) {
	var caddys struct {
		Apps struct {
			Aimux *App
			HTTP  json.RawMessage
		}
	}
	if err := json.Unmarshal(whole, &caddys); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	handled := strings.Contains(string(caddys.Apps.HTTP), `"aimux`)
	if caddys.Apps.Aimux == nil && !handled {
		return nil, fmt.Errorf("%s: %w", path, errNoApp)
	}
	at := &installation{caddyfile: path, caddy: whole}
	if app := caddys.Apps.Aimux; app != nil {
		at.source, at.overrides = app.Source, app.Overrides
		if app.Source == "" {
			at.embedded = app.Config
		}
	}
	return at, nil
}

// name says where the configuration comes from.
func (at *installation) name() string {
	switch {
	case at.source != "":
		return at.source
	case at.embedded != nil:
		return at.caddyfile
	}
	return "the environment"
}

// options are those to load the configuration with.
func (at *installation) options() schema.Options {
	o := loadOptions(at.source)
	if at.overrides != "" {
		o.Overrides = at.overrides
	}
	return o
}

// load reads the configuration.
func (at *installation) load() (*schema.Result, error) {
	if at.embedded != nil && !place.Exists(at.options().Overrides) {
		return schema.FromJSON(at.embedded, at.options())
	}
	return schema.Load(at.options())
}
