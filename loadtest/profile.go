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

// profile keeps a gateway busy with each load of more than one request at a time, instead of measuring it, and writes
// its profiles, taken by Caddy's admin API: where its CPU time went meanwhile, and what it has allocated since it
// started. Each has a file of its own, named after the scenario.
func (c comparison) profile(ctx context.Context, r *rig) (*Result, error) {
	var procs paths
	var err error
	if procs[ours], err = r.startOurs(ctx); err != nil {
		return nil, err
	}
	defer procs.stop()
	result := &Result{Checks: []Check{{What: "errors"}}}
	for i, p := range c {
		if p.atOnce == 1 {
			continue
		}
		samples, err := p.profile(ctx, r, procs, fmt.Sprintf("%s-%d", r.scenario, i+1))
		if err != nil {
			return nil, err
		}
		row := summary(samples)
		row.Load, row.Path = p.name(), pathNames[ours]+", profiled"
		result.Checks[0].Value += float64(row.Errors)
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, samples)
	}
	return result, nil
}

// profile takes the profiles of one load. The process is left alone meanwhile: to say what it has allocated would be a
// part of its profile.
func (p phase) profile(ctx context.Context, r *rig, procs paths, name string) ([]*sample, error) {
	r.say("  profile of: %s", p.name())
	ctx, cancel := context.WithTimeout(ctx, 3*profileSeconds*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- r.saveProfile(ctx, procs[ours], fmt.Sprintf("profile?seconds=%d", profileSeconds), "cpu-"+name)
	}()
	var samples []*sample
	for {
		select {
		case err := <-done:
			return samples, cmp.Or(err, r.saveProfile(ctx, procs[ours], "allocs", "allocs-"+name))
		default:
		}
		s, err := p.load(r, procs, ours, p.requests).run(ctx, nil)
		if err != nil {
			return nil, cmp.Or(err, <-done)
		}
		samples = append(samples, s)
	}
}

// saveProfile writes one of the profiles of net/http/pprof to the directory for them.
func (r *rig) saveProfile(ctx context.Context, p *process, path, name string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+"/debug/pprof/"+path, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 2 * profileSeconds * time.Second}
	defer client.CloseIdleConnections()
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
	return writeFile(filepath.Join(r.profiles, name+".pprof"), func(w io.Writer) error {
		_, err := io.Copy(w, answer.Body)
		return err
	})
}
