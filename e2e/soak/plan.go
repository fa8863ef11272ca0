package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// plan is what a soak does.
type plan struct {
	length  time.Duration
	rate    int // requests a second
	streams int // that last half the soak
}

const (
	faultEvery  = time.Second
	reloadEvery = 30 * time.Second
	// wordsASecond is how fast the lasting streams speak: as slow as a model that
	// thinks, so that they cost little and are open all the time.
	wordsASecond = 4
	// settleFor bounds the wait for the return to the baseline. Idle connections
	// to an upstream are closed after 90 s.
	settleFor = 110 * time.Second
)

// sampleEvery is the time between two samples: several hundred in a long soak,
// a few dozen in a short one. Each costs a garbage collection.
func (p plan) sampleEvery() time.Duration {
	return min(max(p.length/400, 2*time.Second), 10*time.Second)
}

// half is how long a lasting stream lasts.
func (p plan) half() time.Duration { return p.length / 2 }

// caddyfile has neither console nor file server: nothing but the gateway.
const caddyfile = `{
	aimux aimux.toon
	grace_period 10s
	admin {$AIMUX_ADMIN}
}
{$AIMUX_SITE} {
	bind 127.0.0.1
	aimux
}
`

// world is the gateway with its upstreams. Of the upstreams of model "mixed" the
// first two fail from time to time and the third never does.
type world struct {
	plan   plan
	gw     *harness.Gateway
	flaky  [2]*harness.Upstream
	config func(i int) harness.Config
}

// build starts everything.
func (p plan) build(b *bench) *world {
	up := func(name string, o simulator.Options) *harness.Upstream {
		o.Name, o.MaxRecords = name, -1
		return harness.NewUpstream(b, o)
	}
	w := &world{plan: p}
	w.flaky = [2]*harness.Upstream{up("flaky-one", simulator.Options{}), up("flaky-two", simulator.Options{})}
	steady := up("steady", simulator.Options{})
	lasting := up("lasting", simulator.Options{TokensPerSecond: wordsASecond, Tokens: p.words()})
	endless := up("endless", simulator.Options{Tokens: 20_000})
	rows := []harness.Route{{Alias: "mixed", Provider: "one", Model: "m", Tier: 1}, {Alias: "mixed", Provider: "two", Model: "m", Tier: 2}, {Alias: "mixed", Provider: "steady", Model: "m", Tier: 3}}
	w.config = func(i int) harness.Config {
		return harness.Config{
			Caddyfile: caddyfile, Models: rows,
			Providers: []harness.Provider{
				w.flaky[0].As("one", "simulator", "a1", "a2", "a3"), w.flaky[1].As("two", "simulator", "b1", "b2", "b3"),
				steady.As("steady", "simulator", "c1", "c2"), lasting.As("lasting", "simulator", "d"), endless.As("endless", "simulator", "e"),
			},
			More: fmt.Sprintf("limits:\n  body: %dMiB\ntimeouts:\n  total: 3h\n", 8+i%7),
		}
	}
	w.gw = harness.Start(b, w.config(0))
	return w
}

// words is how many words a lasting stream has.
func (p plan) words() int { return max(1, int(p.half().Seconds()*wordsASecond)) }

// run does all of it: an idle gateway that has seen traffic is the baseline, then
// comes the soak, then the wait until the gateway is as it was.
func (p plan) run(ctx context.Context, b *bench) (*report, error) {
	w := p.build(b)
	r := &report{plan: p, begun: time.Now()}
	s := newSampler(w.gw)
	warm := newTraffic(w)
	warm.quick(ctx, 5*time.Second)
	warm.wait()
	var err error
	if r.before, err = s.settled(ctx, 5*time.Second, func(sample) bool { return false }); err != nil {
		return nil, err
	}
	t := newTraffic(w)
	r.samples, r.changes, err = p.soak(ctx, w, t, s)
	if err != nil {
		return nil, err
	}
	r.tally = t.tally
	r.faults = t.faults
	// The clients kept their connections over all reloads; the baseline has next
	// to none.
	w.gw.Disconnect()
	r.after, err = s.settled(ctx, settleFor, func(now sample) bool { return now.near(r.before) })
	r.counters = w.gw.Counters(b)
	return r, err
}

// soak is the part with traffic. It ends when the last stream has.
func (p plan) soak(ctx context.Context, w *world, t *traffic, s *sampler) ([]sample, *changes, error) {
	ctx, cancel := context.WithTimeout(ctx, p.length)
	defer cancel()
	c := &changes{world: w}
	var others sync.WaitGroup
	others.Go(func() { t.trouble(ctx) })
	others.Go(func() { c.run(ctx) })
	t.begin(ctx)
	samples, err := s.every(ctx, p.sampleEvery(), t.phase)
	others.Wait()
	t.wait()
	return samples, c, err
}
