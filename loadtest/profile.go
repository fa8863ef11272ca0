package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profileSeconds is how long a CPU profile runs.
const profileSeconds = 10

// profile keeps the gateway busy with the load and writes its profiles, taken by Caddy's admin API: where its CPU time
// went meanwhile, and what it has allocated since it started.
func (p phase) profile(ctx context.Context, r *rig, procs paths) error {
	r.say("  profile of: %s", p.name())
	ctx, cancel := context.WithTimeout(ctx, 3*profileSeconds*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- r.saveProfile(ctx, procs[ours], fmt.Sprintf("profile?seconds=%d", profileSeconds), "cpu")
	}()
	for {
		select {
		case err := <-done:
			return cmp.Or(err, r.saveProfile(ctx, procs[ours], "allocs", "allocs"))
		default:
		}
		if _, err := p.load(r, procs, ours, max(p.atOnce, 200)).run(ctx, procs[ours]); err != nil {
			return cmp.Or(err, <-done)
		}
	}
}

// saveProfile writes one of the profiles of net/http/pprof to the directory for them.
func (r *rig) saveProfile(ctx context.Context, p *process, path, name string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+"/debug/pprof/"+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 2 * profileSeconds * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("taking a profile: the admin API answers %s", answer.Status)
	}
	if err := os.MkdirAll(r.profiles, 0o755); err != nil {
		return err
	}
	file := filepath.Join(r.profiles, fmt.Sprintf("%s-%s.pprof", name, time.Now().Format("150405")))
	return writeFile(file, func(w io.Writer) error {
		_, err := io.Copy(w, answer.Body)
		return err
	})
}
