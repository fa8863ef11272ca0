package command

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
)

// reachWithin is how long a provider may take to say anything.
const reachWithin = 5 * time.Second

// maxSkew is how far this machine's clock may be from a provider's.
const maxSkew = time.Minute

// reach checks for every provider in use that its name resolves, that TLS holds
// and that the clocks agree: by a HEAD request for / without a key, which no
// vendor charges for.
func (x *examination) reach(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(x.config.Providers)) {
		row := x.config.Providers[id]
		if _, ok := provider.Catalogue().Vendor(row.Kind); !row.On() || !ok {
			continue
		}
		vendor, err := x.host.Vendor(row)
		if err != nil {
			x.fail("reach", fmt.Sprintf("%s: %v", id, err), "")
			continue
		}
		x.ask(ctx, id, vendor, row)
	}
}

// ask sends the request.
func (x *examination) ask(ctx context.Context, id string, vendor *provider.Vendor, row schema.Provider) {
	origin := vendor.Origin()
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	address, err := url.Parse(origin)
	if err != nil || address.Host == "" {
		return // the simulator, which is nowhere
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, origin, nil)
	if err != nil {
		x.fail("reach", fmt.Sprintf("%s: %v", id, err), "")
		return
	}
	transport, err := x.reachBy(vendor, row)
	if err != nil {
		x.fail("reach", fmt.Sprintf("%s: %v", id, err), "mend its base_url, ca_file or proxy")
		return
	}
	begun := time.Now()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		x.fail("reach", fmt.Sprintf("%s at %s: %s", id, address.Host, whyUnreached(err)), "")
		return
	}
	_ = answer.Body.Close()
	took := time.Since(begun)
	if skew := clockSkew(answer.Header.Get("Date"), time.Now()); skew > maxSkew {
		x.warn("clock", fmt.Sprintf("%s says a time that is %s from this machine's", address.Host, skew.Round(time.Second)), "let NTP keep the clock")
	}
	x.ok("reach", "%s at %s answers in %s", id, address.Host, took.Round(time.Millisecond))
}

// reachBy connects as the gateway itself would: by the same rules.
func (x *examination) reachBy(vendor *provider.Vendor, row schema.Provider) (*http.Transport, error) {
	rules, err := x.host.Rules(vendor, row)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{DisableKeepAlives: true}
	return t, rules.Apply(t, &net.Dialer{Timeout: reachWithin})
}

// clockSkew is how far a Date header is from now; 0 if it says nothing.
func clockSkew(date string, now time.Time) time.Duration {
	there, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	return now.Sub(there).Abs()
}

// whyUnreached says in a few words what is in the way.
func whyUnreached(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &name):
		return "its name cannot be resolved (DNS)"
	case errors.As(err, &certificate):
		return "its certificate does not hold: " + certificate.Err.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer within " + reachWithin.String()
	}
	return err.Error()
}

// listens are the addresses on which a Caddyfile serves aimux to clients.
func (at *Installation) listens() []string {
	var c caddyLogs
	if at.caddy == nil || json.Unmarshal(at.caddy, &c) != nil {
		return nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Apps.HTTP.Servers)) {
		if server := c.Apps.HTTP.Servers[name]; strings.Contains(string(server.Routes), `"aimux"`) {
			out = append(out, server.Listen...)
		}
	}
	return out
}
