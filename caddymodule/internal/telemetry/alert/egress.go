package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// SignatureHeader bears the signature of a webhook's body.
const SignatureHeader = "X-Aimux-Signature"

// Sign returns the signature of a body sent at a time, as it stands in
// SignatureHeader.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// checkURL accepts https, and http to this machine.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("webhook: not a URL") // the error would show it
	case u.Host == "" || u.User != nil:
		return nil, errors.New("webhook: want an absolute URL without a user")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, fmt.Errorf("webhook: %s is not this machine: use https", u.Hostname())
	}
	return nil, fmt.Errorf("webhook: no scheme %q; use https", u.Scheme)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// transport returns what connects to the receiver, and for a plain URL to
// nothing but this machine, whatever its name resolves to. Proxies are not used.
func transport(to *url.URL) http.RoundTripper {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if to.Scheme == "http" {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
				return errors.New("not this machine")
			}
			return nil
		}
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
}
