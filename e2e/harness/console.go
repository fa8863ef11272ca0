package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Guarded is a Caddyfile with everything that can be secret in use: the clients'
// listener with an access log as an installed aimux writes it, the console on a
// port of its own, and the admin endpoint.
//
// It takes the console's port from AIMUX_CONSOLE_PORT, which ConsolePort makes.
const Guarded = `{
	aimux
	skip_install_trust
	grace_period 1s
	admin {$AIMUX_ADMIN}
}

{$AIMUX_SITE} {
	bind 127.0.0.1
	log {
		output file access.log {
			mode 0600
		}
		format filter {
			request>headers>X-Api-Key delete
			request>headers>Api-Key delete
			request>headers>X-Goog-Api-Key delete
			request>headers>X-Auth-Token delete
			request>uri query {
				delete key
				delete api_key
				delete access_token
			}
			wrap json
		}
	}
	aimux
}

http://127.0.0.1:{$AIMUX_CONSOLE_PORT} {
	bind 127.0.0.1
	aimux_dashboard
}
`

// ConsolePort returns a free port for a gateway's console, as a variable of its
// environment.
func ConsolePort(t T) string {
	t.Helper()
	_, port, _ := strings.Cut(FreeAddr(t), ":")
	return "AIMUX_CONSOLE_PORT=" + port
}

// Console returns the console's address, as URL, of a gateway that was started
// with ConsolePort.
func (g *Gateway) Console() string {
	for _, entry := range g.config.Env {
		if port, ok := strings.CutPrefix(entry, "AIMUX_CONSOLE_PORT="); ok {
			return "http://127.0.0.1:" + port
		}
	}
	return ""
}

// Reply is what the console's API answers.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into reads the body as JSON; the test fails if it is none.
func (r Reply) Into(t T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("an answer of the API: %v in %q", err, r.Body)
	}
}

// Operator is somebody who uses the console's API.
type Operator struct {
	base   string
	client *http.Client
	// Header is added to every request.
	Header http.Header
	// Host replaces the Host header. Default: the one of the address.
	Host string
}

// Local is the operator behind the admin endpoint, who needs no password.
func (g *Gateway) Local() *Operator {
	return &Operator{base: g.Admin + "/aimux", client: &http.Client{Transport: g.client.Transport, CheckRedirect: stay}}
}

// Visitor is somebody before the console who has not logged in, with a browser's
// cookies.
func (g *Gateway) Visitor(t T) *Operator {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("making cookies: %v", err)
	}
	return &Operator{base: g.Console(), client: &http.Client{Transport: g.client.Transport, Jar: jar, CheckRedirect: stay}}
}

// stay follows no redirect: a spec sees what was answered.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Do asks the API. body is sent as JSON; nil sends none, a string is sent as it
// is. Methods that change something always say that they send JSON.
func (o *Operator) Do(t T, method, path string, body any) Reply {
	t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case string:
		data = []byte(b)
	default:
		var err error
		if data, err = json.Marshal(b); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	r, err := http.NewRequest(method, o.base+path, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range o.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Host = o.Host
	response, err := o.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	out, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return Reply{Status: response.StatusCode, Header: response.Header, Body: out}
}

// Must is Do for what has to work; the test fails with any other answer.
func (o *Operator) Must(t T, method, path string, body any) Reply {
	t.Helper()
	r := o.Do(t, method, path, body)
	if r.Status/100 != 2 {
		t.Fatalf("%s %s: status %d: %s", method, path, r.Status, r.Body)
	}
	return r
}

// shownPassword finds the console's first password in the log.
var shownPassword = regexp.MustCompile(`(?m)^  password  (\S+)$`)

// Password returns the console's first password, as it was shown at the start;
// empty as long as it was not.
func (g *Gateway) Password() string {
	if m := shownPassword.FindStringSubmatch(g.Log()); m != nil {
		return m[1]
	}
	return ""
}

// Data returns the path of a file that aimux keeps, below its data directory.
func (g *Gateway) Data(name string) string {
	return filepath.Join(g.Dir, "data", "caddy", "aimux", name)
}

// Files returns the contents of every file below the gateway's directory, by
// their paths.
func (g *Gateway) Files(t T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(g.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // it may have gone meanwhile
		}
		if data, err := os.ReadFile(path); err == nil {
			all[strings.TrimPrefix(path, g.Dir+"/")] = string(data)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the gateway's files: %v", err)
	}
	return all
}

// Config returns what the gateway was started with.
func (g *Gateway) Config() Config { return g.config }

// Setenv adds NAME=value to the environment of the processes that Restart
// starts.
func (g *Gateway) Setenv(entry string) { g.config.Env = append(slices.Clone(g.config.Env), entry) }
