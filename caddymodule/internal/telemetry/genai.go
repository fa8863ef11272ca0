package telemetry

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/prometheus/client_golang/prometheus"
)

// genAI are the metrics of OpenTelemetry's semantic conventions for generative
// AI, version 1.41, spelled for Prometheus: dots are underscores, a unit is a
// suffix. The bounds are those the conventions ask for.
type genAI struct {
	tokens, duration, ttft, perToken *prometheus.HistogramVec
}

func newGenAI() genAI {
	labels := []string{"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"}
	vec := func(name, help string, bounds []float64, more ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, append(labels[:len(labels):len(labels)], more...))
	}
	return genAI{
		tokens: vec("gen_ai_client_token_usage", "Input and output tokens of an operation.",
			prometheus.ExponentialBuckets(1, 4, 14), "gen_ai_token_type"),
		duration: vec("gen_ai_client_operation_duration_seconds", "Duration of an operation.",
			prometheus.ExponentialBuckets(0.01, 2, 14), "error_type"),
		ttft: vec("gen_ai_server_time_to_first_token_seconds", "Time to the first token of an answer.",
			[]float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}),
		perToken: vec("gen_ai_server_time_per_output_token_seconds", "Time from one output token to the next.",
			[]float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}),
	}
}

func (g *genAI) collectors() []prometheus.Collector {
	return []prometheus.Collector{g.tokens, g.duration, g.ttft, g.perToken}
}

// genAIHandles are a target's series, by operation.
type genAIHandles [2]struct {
	tokens                   [2]lazy[prometheus.Observer]
	duration, ttft, perToken lazy[prometheus.Observer]
}

// operations are the names of what aimux does in the conventions.
var operations = [...]string{"chat", "embeddings"}

// Operation returns the conventions' name of what an exchange did, "chat" or
// "embeddings"; empty: it did not ask a model for anything.
func Operation(call string) string {
	if i := operationOf(call); i >= 0 {
		return operations[i]
	}
	return ""
}

func operationOf(call string) int {
	switch {
	case strings.HasSuffix(call, "_tokens"):
		return -1
	case strings.HasSuffix(call, "/embeddings"):
		return 1
	}
	return 0
}

// System returns the conventions' name of a kind of provider: theirs where
// they have one, else the catalogue's.
func System(kind string) string {
	switch kind {
	case "":
		return other
	case "xai":
		return "x_ai"
	case "mistral":
		return "mistral_ai"
	case "gemini", "google":
		return "gcp.gemini"
	}
	return kind
}

func (r *Recorder) genAI(t *targetHandles, x *gateway.Record) {
	op := operationOf(x.Call)
	if op < 0 {
		return
	}
	h, g, name := &t.genAI[op], &r.metrics.genAI, operations[op]
	for kind, n := range [...]int{x.Usage.Input, x.Usage.Output} {
		if n > 0 && !x.Estimated { // the conventions want what is billed, or nothing
			h.tokens[kind].get(func() prometheus.Observer {
				return g.tokens.WithLabelValues(name, t.system, t.model, kinds[kind])
			}).Observe(float64(n))
		}
	}
	if x.Class != llm.ClassNone {
		g.duration.WithLabelValues(name, t.system, t.model, x.Class.String()).Observe(x.Duration.Seconds())
		return
	}
	h.duration.get(func() prometheus.Observer { return g.duration.WithLabelValues(name, t.system, t.model, "") }).Observe(x.Duration.Seconds())
	if x.TTFT > 0 {
		h.ttft.get(func() prometheus.Observer { return g.ttft.WithLabelValues(name, t.system, t.model) }).Observe(x.TTFT.Seconds())
	}
	if gap, ok := interToken(x); ok {
		h.perToken.get(func() prometheus.Observer { return g.perToken.WithLabelValues(name, t.system, t.model) }).Observe(gap.Seconds())
	}
}
