package harness

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Gateway is a running aimux.
type Gateway struct {
	// URL is where clients talk to it, without a path; Admin is the address of
	// the admin API, as URL.
	URL, Admin string
	// Dir holds its Caddyfile and aimux.toon.
	Dir string

	config Config
	log    *logFile
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	err    error         // how it ended
	client *http.Client

	begun   time.Time
	started time.Duration // from the process to its first answer
}

// Start runs aimux with c and waits until it is ready. It ends with the test.
func Start(t T, c Config) *Gateway {
	t.Helper()
	g, err := TryStart(t, c)
	if err != nil {
		t.Fatalf("starting aimux: %v", err)
	}
	return g
}

// TryStart is Start for configurations that may be refused. The error then has
// all that the process wrote.
//
// The kernel names free ports, which somebody else may take before the process
// does; so it is started again when it finds one taken.
func TryStart(t T, c Config) (*Gateway, error) {
	t.Helper()
	for try := 1; ; try++ {
		g, err := start(t, c)
		if err == nil || try == 5 || !strings.Contains(err.Error(), "address already in use") || strings.Contains(c.Caddyfile, "127.0.0.1:") {
			return g, err
		}
	}
}

func start(t T, c Config) (*Gateway, error) {
	t.Helper()
	bin, err := Binary()
	if err != nil {
		return nil, err
	}
	g := &Gateway{Dir: t.TempDir(), config: c}
	site, admin := FreeAddr(t), FreeAddr(t)
	g.URL, g.Admin = "http://"+site, "http://"+admin
	g.client = &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256}}
	if err := g.write(c); err != nil {
		return nil, err
	}
	if g.log, err = openLog(filepath.Join(g.Dir, "log")); err != nil {
		return nil, err
	}
	if err := g.launch(bin); err != nil {
		return nil, err
	}
	t.Cleanup(func() { g.end(t) })
	return g, g.await()
}

// launch runs the process where the gateway lives.
func (g *Gateway) launch(bin string) error {
	args := append([]string{"run", "--config", "Caddyfile"}, g.config.Args...)
	g.cmd = exec.Command(bin, args...)
	if n := g.config.Files; n > 0 {
		limited := []string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, n), bin}
		g.cmd = exec.Command("/bin/sh", append(limited, args...)...)
	}
	g.cmd.Dir, g.cmd.Env = g.Dir, g.environment(g.config)
	g.cmd.Stdout, g.cmd.Stderr = g.log.file, g.log.file
	g.begun, g.started, g.ended = time.Now(), 0, make(chan struct{})
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("running %s: %w", bin, err)
	}
	cmd, ended := g.cmd, g.ended
	go func() { g.err = cmd.Wait(); close(ended) }()
	return nil
}

// Restart runs the process again after it has ended, in the same place and with
// the same addresses, and waits until it is ready.
func (g *Gateway) Restart(t T) error {
	t.Helper()
	<-g.ended
	bin, err := Binary()
	if err != nil {
		return err
	}
	if err := g.launch(bin); err != nil {
		return err
	}
	return g.await()
}

func (g *Gateway) environment(c Config) []string {
	return c.environment(g.Dir, "AIMUX_SITE="+g.URL, "AIMUX_ADMIN="+strings.TrimPrefix(g.Admin, "http://"))
}

// write puts Caddyfile and aimux.toon into the gateway's directory.
func (g *Gateway) write(c Config) error {
	caddyfile := []byte(c.Caddyfile)
	if c.Caddyfile == "" {
		var err error
		if caddyfile, err = os.ReadFile(filepath.Join(Root(), "Caddyfile")); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(g.Dir, "Caddyfile"), caddyfile, 0o600); err != nil {
		return err
	}
	if doc := c.document(); doc != "" {
		return os.WriteFile(filepath.Join(g.Dir, "aimux.toon"), []byte(doc), 0o600)
	}
	return nil
}

// await returns when /readyz answers 200 and the admin endpoint is there, or with
// what the process said when it ended.
func (g *Gateway) await() error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		if r, err := g.client.Get(g.URL + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK && g.started == 0 {
				g.started = time.Since(g.begun)
			}
			if r.StatusCode == http.StatusOK && g.governed() {
				return nil
			}
		}
		select {
		case <-g.ended:
			return errors.New("aimux ended:\n" + g.Log())
		case <-tick.C:
		}
	}
	return errors.New("aimux is not ready:\n" + g.Log())
}

// governed reports whether the admin endpoint knows the configuration that is
// served, or there is none. Caddy starts its apps in no particular order, so that
// requests may be served a moment earlier.
func (g *Gateway) governed() bool {
	r, err := g.client.Get(g.Admin + "/aimux/api/meta")
	if err != nil {
		return true
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
	return !strings.Contains(string(text), "has no aimux handler")
}

// Log returns what the process has written so far.
func (g *Gateway) Log() string { return g.log.read() }

// Pid returns the process's id.
func (g *Gateway) Pid() int { return g.cmd.Process.Pid }

// Disconnect closes the connections on which no client is asking anything.
func (g *Gateway) Disconnect() { g.client.CloseIdleConnections() }

// Stop asks the process to end, as systemd would, and returns how it did.
func (g *Gateway) Stop() error {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.ended:
		return g.err
	case <-time.After(patience):
		_ = g.cmd.Process.Kill()
		<-g.ended
		return errors.New("aimux did not end")
	}
}

// end stops the process, by force if it must be, and shows the log of a test
// that failed.
func (g *Gateway) end(t T) {
	_ = g.cmd.Process.Kill()
	<-g.ended
	g.Disconnect()
	if t.Failed() {
		t.Logf("log of the gateway:\n%s", lastBytes(g.Log(), 16<<10))
	}
	g.log.file.Close()
}

func lastBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}

// FreeAddr returns a loopback address with a port that was free a moment ago.
func FreeAddr(t T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}
