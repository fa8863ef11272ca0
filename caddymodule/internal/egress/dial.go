package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// Control refuses connections to addresses that p does not allow. It is a
// net.Dialer's Control function: called with the very address that is dialled,
// once for each that a name resolves to.
func (p Policy) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("not dialled: providers are reached by TCP, not by %q", network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Kind: Unreadable, policy: p}
	}
	return p.Check(to.Addr())
}

// ControlContext is Control in the form of a net.Dialer's ControlContext.
func (p Policy) ControlContext(_ context.Context, network, address string, c syscall.RawConn) error {
	return p.Control(network, address, c)
}

// PolicyFor returns the policy for a provider with that base URL. Loopback is
// allowed if the base URL says loopback, in which case nothing else is.
func PolicyFor(base *url.URL, allowPrivate bool) Policy {
	if IsLoopbackHost(base.Hostname()) {
		return Policy{AllowLoopback: true, OnlyLoopback: true}
	}
	return Policy{AllowPrivate: allowPrivate}
}

// IsLoopbackHost reports whether host is the gateway's own machine by its very
// form: a loopback address, or localhost (RFC 6761).
func IsLoopbackHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return KindOf(a) == Loopback
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Rules are what a transport to one provider must keep to.
type Rules struct {
	Policy Policy
	// CAFile holds certificates, as PEM, that are trusted instead of the system's.
	// Default: the system's.
	CAFile string
	// Proxy is the outbound proxy, from ParseProxy. Default: none; the environment
	// is not asked. Loopback providers are never reached through it.
	Proxy *url.URL
}

// Apply makes t and the dialer it dials with keep to the rules. A proxy's address
// is what is dialled then: it may be private or loopback if its URL says so, and
// what it connects to is its own affair, but for addresses given as such.
func (r Rules) Apply(t *http.Transport, d *net.Dialer) error {
	config, err := TLS(r.CAFile)
	if err != nil {
		return err
	}
	dialled := r.Policy
	t.Proxy = nil
	if r.Proxy != nil && !r.Policy.OnlyLoopback {
		dialled = Policy{AllowPrivate: true, AllowLoopback: IsLoopbackHost(r.Proxy.Hostname())}
		t.Proxy = r.proxy
	}
	d.Control, d.ControlContext = nil, dialled.ControlContext
	t.DialContext = d.DialContext
	t.DialTLSContext = nil
	t.TLSClientConfig = config
	return nil
}

// proxy returns the proxy, unless the request is for an address that may not be
// asked.
func (r Rules) proxy(req *http.Request) (*url.URL, error) {
	host := req.URL.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		if err := r.Policy.Check(a); err != nil {
			return nil, err
		}
	} else if IsLoopbackHost(host) || looksNumeric(host) {
		return nil, &RefusedError{Kind: Loopback, policy: r.Policy}
	}
	return r.Proxy, nil
}

// ParseProxy reads the URL of an outbound proxy: http, https or socks5, a host, a
// port or the scheme's own, and nothing else. A password would be kept and shown
// with the configuration, so it is refused.
func ParseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("proxy: not a URL")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5":
		return nil, fmt.Errorf("proxy: scheme %q, not http, https or socks5", u.Scheme)
	case u.User != nil:
		return nil, errors.New("proxy: a user name or password does not belong into the configuration")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("proxy: a host and a port are all it has")
	}
	return u, checkHost(u)
}
