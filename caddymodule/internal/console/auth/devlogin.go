package auth

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// forwarded are the headers by which a proxy gives itself away.
var forwarded = []string{"Forwarded", "Via", "X-Real-Ip", "X-Forwarded"}

// DevAllowed reports whether a request comes from a browser on this very
// machine, with no proxy between: the socket's two ends are loopback addresses,
// the Host is a loopback name, and no header speaks of forwarding. Only then the
// development login, and its sessions, are accepted.
func DevAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !loopbackAddr(local.String()) || !loopbackAddr(r.RemoteAddr) {
		return false
	}
	if !loopbackName(hostOnly(r.Host)) {
		return false
	}
	for name := range r.Header {
		canonical := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		for _, f := range forwarded {
			if canonical == f || strings.HasPrefix(canonical, "X-Forwarded-") {
				return false
			}
		}
	}
	return true
}

func loopbackAddr(s string) bool {
	ap, err := netip.ParseAddrPort(s)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// CheckDevListeners refuses the development login beside any listener that is
// not bound to a loopback address. Listeners are written as Caddy writes them:
// "127.0.0.1:8081", "localhost:8081", "[::1]:8081". No listener at all is refused
// as well.
func CheckDevListeners(listeners []string) error {
	if len(listeners) == 0 {
		return fmt.Errorf("dev_login: the console's listeners are not known")
	}
	for _, l := range listeners {
		l = strings.TrimPrefix(l, "tcp/")
		if !loopbackName(hostOnly(l)) {
			return fmt.Errorf("dev_login works only on loopback addresses, and the console listens on %q; remove dev_login or bind the console to 127.0.0.1", l)
		}
	}
	return nil
}
