package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// CheckURL reads a provider's base URL. It has to be absolute, with https; plain
// http only to loopback, or with allowHTTP. A user name, a password, a fragment,
// a port that is none and an address in a spelling that only some read as one
// are refused. The error never repeats a password.
func CheckURL(text string, allowHTTP bool) (*url.URL, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return nil, errors.New("base_url: has a space, a control character or a backslash in it")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("base_url: not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return nil, errors.New(`base_url: not an absolute URL; it has to begin with "https://" and a host`)
	case u.User != nil:
		return nil, errors.New("base_url: has a user name or password in it; the key belongs into keys")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("base_url: has a fragment (#), which is never sent")
	}
	if err := checkHost(u); err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	if u.Scheme == "http" && !allowHTTP && !IsLoopbackHost(u.Hostname()) {
		return nil, errors.New("base_url: with http, keys and prompts cross the network in the clear; use https, or set allow_http: true if you must")
	}
	return u, nil
}

// checkHost refuses hosts and ports that are none.
func checkHost(u *url.URL) error {
	host := u.Hostname()
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("port %q, not a number from 1 to 65535", port)
		}
	}
	if host == "" {
		return errors.New("has no host")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return fmt.Errorf("host %q: an address with a zone, which means something on this machine only", host)
		}
		return nil
	}
	return checkName(host)
}

// checkName refuses what is no host name in ASCII.
func checkName(host string) error {
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 || looksNumeric(name) {
		return fmt.Errorf("host %q: neither a name nor an address in its usual form", host)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, labelChars) != "" || strings.HasPrefix(label, "-") {
			return fmt.Errorf("host %q: not a host name (names in other scripts are written xn--…)", host)
		}
	}
	return nil
}

const labelChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// looksNumeric reports whether some resolvers would read host as an IPv4 address:
// 127.1, 0x7f000001, 2130706433, 0177.0.0.1. No name's last label is a number.
func looksNumeric(host string) bool {
	name := strings.TrimSuffix(host, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	hex, isHex := strings.CutPrefix(strings.ToLower(last), "0x")
	if isHex {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
