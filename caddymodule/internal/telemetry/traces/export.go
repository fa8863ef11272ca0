package traces

import (
	"context"
	"errors"
	"net/url"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// lastWords is how long the spans that are left at the end may take.
const lastWords = 3 * time.Second

// Start has Run called until Close. Later calls do nothing.
func (t *Tracer) Start() {
	t.begun.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		t.cancel, t.done = cancel, make(chan struct{})
		go func() {
			defer close(t.done)
			t.Run(ctx)
		}()
	})
}

// Close ends what Start began, and waits until what is left is sent: three seconds
// at most. Exchanges observed later are dropped.
func (t *Tracer) Close() {
	t.begun.Do(func() {})
	if t.cancel != nil {
		t.cancel()
		<-t.done
		return
	}
	t.closed.Store(true)
	t.drop()
}

// Run sends what is queued until ctx ends, and what is left then. It must be
// called once.
func (t *Tracer) Run(ctx context.Context) {
	ticker := time.NewTicker(t.o.Every)
	defer ticker.Stop()
	defer t.finish()
	for {
		select {
		case r := <-t.queue:
			t.spans(r)
			if len(t.ended.spans) >= batch {
				t.export(ctx, t.o.Timeout)
			}
		case <-ticker.C:
			t.export(ctx, t.o.Timeout)
		case <-ctx.Done():
			return
		}
	}
}

// finish sends what is left and ends the exporter.
func (t *Tracer) finish() {
	t.closed.Store(true)
	for {
		select {
		case r := <-t.queue:
			t.spans(r)
			continue
		default:
		}
		break
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	t.export(ctx, lastWords)
	_ = t.exporter.Shutdown(ctx)
	_ = t.provider.Shutdown(ctx)
	if c, ok := t.o.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// export sends the spans that ended. Those that do not arrive are lost.
func (t *Tracer) export(ctx context.Context, patience time.Duration) {
	spans := t.ended.spans
	if len(spans) == 0 {
		return
	}
	t.ended.spans = nil
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := t.exporter.ExportSpans(ctx, spans)
	if err == nil {
		t.sent.Add(int64(len(spans)))
	} else {
		t.failed.Add(int64(len(spans)))
	}
	t.say(err)
}

// say logs when spans begin to get lost and when they arrive again: a collector
// that is dead for a day is worth one line.
func (t *Tracer) say(err error) {
	switch {
	case err != nil && !t.losing:
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		t.o.Logger.Warn("traces are lost", "host", t.host, "cause", err.Error())
	case err == nil && t.losing:
		t.o.Logger.Info("traces arrive again", "host", t.host, "lost", t.failed.Load())
	}
	t.losing = err != nil
}

// collector keeps the spans that ended. Only Run's goroutine makes spans.
type collector struct{ spans []sdk.ReadOnlySpan }

// OnStart does nothing.
func (*collector) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd keeps a span.
func (c *collector) OnEnd(s sdk.ReadOnlySpan) { c.spans = append(c.spans, s) }

// Shutdown does nothing: Run has sent what there was.
func (*collector) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing: Run sends.
func (*collector) ForceFlush(context.Context) error { return nil }

// Interface guard.
var _ sdk.SpanProcessor = (*collector)(nil)
