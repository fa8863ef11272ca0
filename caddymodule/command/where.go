package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/launch"
	"github.com/aimux/aimux/caddymodule/internal/secret"
	"github.com/aimux/aimux/caddymodule/internal/vault"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/deploy"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// findCaddyfile returns the Caddyfile a gateway is run with: the one named, the
// one of this directory if it is aimux's, the user's, the machine's. Without any
// the user's is made.
func findCaddyfile(named string, say io.Writer) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	dir, err := place.UserDir()
	if err != nil {
		return "", err
	}
	for _, path := range []string{"Caddyfile", filepath.Join(dir, "Caddyfile"), "/etc/aimux/Caddyfile"} {
		if isOwnCaddyfile(path) {
			return filepath.Abs(path)
		}
	}
	return writeCaddyfile(dir, say)
}

// isOwnCaddyfile reports whether a Caddyfile is there and speaks of aimux.
func isOwnCaddyfile(path string) bool {
	data, err := os.ReadFile(path)
	return err == nil && bytes.Contains(data, []byte("aimux"))
}

// writeCaddyfile makes the Caddyfile of a user, unless it is there.
func writeCaddyfile(dir string, say io.Writer) (string, error) {
	path := filepath.Join(dir, "Caddyfile")
	if err := writeNew(path, []byte(deploy.Text("user/Caddyfile"))); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return path, nil
		}
		return "", err
	}
	fmt.Fprintln(say, "wrote", path)
	return path, nil
}

// writeNew writes a file that must not exist, readable by its owner only.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// servedBy is what is looked at of one of Caddy's servers.
type servedBy struct {
	Listen []string          `json:"listen"`
	Routes []json.RawMessage `json:"routes"`
}

// servingURL is where the gateway that runs on this machine listens, as its
// configuration says; empty if none runs.
func servingURL(_ context.Context, _ adminAPI) string {
	answer, err := caddycmd.AdminAPIRequest(adminAddress(), http.MethodGet, "/config/apps/http/servers", nil, nil)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	var servers map[string]servedBy
	if json.NewDecoder(io.LimitReader(answer.Body, 16<<20)).Decode(&servers) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		if url := servers[name].url(); url != "" {
			return url
		}
	}
	return ""
}

// url is the address of a server that has the gateway's handler.
func (s servedBy) url() string {
	for _, route := range s.Routes {
		if !bytes.Contains(route, []byte(`"handler":"aimux"`)) || len(s.Listen) == 0 {
			continue
		}
		address, err := caddy.ParseNetworkAddress(s.Listen[0])
		if err != nil || address.IsUnixNetwork() || address.IsFdNetwork() {
			return ""
		}
		host, port := address.Host, fmt.Sprint(address.StartPort)
		var matched struct {
			Match []struct {
				Host []string `json:"host"`
			} `json:"match"`
		}
		if json.Unmarshal(route, &matched) == nil && len(matched.Match) > 0 && len(matched.Match[0].Host) > 0 {
			host = matched.Match[0].Host[0]
		}
		return urlOf(host, port)
	}
	return ""
}

func urlOf(host, port string) string {
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	if port == "443" {
		return "https://" + host
	}
	return "http://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// tokenVault keeps the launchers' keys among the provider keys.
type tokenVault struct{ vault *vault.Vault }

// newTokenVault opens the vault; nil if there is none, or none that opens here.
func newTokenVault(ctx context.Context) *tokenVault {
	config := schema.Defaults()
	if at, err := Find(Present("")); err == nil {
		if result, err := at.Load(); err == nil {
			config = result.Config
		}
	}
	options, err := place.VaultOptions(config)
	if err != nil || !place.Exists(options.Path) {
		return nil
	}
	v, err := vault.Open(ctx, options)
	if err != nil {
		return nil
	}
	return &tokenVault{v}
}

func tokenID(c launch.Client) string { return "client-" + string(c) }

// Token returns the key kept for a client of a gateway.
func (t *tokenVault) Token(c launch.Client, url string) string {
	origin, err := vault.ParseOrigin(url)
	if err != nil {
		return ""
	}
	text, err := t.vault.Get(tokenID(c), origin)
	if err != nil {
		return ""
	}
	return text.Reveal()
}

// Keep stores it, in the place of any other.
func (t *tokenVault) Keep(ctx context.Context, c launch.Client, url, token string) error {
	origin, err := vault.ParseOrigin(url)
	if err != nil {
		return err
	}
	if err := t.vault.Remove(ctx, tokenID(c)); err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	_, err = t.vault.Add(ctx, tokenID(c), origin, "key of the launcher of "+c.Title(), secret.New(token))
	return err
}
