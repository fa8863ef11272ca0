package e2e

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// authority is a certificate authority with an ACME server: Caddy's own, in a
// process of its own. It checks names by tls-alpn-01 on port 443.
type authority struct {
	dir string
	cmd *exec.Cmd
}

const authorityCaddyfile = `{
	skip_install_trust
	admin off
	storage_clean_interval off
}
https://ca.example.com:9443 {
	bind 127.0.0.1
	tls internal
	acme_server {
		lifetime 5m
		challenges tls-alpn-01
	}
}
`

func startAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(a.dir, "Caddyfile"), []byte(authorityCaddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	a.start(t)
	t.Cleanup(a.stop)
	return a
}

// root is the file with the authority's root certificate.
func (a *authority) root() string {
	return filepath.Join(a.dir, "data", "caddy", "pki", "authorities", "local", "root.crt")
}

// start runs the process and waits until it listens and has its root.
func (a *authority) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(a.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	a.cmd = exec.Command(os.Getenv(authorityEnv), "run", "--config", "Caddyfile")
	a.cmd.Dir, a.cmd.Stdout, a.cmd.Stderr = a.dir, log, log
	a.cmd.Env = []string{"HOME=" + a.dir, "XDG_DATA_HOME=" + a.dir + "/data", "XDG_CONFIG_HOME=" + a.dir + "/config"}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(retried); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		c, err := tls.Dial("tcp", "ca.example.com:9443", &tls.Config{InsecureSkipVerify: true}) // only to see that it is there
		if err == nil {
			c.Close()
			return
		}
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("the authority does not listen:\n%s", said)
}

// stop ends the process; stopped already, it does nothing.
func (a *authority) stop() {
	if a.cmd != nil {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
		a.cmd = nil
	}
}

// renews has streams over every HTTP run while new connections come all the
// time, until the certificate has changed twice.
func (h *https) renews(t *testing.T) {
	h.up.Script(simulator.Selector{Model: "long"}, forever("slow;ttft=50ms;rate=20;tokens=160"))
	streams := make(chan string)
	open := 0
	for _, v := range versions {
		for _, d := range harness.Dialects {
			client, seen := v.client(h.roots)
			open++
			go func() {
				defer seen.close()
				a := harness.At("https://gateway.example.com", client).AskContext(t.Context(), harness.Ask{Dialect: d, Stream: true, Model: "one/long"})
				streams <- fmt.Sprintf("%s %s", a.Outcome(160), v.proto)
			}()
		}
	}
	newcomers := h.comeAgain(t)
	begun := time.Now()
	serials := map[string]bool{}
	for ended := 0; ended < open || len(serials) < 3 && time.Since(begun) < retried; {
		select {
		case got := <-streams:
			if ended++; !strings.HasPrefix(got, string(harness.OK)) {
				t.Errorf("a stream ended with %s", got)
			}
		case <-time.After(100 * time.Millisecond):
			serials[h.leaf(t, "gateway.example.com").SerialNumber.String()] = true
		}
	}
	took := time.Since(begun)
	asked, failed := newcomers()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, such as %s", len(failed), asked, failed[0])
	}
	if len(serials) < 3 {
		t.Errorf("%d certificates in %s, want 3", len(serials), took)
	}
	t.Logf("figure: %d certificates in %s under %d streams and %d requests on connections of their own: 0 failed", len(serials), took.Round(time.Millisecond), open, asked)
}

// comeAgain asks on fresh connections, over every HTTP in turn, until the
// function that it returns is called, which says how that went.
func (h *https) comeAgain(t *testing.T) func() (asked int, failed []string) {
	var (
		stop   atomic.Bool
		wait   sync.WaitGroup
		mu     sync.Mutex
		asked  int
		failed []string
	)
	for _, v := range versions {
		wait.Go(func() {
			for i := 0; !stop.Load(); i++ {
				client, seen := v.client(h.roots)
				a := harness.At("https://gateway.example.com", client).AskContext(t.Context(), harness.Ask{Dialect: harness.Dialects[i%3], Stream: i%2 == 0})
				mu.Lock()
				asked++
				if o := a.Outcome(16); o != harness.OK {
					failed = append(failed, fmt.Sprintf("%s over %s: %v", o, v.proto, a.Err))
				}
				mu.Unlock()
				seen.close()
				time.Sleep(50 * time.Millisecond) // 20 a second and protocol at most
			}
		})
	}
	return func() (int, []string) {
		stop.Store(true)
		wait.Wait()
		return asked, failed
	}
}

// livesWithoutAuthority has renewals fail and looks whether anybody notices; not
// even a gateway that starts anew may.
func (h *https) livesWithoutAuthority(t *testing.T) {
	h.authority.stop()
	before := len(h.gw.LogLines("could not get certificate from issuer"))
	newcomers := h.comeAgain(t)
	for deadline := time.Now().Add(retried); len(h.gw.LogLines("could not get certificate from issuer")) == before; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("no renewal failed: nothing is tested here")
			break
		}
	}
	time.Sleep(time.Second) // some requests more, with the failure known
	asked, failed := newcomers()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, such as %s", len(failed), asked, failed[0])
	}
	h.gw.Kill()
	if err := h.gw.Restart(t); err != nil {
		t.Fatal(err)
	}
	h.leaf(t, "gateway.example.com")
	h.serves(t)
	t.Logf("figure: the authority down: %d requests on connections of their own, 0 failed; a gateway that started anew served with the certificate it had", asked)
}
