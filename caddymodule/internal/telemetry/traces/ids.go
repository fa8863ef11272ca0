package traces

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"go.opentelemetry.io/otel/trace"
)

// place is where an exchange stands in a trace. All of it follows from the
// exchange's id and the request's traceparent, so that the header sent to a
// provider and the spans made afterwards agree without anything being kept in
// between.
type place struct {
	trace   trace.TraceID
	parent  trace.SpanContext // of the client; invalid without one
	sampled bool
}

// placeOf reads the request's traceparent. A client that has decided whether
// its trace is recorded is followed; else ratio decides, by the trace id.
func placeOf(r *gateway.Record, ratio float64) place {
	if parent, ok := parse(r.Traceparent); ok {
		return place{trace: parent.TraceID(), parent: parent, sampled: parent.IsSampled()}
	}
	var p place
	sum := sha256.Sum256([]byte("trace\x00" + r.ID))
	copy(p.trace[:], sum[:])
	p.sampled = chosen(p.trace, ratio)
	return p
}

// chosen reports whether a share of ratio of all trace ids contains this one,
// as OpenTelemetry's TraceIdRatioBased sampler does.
func chosen(id trace.TraceID, ratio float64) bool {
	return binary.BigEndian.Uint64(id[8:16])>>1 < uint64(max(0, min(ratio, 1))*(1<<63))
}

// parse reads a traceparent of W3C Trace Context, section 3.2.
func parse(header string) (trace.SpanContext, bool) {
	var none trace.SpanContext
	if len(header) < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return none, false
	}
	version, ok := octet(header[:2])
	if !ok || version == 0xff || version == 0 && len(header) != 55 || len(header) > 55 && header[55] != '-' {
		return none, false
	}
	id, err := trace.TraceIDFromHex(header[3:35])
	if err != nil {
		return none, false
	}
	span, err := trace.SpanIDFromHex(header[36:52])
	if err != nil {
		return none, false
	}
	flags, ok := octet(header[53:55])
	if !ok {
		return none, false
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags) & trace.FlagsSampled, Remote: true,
	}), true
}

// octet reads two lower-case hexadecimal digits.
func octet(s string) (byte, bool) {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, false
		}
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 1 {
		return 0, false
	}
	return b[0], true
}

// The kinds of spans an exchange has.
const (
	exchangeSpan    = 'x'
	attemptSpan     = 'a'
	translationSpan = 't'
)

// spanID is the id of a span of an exchange: of the nth of its kind.
func spanID(exchange string, kind byte, n int) trace.SpanID {
	sum := sha256.Sum256(append(append([]byte("span\x00"), exchange...), 0, kind, byte(n>>8), byte(n)))
	id := trace.SpanID(sum[:8])
	if !id.IsValid() {
		id[0] = 1
	}
	return id
}

// ids hands the SDK the ids that the context holds.
type ids struct{}

type wanted struct {
	trace trace.TraceID
	span  trace.SpanID
}

type wantedKey struct{}

func withIDs(ctx context.Context, t trace.TraceID, s trace.SpanID) context.Context {
	return context.WithValue(ctx, wantedKey{}, wanted{t, s})
}

// NewIDs returns the ids for the first span of a trace.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	w, _ := ctx.Value(wantedKey{}).(wanted)
	return w.trace, w.span
}

// NewSpanID returns the id for a further one.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	w, _ := ctx.Value(wantedKey{}).(wanted)
	return w.span
}
