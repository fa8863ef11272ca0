package telemetry

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/prometheus/client_golang/prometheus"
)

// Recorder counts the exchanges of one configuration in Metrics. It is safe for
// concurrent use and never blocks.
type Recorder struct {
	metrics   *Metrics
	providers map[string]*providerHandles
	targets   map[Scope]*targetHandles
	clients   map[string]*clientHandles

	nowhere  *providerHandles // no provider answered
	unknown  *providerHandles
	anything *targetHandles
}

// Observe counts an exchange that ended.
func (r *Recorder) Observe(x *gateway.Record) {
	p := r.provider(x.Provider)
	r.ended(p, x)
	r.transferred(p, x)
	r.client(x)
	for i := range x.Attempts {
		r.attempt(&x.Attempts[i])
		if x.Attempts[i].Billable && i+1 < len(x.Attempts) {
			r.billedTwice(&x.Attempts[i])
		}
	}
	if x.Provider == "" {
		return
	}
	t := r.target(x.Provider, x.Target)
	r.timed(t, x)
	r.spent(t, x)
	r.genAI(t, x)
}

func (r *Recorder) provider(name string) *providerHandles {
	if name == "" {
		return r.nowhere
	}
	if p := r.providers[name]; p != nil {
		return p
	}
	return r.unknown
}

func (r *Recorder) target(provider, model string) *targetHandles {
	if t := r.targets[Scope{provider, model}]; t != nil {
		return t
	}
	if t := r.targets[Scope{provider, other}]; t != nil {
		return t
	}
	return r.anything
}

// dialectOf numbers the dialects; -1: none of them.
func dialectOf(d llm.Dialect) int {
	switch d {
	case llm.Anthropic:
		return 0
	case llm.OpenAI:
		return 1
	case llm.Responses:
		return 2
	}
	return -1
}

func (r *Recorder) ended(p *providerHandles, x *gateway.Record) {
	well, code := x.Class == llm.ClassNone && x.Reason == "ok", codeOf(x.Reason)
	if d := dialectOf(x.Dialect); d >= 0 && well {
		p.requests[d].get(func() prometheus.Counter {
			return r.metrics.requests.WithLabelValues(string(x.Dialect), p.name, "ok")
		}).Inc()
	} else {
		r.metrics.requests.WithLabelValues(string(x.Dialect), p.name, code).Inc()
	}
	switch {
	case !x.Stream:
	case well:
		p.streams.get(func() prometheus.Counter { return r.metrics.streamEnds.WithLabelValues(p.name, "ok") }).Inc()
	default:
		r.metrics.streamEnds.WithLabelValues(p.name, code).Inc()
	}
}

func (r *Recorder) transferred(p *providerHandles, x *gateway.Record) {
	if x.BytesIn > 0 {
		p.in.get(func() prometheus.Counter { return r.metrics.bytes.WithLabelValues(p.name, "in") }).Add(float64(x.BytesIn))
	}
	if x.Bytes > 0 {
		p.out.get(func() prometheus.Counter { return r.metrics.bytes.WithLabelValues(p.name, "out") }).Add(float64(x.Bytes))
	}
}

func (r *Recorder) attempt(a *gateway.Attempt) {
	t := r.target(a.Provider, a.Model)
	if a.Class == llm.ClassNone && a.Reason == "ok" {
		t.attempts.get(func() prometheus.Counter {
			return r.metrics.attempts.WithLabelValues(t.provider, t.model, "ok", "ok")
		}).Inc()
		return
	}
	r.metrics.attempts.WithLabelValues(t.provider, t.model, a.Class.String(), codeOf(a.Reason)).Inc()
}

// billedTwice counts an attempt that may be charged for beside the one after it.
func (r *Recorder) billedTwice(a *gateway.Attempt) {
	t := r.target(a.Provider, a.Model)
	r.metrics.twice.WithLabelValues(t.provider, t.model).Inc()
}

func (r *Recorder) timed(t *targetHandles, x *gateway.Record) {
	if x.TTFT > 0 {
		t.ttft.get(func() prometheus.Observer { return r.metrics.ttft.WithLabelValues(t.provider, t.model) }).Observe(x.TTFT.Seconds())
	}
	t.seconds.get(func() prometheus.Observer { return r.metrics.duration.WithLabelValues(t.provider, t.model) }).Observe(x.Duration.Seconds())
	if gap, ok := interToken(x); ok {
		t.inter.get(func() prometheus.Observer { return r.metrics.interToken.WithLabelValues(t.provider, t.model) }).Observe(gap.Seconds())
	}
}

// interToken is the mean time from one output token of a stream to the next.
func interToken(x *gateway.Record) (time.Duration, bool) {
	if !x.Stream || x.Estimated || x.TTFT <= 0 || x.Duration <= x.TTFT || x.Usage.Output < 2 {
		return 0, false
	}
	return (x.Duration - x.TTFT) / time.Duration(x.Usage.Output-1), true
}

func (r *Recorder) spent(t *targetHandles, x *gateway.Record) {
	source := 0
	if !x.Usage.Known || x.Estimated {
		source = 1
	}
	u := &x.Usage
	for kind, n := range [...]int{u.Input, u.Output, u.CacheRead, u.CacheWrite, u.Reasoning} {
		if n <= 0 {
			continue
		}
		t.tokens[source][kind].get(func() prometheus.Counter {
			return r.metrics.tokens.WithLabelValues(t.provider, t.model, kinds[kind], sources[source])
		}).Add(float64(n))
	}
	if x.Cost > 0 {
		t.cost.get(func() prometheus.Counter { return r.metrics.cost.WithLabelValues(t.provider, t.model) }).Add(dollars(x.Cost))
	}
}

// dollars turns micro-dollars into dollars.
func dollars(micro int64) float64 { return float64(micro) / 1e6 }

func (r *Recorder) client(x *gateway.Record) {
	name := x.Client
	if name == "" {
		name = "none"
	}
	c := r.clients[name]
	if c == nil {
		c = r.clients[other]
	}
	class := exchangeClass(x)
	if class == llm.ClassNone {
		c.requests.get(func() prometheus.Counter { return r.metrics.clientRequests.WithLabelValues(c.name, "ok") }).Inc()
	} else {
		r.metrics.clientRequests.WithLabelValues(c.name, class.String()).Inc()
	}
	for kind, n := range [...]int{x.Usage.Input, x.Usage.Output} {
		if n > 0 {
			c.tokens[kind].get(func() prometheus.Counter { return r.metrics.clientTokens.WithLabelValues(c.name, kinds[kind]) }).Add(float64(n))
		}
	}
	if x.Cost > 0 {
		c.cost.get(func() prometheus.Counter { return r.metrics.clientCost.WithLabelValues(c.name) }).Add(dollars(x.Cost))
	}
}
