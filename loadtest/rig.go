package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// rig is what the scenarios work with: the binary under test, the provider, and a directory for everything written.
type rig struct {
	settings
	progress io.Writer
	scenario string // the name of the one that runs
	dir      string
	upstream *process
	origins  []string       // the provider's addresses, upstream.url the first
	ca       string         // file of the certificate that the provider has, "" for no TLS
	trust    *x509.CertPool // with that certificate
	client   *http.Client   // for single requests; the loads have their own
	tested   []int          // processors of the process under test, none: any
	others   []int          // processors of driver and provider
}

// newRig prepares the binary and starts the provider. Close it.
func newRig(ctx context.Context, s settings, progress io.Writer) (*rig, error) {
	r := &rig{settings: s, progress: progress, client: &http.Client{
		Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}, Timeout: patience,
	}}
	var err error
	if r.dir, err = os.MkdirTemp("", "aimux-loadtest-"); err != nil {
		return nil, err
	}
	if cpus := processors(); s.pin && len(cpus) > 1 {
		r.tested, r.others = cpus[:1], cpus[1:]
		pinSelf(r.others)
	}
	raiseFiles()
	if r.bin, err = r.binary(ctx); err == nil && s.against != "" {
		r.against, err = r.private("another", s.against)
	}
	if err == nil {
		r.upstream, err = r.startUpstream()
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) close() {
	r.upstream.stop()
	_ = os.RemoveAll(r.dir)
}

// say writes a line of progress.
func (r *rig) say(format string, args ...any) {
	fmt.Fprintf(r.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// binary returns a private copy of the program under test.
func (r *rig) binary(ctx context.Context) (string, error) {
	from := r.settings.bin
	if from == "" {
		from = filepath.Join("bin", "aimux-slim")
	}
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) && r.settings.bin == "" {
		from = filepath.Join(r.dir, "built")
		if err := r.build(ctx, from); err != nil {
			return "", err
		}
	}
	return r.private("aimux", from)
}

// private copies a program to a name of its own: the page cache holds a file as the linker wrote it in smaller pieces
// than a copy, which costs 15 ms at the start, and a rebuild meanwhile must not change what is measured.
func (r *rig) private(name, from string) (string, error) {
	b, err := os.ReadFile(from)
	if err != nil {
		return "", fmt.Errorf("reading the program to test: %w", err)
	}
	target := filepath.Join(r.dir, name)
	return target, os.WriteFile(target, b, 0o700)
}

// build links the slim program.
func (r *rig) build(ctx context.Context, target string) error {
	r.say("bin/aimux-slim is missing: building it")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "nobadger,nomysql,nopgx",
		"-o", target, "./caddymodule/cmd/aimux")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = r.progress, r.progress
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building the program to test: %w", err)
	}
	return nil
}

// scaled returns n times -scale, at least least.
func (r *rig) scaled(n, least int) int {
	return max(least, int(float64(n)*r.scale))
}

// startProxy runs the same program as a plain reverse proxy before the provider.
func (r *rig) startProxy(ctx context.Context) (*process, error) {
	return r.caddy(ctx, "proxy", proxyCaddyfile(r.ca, r.upstream.url), nil, firstRequest(firstModel))
}

// startGateway runs it as aimux with the given document, which knows first.
func (r *rig) startGateway(ctx context.Context, d document, first string) (*process, error) {
	file, env, err := r.save(d)
	if err != nil {
		return nil, err
	}
	return r.caddy(ctx, "gateway", gatewayCaddyfile(file), env, firstRequest(first))
}

// save writes a document to a file of its own.
func (r *rig) save(d document) (file string, env []string, err error) {
	text, env := d.write()
	file = filepath.Join(r.dir, fmt.Sprintf("aimux-%d.toon", logs.Add(1)))
	return file, env, os.WriteFile(file, []byte(text), 0o600)
}
