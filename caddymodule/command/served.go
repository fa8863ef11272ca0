package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

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
