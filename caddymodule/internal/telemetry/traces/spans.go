package traces

import (
	"context"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxName is how much of a name that a client made up is passed on.
const maxName = 120

// spans makes the spans of an exchange.
//
// The names are those of OpenTelemetry's conventions for generative AI and for
// HTTP, version 1.41; gen_ai.system is the older name of gen_ai.provider.name.
// What the conventions do not know begins with aimux. Prompts, answers, session
// ids and messages of providers stay out.
func (t *Tracer) spans(r *gateway.Record) {
	p := placeOf(r, t.o.Ratio)
	ctx := context.Background()
	if p.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, p.parent)
	}
	ctx, span := t.tracer.Start(withIDs(ctx, p.trace, spanID(r.ID, exchangeSpan, 0)), "POST "+r.Call,
		trace.WithTimestamp(r.Start), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(t.ofExchange(r)...))
	for i := range r.Attempts {
		t.attempt(ctx, r, i, p)
	}
	if r.TTFT > 0 {
		span.AddEvent("first token", trace.WithTimestamp(r.Start.Add(r.TTFT)))
	}
	if r.Class != llm.ClassNone {
		span.SetAttributes(attribute.String("error.type", r.Reason))
	}
	if r.Class != llm.ClassNone && r.Class != llm.ClassCanceled && !r.Class.ClientFault() {
		span.SetStatus(codes.Error, r.Reason)
	}
	span.End(trace.WithTimestamp(r.Start.Add(r.Duration)))
}

func (t *Tracer) ofExchange(r *gateway.Record) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", "POST"), attribute.String("http.route", r.Call),
		attribute.String("gen_ai.request.model", clip(r.Model)), attribute.Bool("gen_ai.request.stream", r.Stream),
		attribute.String("aimux.request_id", r.ID), attribute.String("aimux.dialect", string(r.Dialect)),
		attribute.Int("aimux.attempts", len(r.Attempts)), attribute.String("aimux.code", r.Reason),
		attribute.Int64("aimux.bytes_in", r.BytesIn), attribute.Int64("aimux.bytes_out", r.Bytes),
	}
	if r.Status != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", r.Status))
	}
	if op := telemetry.Operation(r.Call); op != "" {
		attrs = append(attrs, attribute.String("gen_ai.operation.name", op))
	}
	for _, named := range [...]struct{ name, value string }{{"aimux.client", r.Client}, {"aimux.team", r.Team}} {
		if named.value != "" {
			attrs = append(attrs, attribute.String(named.name, named.value))
		}
	}
	if r.Provider == "" {
		return attrs
	}
	attrs = append(attrs, attribute.String("gen_ai.response.model", r.Target), attribute.Int64("aimux.cost_microusd", r.Cost))
	attrs = append(attrs, t.system(r.Provider)...)
	return append(attrs, usage(r)...)
}

// system names a provider, by the conventions and by the configuration.
func (t *Tracer) system(provider string) []attribute.KeyValue {
	name := telemetry.System(t.o.Kinds[provider])
	return []attribute.KeyValue{
		attribute.String("gen_ai.provider.name", name), attribute.String("gen_ai.system", name),
		attribute.String("aimux.provider", provider),
	}
}

func usage(r *gateway.Record) []attribute.KeyValue {
	u := &r.Usage
	var attrs []attribute.KeyValue
	for _, one := range [...]struct {
		name string
		n    int
	}{
		{"gen_ai.usage.input_tokens", u.Input}, {"gen_ai.usage.output_tokens", u.Output},
		{"gen_ai.usage.cache_read.input_tokens", u.CacheRead}, {"gen_ai.usage.cache_creation.input_tokens", u.CacheWrite},
		{"gen_ai.usage.reasoning.output_tokens", u.Reasoning},
	} {
		if one.n > 0 {
			attrs = append(attrs, attribute.Int(one.name, one.n))
		}
	}
	if r.Estimated {
		attrs = append(attrs, attribute.Bool("aimux.usage_estimated", true))
	}
	return attrs
}

// attempt makes the span of one attempt, and that of its translation if there
// was one.
func (t *Tracer) attempt(ctx context.Context, r *gateway.Record, i int, p place) {
	a := &r.Attempts[i]
	op := telemetry.Operation(r.Call)
	if op == "" {
		op = "count_tokens"
	}
	began := r.Start.Add(a.Start)
	attrs := append(t.system(a.Provider),
		attribute.String("gen_ai.operation.name", op), attribute.String("gen_ai.request.model", a.Model),
		attribute.String("aimux.key", a.Key), attribute.String("aimux.dialect", string(a.Dialect)), attribute.Int("aimux.attempt", i+1))
	if a.Status != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", a.Status))
	}
	answered := i == len(r.Attempts)-1 && a.Provider == r.Provider && a.Model == r.Target
	if answered {
		attrs = append(attrs, attribute.String("gen_ai.response.model", a.Model))
		attrs = append(attrs, usage(r)...)
	}
	ctx, span := t.tracer.Start(withIDs(ctx, p.trace, spanID(r.ID, attemptSpan, i)), op+" "+a.Model,
		trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	if a.Dialect != r.Dialect {
		t.translation(ctx, r, i, p, began)
	}
	if a.TTFT > 0 {
		span.AddEvent("first token", trace.WithTimestamp(began.Add(a.TTFT)))
	}
	if a.Class != llm.ClassNone {
		span.SetAttributes(attribute.String("error.type", a.Reason), attribute.String("aimux.class", a.Class.String()))
		if a.Code != "" {
			span.SetAttributes(attribute.String("aimux.vendor_code", clip(a.Code)))
		}
	}
	if a.Class != llm.ClassNone && a.Class != llm.ClassCanceled {
		span.SetStatus(codes.Error, a.Reason)
	}
	span.End(trace.WithTimestamp(began.Add(a.Duration)))
}

// translation says between which dialects the request was translated and what
// that left out.
func (t *Tracer) translation(ctx context.Context, r *gateway.Record, i int, p place, began time.Time) {
	a := &r.Attempts[i]
	_, span := t.tracer.Start(withIDs(ctx, p.trace, spanID(r.ID, translationSpan, i)), "translate "+string(r.Dialect)+" to "+string(a.Dialect),
		trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(
			attribute.String("aimux.dialect.from", string(r.Dialect)), attribute.String("aimux.dialect.to", string(a.Dialect)),
			attribute.StringSlice("aimux.dropped", a.Dropped)))
	span.End(trace.WithTimestamp(began.Add(a.Encode)))
}

// clip shortens a name that is not ours, between runes.
func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	end := 0
	for i := range s {
		if i > maxName {
			break
		}
		end = i
	}
	return s[:end]
}
