package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
)

func TestPinger_MeasuresProvidersInUseWithoutAKey(t *testing.T) {
	t.Setenv("AIMUX_TEST_KEY", "canary")
	app, err := provision(t, `{"version":1,"providers":{"cerebras":{}},"keys":[{"provider":"cerebras","secret":"env:AIMUX_TEST_KEY"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	var requests []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r)
		w.WriteHeader(http.StatusUnauthorized) // any answer counts
	}))
	defer server.Close()
	app.live.now().providers[0].Vendor.Ping = server.URL
	p := newPinger(app.live.now())
	target := app.live.now().router.Targets()[0]

	p.round(t.Context())
	if len(requests) != 0 {
		t.Error("a provider nobody used was pinged")
	}
	target.Health.Begin(10, false).End(health.Outcome{})
	p.round(t.Context())
	if len(requests) != 1 || requests[0].Header.Get("Authorization") != "" || requests[0].Header.Get("X-Api-Key") != "" {
		t.Fatalf("%d pings, header %v", len(requests), requests)
	}
	if got := target.Health.Snapshot(time.Now()).Ping; got <= 0 {
		t.Errorf("ping %v", got)
	}
}
