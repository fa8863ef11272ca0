package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// patience is how long a process may take to answer, and to end.
const patience = 20 * time.Second

// process is a child: the provider, a gateway or a plain proxy.
type process struct {
	url     string // where it serves, without a path
	admin   string // where its admin API and its metrics are, "" for none
	cmd     *exec.Cmd
	control io.Writer // its input, nil for none
	log     string    // file with what it wrote
	begun   time.Time
	ended   chan struct{}
	took    marks
}

// marks say how long after its start a process got so far.
type marks struct {
	accept time.Duration // a connection was accepted
	answer time.Duration // a request to the provider came back with 200
}

// pid returns the process's id, 0 for none.
func (p *process) pid() int {
	if p == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// stop ends the process and waits until it is gone.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// spawn starts a program of which url and admin are known already.
func spawn(cmd *exec.Cmd, cpus []int, log string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the child has its own descriptor
	if cmd.Stdout == nil {
		cmd.Stdout = f
	}
	cmd.Stderr = f
	p := &process{cmd: cmd, log: log, ended: make(chan struct{}), begun: time.Now()}
	if err := startOn(cmd, cpus); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// await tries every half millisecond to connect and then asks with ask until the answer is 200, and notes how long that
// took.
func (p *process) await(ctx context.Context, client *http.Client, ask func(base string) (*http.Request, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := p.until(ctx, func() error {
		c, err := net.DialTimeout("tcp", p.site(), patience)
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		return err
	}
	p.took.accept = time.Since(p.begun)
	err = p.until(ctx, func() error {
		status, err := try(ctx, client, p.url, ask)
		if err == nil && status != http.StatusOK {
			return fmt.Errorf("it answers %d", status)
		}
		return err
	})
	p.took.answer = time.Since(p.begun)
	return err
}

// until does something again and again until it succeeds or the process ends.
func (p *process) until(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", filepath.Base(p.cmd.Path), err, p.lastWords())
		case <-time.After(500 * time.Microsecond):
		}
	}
}

func try(ctx context.Context, client *http.Client, base string, ask func(string) (*http.Request, error)) (int, error) {
	r, err := ask(base)
	if err != nil {
		return 0, err
	}
	answer, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// lastWords returns the end of what the process wrote.
func (p *process) lastWords() string {
	b, _ := os.ReadFile(p.log)
	return strings.TrimSpace(string(b[max(0, len(b)-2000):]))
}

var logs atomic.Int64

// caddy runs the tested binary with a Caddyfile in which {site} and {admin} stand for its addresses, in a home of its own.
// The kernel names free ports, which somebody else may take before the process does; then it is started again.
func (r *rig) caddy(ctx context.Context, name, caddyfile string, env []string, ask func(string) (*http.Request, error)) (*process, error) {
	for attempt := 1; ; attempt++ {
		p, err := r.caddyOnce(ctx, name, caddyfile, env, ask)
		if err == nil || attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			return p, err
		}
	}
}

func (r *rig) caddyOnce(ctx context.Context, name, caddyfile string, env []string, ask func(string) (*http.Request, error)) (*process, error) {
	site, err1 := freeAddress()
	admin, err2 := freeAddress()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	home := filepath.Join(r.dir, fmt.Sprintf("%s-%d", name, logs.Add(1)))
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(config, fill(caddyfile, site, admin), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(r.bin, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Dir = home
	// Nothing of the caller's environment: neither settings nor real keys.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, env...)
	p, err := spawn(cmd, r.tested, filepath.Join(home, "log"))
	if err != nil {
		return nil, err
	}
	p.url, p.admin = "http://"+site, "http://"+admin
	if err := p.await(ctx, r.client, ask); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// site and adminAddress are what fill puts into the process's Caddyfile.
func (p *process) site() string         { return strings.TrimPrefix(p.url, "http://") }
func (p *process) adminAddress() string { return strings.TrimPrefix(p.admin, "http://") }

// fill puts the addresses into a Caddyfile.
func fill(caddyfile, site, admin string) []byte {
	return []byte(strings.NewReplacer("{site}", "http://"+site, "{admin}", admin).Replace(caddyfile))
}

// freeAddress returns a loopback address whose port was free a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
