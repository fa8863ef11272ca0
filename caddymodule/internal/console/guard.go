package console

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is how many bytes of a request body are read, whoever sends it. The
// largest honest one is a change to the configuration.
const maxBody = 1 << 20

// The headers of every answer. The policy lets the page load its own files and
// nothing else.
var securityHeaders = [...][2]string{
	{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cache-Control", "no-store"},
}

// ServeHTTP is the console's pipeline: guard, route, authenticate, authorise,
// answer.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range securityHeaders {
		w.Header().Set(h[0], h[1])
	}
	if err := c.guard(r); err != nil {
		c.refuse(w, r, err)
		return
	}
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	if err := c.serve(w, r); err != nil {
		c.refuse(w, r, err)
	}
}

// guard refuses what no honest caller sends, before anybody is asked who they
// are. It looks at the request only, never at who is logged in.
func (c *Console) guard(r *http.Request) error {
	// Under DNS rebinding Origin and Host agree with each other; only a list of
	// our own names tells (Ollama CVE-2024-28224).
	if !c.hosts[strings.ToLower(r.Host)] {
		return forbidden("this name does not lead to the console; add it to the hosts of aimux_dashboard if it should")
	}
	if err := c.origin(r); err != nil {
		return err
	}
	if safe(r.Method) {
		return nil
	}
	return c.honest(r)
}

// honest refuses changes that a page of another origin may have sent.
func (c *Console) honest(r *http.Request) error {
	if err := c.cross.Check(r); err != nil {
		return forbidden("a page of another origin sent this")
	}
	// A form cannot send JSON without a preflight, which nobody answers here.
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || len(r.Header.Values("Content-Type")) != 1 {
		return badRequest("the content type has to be application/json")
	}
	return nil
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// origin refuses what a page of another origin makes a browser send, also for
// reading: browsers add credentials of basic authentication to such requests.
func (c *Console) origin(r *http.Request) error {
	if len(r.Header.Values("Origin")) > 1 || len(r.Header.Values("Sec-Fetch-Site")) > 1 {
		return forbidden("headers that no browser sends")
	}
	if o := r.Header.Get("Origin"); o != "" && !c.ownOrigin(o, r) {
		return forbidden("a page of another origin sent this")
	}
	if public(r.URL.Path) {
		return nil // a link on another page may lead here
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return forbidden("a page of another origin sent this")
	}
	if r.Header.Get("Sec-Fetch-Mode") == "no-cors" {
		return forbidden("requests without cross-origin rules are not answered")
	}
	return nil
}

// public reports whether path is the page or a part of it.
func public(path string) bool { return path == "/" || strings.HasPrefix(path, "/assets/") }

// ownOrigin reports whether a page at origin is this console's. "null" is not.
func (c *Console) ownOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Path != "" || u.RawQuery != "" || u.User != nil || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && !c.o.Secure(r)
}
