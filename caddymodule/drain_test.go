package caddymodule

import (
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestHandle_AConfigurationThatLeavesTellsConnectionsToClose(t *testing.T) {
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	h := &Handler{live: app.live}
	connection := func() string {
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil), nil); err != nil || w.Code != 200 {
			t.Fatal(err, w.Code)
		}
		return w.Header().Get("Connection")
	}
	if got := connection(); got != "" {
		t.Errorf("Connection: %q while nothing ends", got)
	}
	for range 2 { // Caddy may say it more than once
		if err := app.Handle(t.Context(), caddy.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := connection(); got != "close" {
		t.Errorf("Connection: %q once the configuration leaves, want close", got)
	}
}
