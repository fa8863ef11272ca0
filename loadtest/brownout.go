package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A brown-out: one of three providers becomes twenty times slower and fails in nothing. A gateway that ranks by what it
// sees has to move away from it. The plain proxy has two addresses of the provider, one of which is slowed down.
const (
	brownPerSecond = 100
	quietSeconds   = 5  // before the brown-out
	brownSeconds   = 20 // of it
	normalTTFT     = 20 * time.Millisecond
	brownTTFT      = 20 * normalTTFT
	// moveSeconds is the time in which the gateway is to move nine tenths of the requests.
	moveSeconds = 10
	// staying is the share of requests, in percent, that may still go to the slow provider then.
	stayingLimit, stayingAim = 30, 10
)

const browned = "browned"

var brownModel = fmt.Sprintf("sim-ok-tokens-10-ttft-%s", normalTTFT)

func brownDocument(origins []string) document {
	var d document
	for i, origin := range []string{origins[0], origins[1], origins[len(origins)-1]} {
		name := fmt.Sprintf("p%d", i)
		d.providers = append(d.providers, provider{name: name, origin: origin, keys: []string{name + "-a", name + "-b"}})
		d.models = append(d.models, model{browned, name, brownModel, 1})
	}
	return d
}

func brownout(ctx context.Context, r *rig) (*Result, error) {
	starts := map[int]func() (*process, error){
		plain: func() (*process, error) {
			return r.caddy(ctx, "proxy", proxyCaddyfile("", r.origins[0], r.origins[len(r.origins)-1]), nil, firstRequest(firstModel))
		},
		ours: func() (*process, error) { return r.startGateway(ctx, brownDocument(r.origins), browned) },
	}
	result := &Result{Checks: []Check{{What: "errors"}}, Plots: []Plot{{
		Title: "Requests that went to the slow provider", X: fmt.Sprintf("seconds; it becomes slow at %d", quietSeconds), Y: "%",
	}}}
	for _, path := range []int{plain, ours} {
		s, err := brownRun(ctx, r, path, starts[path])
		if err != nil {
			return nil, err
		}
		result.addBrown(r, path, s)
	}
	return result, nil
}

// brownRun sends an even load and slows one provider down in its course.
func brownRun(ctx context.Context, r *rig, path int, start func() (*process, error)) (*sample, error) {
	p, err := start()
	if err != nil {
		return nil, err
	}
	defer p.stop()
	name := browned
	if path == plain {
		name = brownModel
	}
	r.say("  %s: %d requests a second for %d s, %d s of them with a slow provider", pathNames[path], brownPerSecond, quietSeconds+brownSeconds, brownSeconds)
	failed := make(chan error, 1)
	timer := time.AfterFunc(quietSeconds*time.Second, func() { failed <- r.slow(brownTTFT - normalTTFT) })
	l := load{targets: conversations(p.url, name), requests: (quietSeconds + brownSeconds) * brownPerSecond, atOnce: 256, perSec: brownPerSecond}
	s, err := l.run(ctx, p)
	if !timer.Stop() {
		err = orElse(err, <-failed)
	}
	return s, orElse(err, r.slow(0))
}

// orElse returns the first error there is.
func orElse(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// conversations returns a targeter of which every request is another conversation, so that none is held to a provider
// for the sake of its prompt cache.
func conversations(base, name string) vegeta.Targeter {
	var next atomic.Int64
	return func(t *vegeta.Target) error {
		*t = traffic{size: 1<<10 + int(next.Add(1)%512)}.target(base, name)
		t.Method = http.MethodPost
		return nil
	}
}

// slowAnswer says that the slow provider gave the answer.
func slowAnswer(p point) bool { return p.latency > brownTTFT/2 }

// addBrown adds the row of a path, the seconds it took to move away and the share that stayed.
func (result *Result) addBrown(r *rig, path int, s *sample) {
	line := timeline(pathNames[path], s, time.Second, slowAnswer)
	result.Plots[0].Lines = append(result.Plots[0].Lines, line)
	row := summary([]*sample{s})
	row.Load, row.Path, row.PerSecond = "brown-out", pathNames[path], 0
	result.Rows = append(result.Rows, row)
	result.noteErrors(row, []*sample{s})
	result.Checks[0].Value += float64(row.Errors)
	stayed := pooledShare(s, (quietSeconds+moveSeconds)*time.Second)
	if path != ours {
		result.Notes = append(result.Notes, fmt.Sprintf("%s sent %.0f %% of the requests to the slow provider to the end", pathNames[path], stayed))
		return
	}
	result.Checks = append(result.Checks,
		Check{What: fmt.Sprintf("requests to the slow provider %d s later", moveSeconds), Value: stayed, Bound: stayingLimit, Target: stayingAim, Unit: " %"},
		aimCheck("until nine tenths avoid it", moved(line), moveSeconds, " s"))
	r.say("  aimux: moved away within %.0f s", moved(line))
}

// pooledShare returns how many percent of the requests from a time on went to the slow provider.
func pooledShare(s *sample, from time.Duration) float64 {
	var all, slow float64
	for _, p := range s.points {
		if p.at < from {
			continue
		}
		all++
		if slowAnswer(p) {
			slow++
		}
	}
	return 100 * over(slow, all)
}

// moved returns after how many seconds of the brown-out nine tenths of the requests went elsewhere for the first time
// for two seconds in a row; all of its time if they never did.
func moved(line Line) float64 {
	for i := quietSeconds; i+1 < len(line.Values); i++ {
		if line.Values[i] <= 10 && line.Values[i+1] <= 10 {
			return float64(i - quietSeconds)
		}
	}
	return brownSeconds
}
