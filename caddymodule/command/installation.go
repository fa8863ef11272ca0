package command

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

// Installation is what a server on this machine would serve.
type Installation struct {
	Caddyfile string          // empty: there is none
	Source    string          // aimux's configuration; empty: the environment
	Overrides string          // empty: the usual place
	Embedded  json.RawMessage // the configuration, if only Caddy's JSON has it; no overrides lie over it

	caddy json.RawMessage // what the Caddyfile, or Caddy's own JSON, says; nil without
}

// Find finds what a server would serve: named may be a configuration of aimux, a
// Caddyfile, or Caddy's JSON. Without a name it is what `aimux run` would find
// here, then $AIMUX_CONFIG, then what is in the user's own configuration
// directory and in /etc/aimux, then the environment alone.
func Find(named string) (*Installation, error) {
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
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNoApp):
		case err != nil:
			return nil, fmt.Errorf("%w; --config names another configuration", err)
		default:
			return at, nil
		}
		if file := os.Getenv("AIMUX_CONFIG"); file != "" && dir == "." {
			return &Installation{Source: file}, nil
		}
		if file := place.FindConfig(dir); file != "" {
			return &Installation{Source: file}, nil
		}
	}
	return &Installation{}, nil
}

// ErrNoApp says that a configuration of Caddy's has no aimux in it.
var ErrNoApp = errors.New("it has no aimux in it")

// readInstallation reads the configuration in a file, of aimux's or of Caddy's.
func readInstallation(path string) (*Installation, error) {
	if IsCaddyfile(path) {
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
	return &Installation{Source: path}, nil
}

// IsCaddyfile reports whether a file is called as Caddyfiles are.
func IsCaddyfile(path string) bool {
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
func installationOf(path string, whole json.RawMessage) (*Installation, error) {
	var caddys struct {
		Apps struct {
			Aimux *struct {
				Config            json.RawMessage
				Source, Overrides string
				Tag               string `json:"overrides_tag"`
			}
			HTTP json.RawMessage
		}
	}
	if err := json.Unmarshal(whole, &caddys); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	handled := strings.Contains(string(caddys.Apps.HTTP), `"aimux`)
	if caddys.Apps.Aimux == nil && !handled {
		return nil, fmt.Errorf("%s: %w", path, ErrNoApp)
	}
	at := &Installation{Caddyfile: path, caddy: whole}
	if app := caddys.Apps.Aimux; app != nil {
		at.Source, at.Overrides = app.Source, app.Overrides
		if app.Source == "" && app.Tag == "" {
			at.Embedded = app.Config
		}
	}
	return at, nil
}

// Name says where the configuration comes from.
func (at *Installation) Name() string {
	switch {
	case at.Source != "":
		return at.Source
	case at.Embedded != nil:
		return at.Caddyfile
	}
	return "the environment"
}

// options are those to load the configuration with.
func (at *Installation) options() schema.Options {
	o := loadOptions(at.Source)
	if at.Overrides != "" {
		o.Overrides = at.Overrides
	}
	return o
}

// Load reads the configuration.
func (at *Installation) Load() (*schema.Result, error) {
	if at.Embedded != nil {
		return schema.FromJSON(at.Embedded, at.options())
	}
	return schema.Load(at.options())
}

// Present is the configuration that commands are about: the one named, or the
// user's where this directory has none. Empty: the one of this directory or of
// the machine, if there is one.
func Present(named string) string {
	dir, err := place.UserDir()
	if named != "" || err != nil || isOwnCaddyfile("Caddyfile") || place.FindConfig(".") != "" || os.Getenv("AIMUX_CONFIG") != "" {
		return named
	}
	if file := filepath.Join(dir, "Caddyfile"); isOwnCaddyfile(file) {
		return file
	}
	return place.FindConfig(dir)
}
