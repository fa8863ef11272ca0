package console

import (
	"context"
	"hash/maphash"
	"time"
)

// pump turns what the Feed was told into messages. One runs while any console
// is open.
type pump struct {
	feed *Feed
	// sent holds a hash of what was last told of each provider, so that only
	// changes are told.
	sent  map[string]uint64
	ticks int
	from  int // where the next sweep begins
}

var pumpSeed = maphash.MakeSeed()

// sweepEvery is how many seconds pass between looks at providers nobody told
// of: rests that ended by themselves, changes from the command line.
const sweepEvery = 5

func (p *pump) run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	p.tick(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-p.feed.ended:
			p.send("request", endedRequest{r, p.feed.skipped.Swap(0)})
		case m := <-p.feed.news:
			p.send(m.Type, m.Data)
		case <-ticker.C:
			p.tick(ctx)
		}
	}
}

// endedRequest is a request that ended, and how many before it were not told.
type endedRequest struct {
	Request
	Skipped int64 `json:"skipped"`
}

// send writes a message out, once for all consoles.
func (p *pump) send(kind string, data any) {
	text, err := asJSON(message{kind, data})
	if err != nil {
		p.feed.log.Error("console feed: a message cannot be written", "type", kind, "error", err)
		return
	}
	p.feed.broadcast(frame{kind, text})
}

// tick is what happens every second.
func (p *pump) tick(ctx context.Context) {
	p.feed.budget.Store(requestsPerSecond)
	p.metrics(ctx)
	room := providersPerSecond
	for _, id := range p.feed.takeDirty(room) {
		if v, _, err := p.feed.providers.Get(ctx, id); err == nil {
			room -= p.provider(v)
		}
	}
	if p.ticks%sweepEvery == 0 {
		p.sweep(ctx, room)
	}
	p.ticks++
}

// metricsNews is the figures of the last minute and the two newest points of
// the charts: what happened since the last news may belong to a step that is
// over by now.
type metricsNews struct {
	Figures
	Previous point `json:"previous"`
	Point    point `json:"point"`
}

// point is one column of History.
type point struct {
	Time     int64    `json:"time"` // unix seconds
	Requests *float64 `json:"requests"`
	Failures *float64 `json:"failures"`
	TTFTP50  *float64 `json:"ttft_p50_ms"`
	TTFTP95  *float64 `json:"ttft_p95_ms"`
	In       *float64 `json:"tokens_in"`
	Out      *float64 `json:"tokens_out"`
	Cost     *float64 `json:"cost_microusd"`
	InFlight *float64 `json:"in_flight"`
}

type pingNews struct {
	Now Time `json:"now"`
}

func (p *pump) metrics(ctx context.Context) {
	f, err := p.feed.metrics.Now(ctx, time.Minute)
	if err == nil {
		var h History
		if h, err = p.feed.metrics.History(ctx, time.Hour); err == nil {
			f.Window = "1m"
			p.send("metrics", metricsNews{f, h.back(1), h.back(0)})
			return
		}
	}
	// Silence would look like a dead feed.
	p.send("ping", pingNews{At(p.feed.now())})
}

// provider tells of a provider if it changed since it was last told of, and
// returns the number of messages.
func (p *pump) provider(v Provider) int {
	text, err := asJSON(message{"provider", v})
	if err != nil {
		return 0
	}
	sum := maphash.Bytes(pumpSeed, text)
	if last, ok := p.sent[v.ID]; ok && last == sum {
		return 0
	}
	p.sent[v.ID] = sum
	p.feed.broadcast(frame{"provider", text})
	return 1
}

// sweep looks at all providers in turn, a few hundred at a time, and tells of
// at most room of them.
func (p *pump) sweep(ctx context.Context, room int) {
	const most = 200
	all, err := p.feed.providers.List(ctx)
	if err != nil || len(all) == 0 {
		return
	}
	if len(p.sent) > 2*len(all)+most {
		clear(p.sent) // of providers that are gone
	}
	for range min(most, len(all)) {
		if room <= 0 {
			return
		}
		p.from %= len(all)
		room -= p.provider(all[p.from])
		p.from++
	}
}
