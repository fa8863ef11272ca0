package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// The configuration is loaded anew each second through the admin API while requests and streams run, every other time
// with a change in it. The plain proxy's is as well: what it loses is Caddy's own doing.
const (
	reloadSeconds     = 10
	reloadRequests    = 200 // a second
	reloadStreams     = 10  // a second, of 5 s each: 50 open at a time
	reloadStreamsOpen = 50
)

// reloader loads a process's configuration anew.
type reloader struct {
	process *process
	files   [2]string // Caddyfiles with addresses filled in
	took    histogram
	failed  int
	why     error
}

// once sends one of the two configurations. Caddy takes one it has already only if it is told to look again.
func (l *reloader) once(ctx context.Context, n int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.process.admin+"/load", bytes.NewBufferString(l.files[n%2]))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/caddyfile")
	request.Header.Set("Cache-Control", "must-revalidate")
	began := time.Now()
	client := http.Client{Timeout: patience}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return fmt.Errorf("loading a configuration: %s: %s", answer.Status, said)
	}
	l.took.add(time.Since(began))
	return nil
}

// run reloads each second, so many times.
func (l *reloader) run(ctx context.Context, times int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := range times {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := l.once(ctx, n+1); err != nil {
			l.failed++
			l.why = err
		}
	}
}

func reload(ctx context.Context, r *rig) (*Result, error) {
	result := &Result{Checks: []Check{{What: "errors through aimux"}, {What: "reloads of aimux that failed"}, {What: "requests sent again", Aim: true}}}
	reloaded := []int{plain, ours}
	if r.short {
		reloaded = []int{ours}
	}
	for _, path := range reloaded {
		l, err := r.startReloaded(ctx, path)
		if err != nil {
			return nil, err
		}
		samples, err := reloadRun(ctx, r, path, l)
		l.process.stop()
		if err != nil {
			return nil, err
		}
		result.addReload(r, path, l, samples)
	}
	return result, nil
}

// startReloaded starts a path's process and prepares its two configurations.
func (r *rig) startReloaded(ctx context.Context, path int) (*reloader, error) {
	l := &reloader{}
	texts := [2]string{proxyCaddyfile("", r.upstream.url), proxyCaddyfile("", r.upstream.url) + "# again\n"}
	var err error
	if path == plain {
		l.process, err = r.startProxy(ctx)
	} else {
		d := usualDocument(r.origins)
		if l.process, err = r.startGateway(ctx, d, firstAlias); err != nil {
			return nil, err
		}
		for i, more := range []string{"", "log:\n  decisions: 255\n"} {
			d.more = more
			file, _, err := r.save(d)
			if err != nil {
				return nil, err
			}
			texts[i] = gatewayCaddyfile(file)
		}
	}
	if err != nil {
		return nil, err
	}
	for i, text := range texts {
		l.files[i] = string(fill(text, l.process.site(), l.process.adminAddress()))
	}
	return l, nil
}

// reloadRun sends requests and streams at the same time, first in quiet, then with reloads. The order of the samples is
// that of reloadLoads, twice.
func reloadRun(ctx context.Context, r *rig, path int, l *reloader) ([]*sample, error) {
	seconds := r.scaled(reloadSeconds, 3)
	var samples []*sample
	for _, times := range []int{0, seconds} {
		r.say("  %s: %d s of requests and streams, %d reloads", pathNames[path], seconds, times)
		var wg sync.WaitGroup
		wg.Go(func() { l.run(ctx, times) })
		both := make([]*sample, 2)
		failed := make([]error, 2)
		for i, load := range reloadLoads(r, path, l.process, seconds) {
			wg.Go(func() { both[i], failed[i] = load.run(ctx, l.process) })
		}
		wg.Wait()
		if err := orElse(failed[0], failed[1]); err != nil {
			return nil, err
		}
		samples = append(samples, both...)
	}
	return samples, nil
}

// reloadLoads are the requests and the streams of a path.
func reloadLoads(r *rig, path int, p *process, seconds int) [2]load {
	quick, paced := traffic{size: 1 << 10}, traffic{size: 1 << 10, stream: true, answer: answer{pace: 10}}
	return [2]load{
		{targets: same(quick.target(p.url, quick.model(path == ours))), requests: reloadRequests * seconds, perSec: reloadRequests, atOnce: 64, again: true},
		{targets: same(paced.target(p.url, paced.model(path == ours))), requests: reloadStreams * seconds, perSec: reloadStreams, atOnce: 2 * reloadStreamsOpen, stream: true, again: true},
	}
}

// addReload adds a path's rows.
func (result *Result) addReload(r *rig, path int, l *reloader, samples []*sample) {
	errors, again := 0, 0
	for i, s := range samples {
		row := summary([]*sample{s})
		row.Load = [...]string{"requests, quiet", "streams, quiet", "requests, a reload each second", "streams, a reload each second"}[i]
		row.Path, row.CPU, row.Allocations, row.Allocated = pathNames[path], 0, 0, 0 // both loads share the process
		errors += row.Errors
		again += s.again
		result.Rows = append(result.Rows, row)
		result.noteErrors(row, []*sample{s})
	}
	result.Notes = append(result.Notes, fmt.Sprintf("%s: %d reloads, %.0f ms at the median, %.0f ms the longest; %d requests had to be sent again because their connection was closed", pathNames[path], l.took.total, millis(l.took.quantile(0.5)), millis(l.took.most), again))
	if path == ours {
		result.Checks[0].Value, result.Checks[1].Value = float64(errors), float64(l.failed)
		result.Checks[2].Value = float64(again)
	}
	if l.why != nil {
		result.Notes = append(result.Notes, fmt.Sprintf("%s: %d reloads failed, such as: %v", pathNames[path], l.failed, l.why))
	}
	r.say("  %s: %d errors, %d requests sent again, %d reloads failed", pathNames[path], errors, again, l.failed)
}
