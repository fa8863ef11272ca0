package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// traffic is what clients do in a soak, and how it ended for them.
type traffic struct {
	world *world
	group sync.WaitGroup

	mu     sync.Mutex
	tally  tally
	faults int

	lasting atomic.Int64 // streams of the long kind that are open
}

// tally counts outcomes by what was asked for.
type tally map[string]map[harness.Outcome]int

// The kinds of traffic.
const (
	short    = "requests and short streams"
	long     = "streams of half the soak"
	slow     = "slow readers"
	hangUp   = "clients that hang up"
	asked    = "asked again at a reload"
	maxKinds = 200 // outcomes are told apart by their text, which is bounded by this
)

func newTraffic(w *world) *traffic { return &traffic{world: w, tally: tally{}} }

func (t *traffic) note(kind string, o harness.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tally[kind] == nil {
		t.tally[kind] = map[harness.Outcome]int{}
	}
	if _, known := t.tally[kind][o]; !known && len(t.tally[kind]) >= maxKinds {
		o = "LOST: and others"
	}
	t.tally[kind][o]++
}

// begin starts everything. It goes on until ctx ends, the lasting streams to
// their own end.
func (t *traffic) begin(ctx context.Context) {
	t.group.Go(func() { t.quick(ctx, t.world.plan.length) })
	for i := range t.world.plan.streams {
		t.group.Go(func() { t.last(ctx, i) })
	}
	for range 6 {
		t.group.Go(func() { t.crawl(ctx) })
	}
	t.group.Go(func() { t.drop(ctx) })
}

// wait returns when all traffic has ended.
func (t *traffic) wait() { t.group.Wait() }

// phase says what is going on, for the plots.
func (t *traffic) phase() int { return int(t.lasting.Load()) }

// quick asks at a steady rate, in all dialects, streamed or not.
func (t *traffic) quick(ctx context.Context, length time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	tick := time.NewTicker(time.Second / time.Duration(t.world.plan.rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.group.Go(func() {
			patience, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			prompt := strings.Repeat("word ", 1<<(i%12)) // up to 10 KB
			a := t.ask(patience, harness.Ask{Dialect: harness.Dialects[i%3], Stream: i%2 == 0, Model: "mixed", Prompt: prompt})
			t.note(short, a.Outcome(16))
		})
	}
}

// ask asks again, as every SDK does, when the connection was closed before any
// of an answer came: a reload closes the old server's idle connections, and
// HTTP/1.1 cannot announce that.
func (t *traffic) ask(ctx context.Context, a harness.Ask) *harness.Answer {
	answer := t.world.gw.AskContext(ctx, a)
	// The kept connections that are left may be of the old server too.
	for wait := 200 * time.Millisecond; wait < 5*time.Second && answer.Status == 0 && ctx.Err() == nil; wait *= 2 {
		t.note(asked, harness.OK)
		time.Sleep(wait)
		answer = t.world.gw.AskContext(ctx, a)
	}
	return answer
}

// lastingAsk is the request for a stream of half the soak. In the dialect where
// an answer's length has to be bounded it is given room for all of its words.
func (p plan) lastingAsk(d harness.Dialect) harness.Ask {
	ask := harness.Ask{Dialect: d, Stream: true, Model: "lasting/m"}
	if d == harness.Messages {
		ask.More = map[string]any{"max_tokens": 2 * p.words()}
	}
	return ask
}

// last opens streams that last half the soak, one after the other. Those that
// could not end in time are not begun.
func (t *traffic) last(ctx context.Context, i int) {
	begun := time.Now()
	time.Sleep(time.Duration(i) * 20 * time.Millisecond)
	for ctx.Err() == nil && time.Since(begun) < t.world.plan.length*3/4 {
		t.lasting.Add(1)
		ask := t.world.plan.lastingAsk(harness.Dialects[i%3])
		patience, cancel := context.WithTimeout(context.Background(), t.world.plan.half()+2*time.Minute)
		a := t.ask(patience, ask)
		cancel()
		t.note(long, a.Outcome(t.world.plan.words()))
		t.lasting.Add(-1)
	}
}

// crawl reads a kilobyte a second of a stream without end, for half a minute at
// a time, with little room in its own buffers, and then hangs up.
func (t *traffic) crawl(ctx context.Context) {
	for ctx.Err() == nil {
		if err := t.crawlOnce(ctx); err != nil {
			t.note(slow, harness.Outcome("LOST: "+err.Error()))
			time.Sleep(time.Second)
			continue
		}
		t.note(slow, harness.OK)
	}
}

func (t *traffic) crawlOnce(ctx context.Context) error {
	host := strings.TrimPrefix(t.world.gw.URL, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	body := `{"model":"endless/m","stream":true,"max_tokens":99999,"messages":[{"role":"user","content":"hi"}]}`
	if _, err := fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	buf := make([]byte, 256)
	for range 120 {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Minute)) // TCP itself waits long for a window this small
		if _, err := c.Read(buf); err != nil {
			return fmt.Errorf("reading slowly: %w", err)
		}
	}
	return nil
}

// drop opens streams twice a second and hangs up in the middle.
func (t *traffic) drop(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.group.Go(func() {
			life, hang := context.WithTimeout(context.Background(), time.Second)
			defer hang()
			s := t.world.gw.OpenContext(life, harness.Ask{Dialect: harness.Dialects[i%3], Stream: true, Model: "lasting/m"})
			defer s.Close()
			for range 3 {
				s.Next()
			}
			t.note(hangUp, harness.OK)
		})
	}
}

// faults are what the flaky upstreams do, in turn. Each strikes three requests.
var faults = [...]string{
	"429;retry-after=1", "500", "reset", "503", "cut", "529", "close", "error-mid", "malformed", "stall;for=1s", "502", "truncated",
	"error-first", "html", "cut-rst", "empty", "hang;for=1s", "429", "error-200", "cut-event", "pings;for=2s;every=100ms", "gzip-corrupt", "reset-headers", "length-long",
}

// trouble makes something go wrong every second, and wakes the keys now and then
// so that the next fault meets somebody.
func (t *traffic) trouble(ctx context.Context) {
	tick := time.NewTicker(faultEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		step := simulator.Fail(faults[i%len(faults)])
		step.Times = 3
		t.world.flaky[i/2%2].Script(simulator.Selector{Model: "m"}, step)
		t.mu.Lock()
		t.faults++
		t.mu.Unlock()
		if i%20 == 19 {
			t.wake()
		}
	}
}

// wake ends all rests of the flaky upstreams' keys.
func (t *traffic) wake() {
	for _, key := range []string{"one/k1", "one/k2", "one/k3", "two/k1", "two/k2", "two/k3"} {
		_ = post(t.world.gw.Admin + "/aimux/keys/" + key + "/reset")
	}
}
