package caddymodule

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/traces"
	"github.com/aimux/aimux/caddymodule/internal/usage"
)

// recorded is an exchange as most are: a stream of an agent, answered at once.
func recorded() *gateway.Record {
	return &gateway.Record{
		ID: "req_0123456789abcdef01234567", Start: time.Now(), Client: "ann", Team: "web", Dialect: llm.Anthropic, Call: "/v1/messages",
		Model: "coder", Stream: true, Session: "6f1d2c9e-0000-4000-8000-000000000001", Provider: "zai", Target: "glm",
		Usage: llm.Usage{Input: 20_000, Output: 700, CacheRead: 15_000, Known: true}, Cost: 9000, TTFT: 400 * time.Millisecond,
		Duration: 8 * time.Second, Status: 200, Reason: "ok", BytesIn: 90_000, Bytes: 30_000,
		Attempts: []gateway.Attempt{{Provider: "zai", Model: "glm", Key: "main", Dialect: llm.Anthropic, Status: 200, Reason: "ok", Duration: 8 * time.Second}},
	}
}

// BenchmarkObserve is what recording an exchange adds to it: the ring of the
// console, metrics, windows, the ledger, and all of them, without traces and
// with them. Every 400 the ledger writes what waits, off the clock, as it does in
// a tenth of a second of heavy traffic.
func BenchmarkObserve(b *testing.B) {
	names := telemetry.Names{
		Providers: []telemetry.Provider{{Name: "zai", Kind: "zai"}}, Targets: []telemetry.Scope{{Provider: "zai", Model: "glm"}}, Clients: []string{"ann"},
	}
	windows := telemetry.NewWindows(nil)
	windows.Configure(names)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	ledger, err := usage.Open(usage.Options{Path: filepath.Join(b.TempDir(), "usage.db"), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ledger.Close(context.Background()) }()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer sink.Close()
	tracer, err := traces.New(traces.Options{Endpoint: sink.URL, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { tracer.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()

	all := observers{newRing(256), telemetry.NewMetrics().For(names), windows, &consoles{}, ledger}
	for _, part := range []struct {
		name string
		to   observers
	}{
		{"ring", all[:1]}, {"metrics", all[1:2]}, {"windows", all[2:3]}, {"ledger", all[4:]}, {"traces", observers{tracer}},
		{"all", all}, {"all and traces", append(all[:len(all):len(all)], tracer)},
	} {
		b.Run(part.name, func(b *testing.B) {
			record, n := recorded(), 0
			b.ReportAllocs()
			for b.Loop() {
				part.to.Observe(record)
				if n++; n%400 == 0 {
					b.StopTimer()
					_ = ledger.Flush(ctx)
					b.StartTimer()
				}
			}
		})
	}
}
