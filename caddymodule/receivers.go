package caddymodule

import (
	"fmt"
	"maps"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/traces"
)

// openReceivers makes what sends traces and alerts elsewhere. Nothing is sent
// before the app has started.
func (b *builder) openReceivers() error {
	if err := b.openTraces(); err != nil {
		return err
	}
	return b.openWebhook()
}

// openTraces makes the tracer, if traces are to be sent anywhere. It is the
// runtime's own, and ends with the runtime's last exchange.
func (b *builder) openTraces() error {
	t := b.config.Telemetry
	if t.Traces == "" {
		return nil
	}
	headers := map[string]string{}
	for name, ref := range t.TraceHeaders {
		value, err := b.runtime.services.fetch(ref)
		if err != nil {
			return fmt.Errorf("telemetry.trace_headers.%s: %w", name, err)
		}
		headers[name] = value
	}
	ratio := t.TraceSample
	if ratio == 0 {
		ratio = -1 // none, in the tracer's terms
	}
	tracer, err := traces.New(traces.Options{
		Endpoint: t.Traces, Headers: headers, Ratio: ratio, Service: t.Service, Version: Version, Kinds: maps.Clone(b.runtime.kinds), Logger: b.logger,
		Counts: share(b.runtime, "traces", func() *traces.Counts { return new(traces.Counts) }),
	})
	if err != nil {
		return fmt.Errorf("telemetry.traces: %w", err)
	}
	b.runtime.tracer = tracer
	b.runtime.deliveries = append(b.runtime.deliveries, tracer.State)
	return nil
}

// trace tells a provider which trace an attempt belongs to; nil: it is not told.
func (b *builder) trace() func(*gateway.Record) string {
	if b.runtime.tracer == nil || !b.config.Telemetry.Propagate {
		return nil
	}
	return b.runtime.tracer.Upstream
}

// openWebhook makes the webhook of the alerts, if there is one. What waits in it
// goes to the receiver of the configuration in force.
func (b *builder) openWebhook() error {
	a := b.config.Alerts
	if a.Webhook == "" {
		return nil
	}
	o := alert.WebhookOptions{URL: a.Webhook, Logger: b.logger}
	if a.WebhookSecret.Scheme != "" {
		text, err := b.runtime.services.fetch(a.WebhookSecret)
		if err != nil {
			return fmt.Errorf("alerts.webhook_secret: %w", err)
		}
		o.Secret = []byte(text)
	}
	made, err := alert.NewWebhook(o)
	if err != nil {
		return fmt.Errorf("alerts.webhook: %w", err)
	}
	hook := share(b.runtime, "webhook", func() *alert.Webhook { return made })
	b.runtime.hook, b.runtime.receiver = hook, o
	b.runtime.deliveries = append(b.runtime.deliveries, hook.State)
	return nil
}
