package vault

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is the scheme, host and port a key may be sent to, as in
// "https://api.z.ai:443": lower case, the port always there. It is part of
// what a key is sealed with, so that a key cannot be pointed at another host.
type Origin string

// ParseOrigin takes the origin out of an absolute http or https address. A path
// and a query are left out; an address with a user name or password in it is
// refused.
func ParseOrigin(address string) (Origin, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", badOrigin("it is not an absolute URL") // the parser's error repeats the address
	}
	port, err := portOf(u)
	if err != nil {
		return "", err
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case u.User != nil:
		return "", badOrigin("it has a user name or a password in it")
	case !isHost(host):
		return "", badOrigin("its host is not a plain name or address; write other scripts in the xn-- form")
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return Origin(u.Scheme + "://" + host + ":" + strconv.Itoa(int(port))), nil
}

// portOf returns the port of an address, or its scheme's own.
func portOf(u *url.URL) (uint16, error) {
	usual := map[string]uint16{"https": 443, "http": 80}[u.Scheme]
	if usual == 0 || u.Opaque != "" {
		return 0, badOrigin("it does not begin with https:// or http://")
	}
	text := u.Port()
	if text == "" {
		return usual, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, badOrigin("its port is not a number from 1 to 65535")
	}
	return uint16(port), nil
}

// isHost says whether a lower-case host is an IP address without a zone or a
// name of letters, digits and "-", "_", ".".
func isHost(host string) bool {
	if strings.Contains(host, ":") {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Zone() == ""
	}
	for _, c := range host {
		if !isLower(c) && !isDigit(c) && !strings.ContainsRune("-_.", c) {
			return false
		}
	}
	return host != "" && len(host) <= 253 && host[0] != '.'
}

func isLower(c rune) bool { return 'a' <= c && c <= 'z' }
func isDigit(c rune) bool { return '0' <= c && c <= '9' }

func badOrigin(problem string) error { return invalid("the provider's address", problem) }
