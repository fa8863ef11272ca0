package caddymodule

import (
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/usage"
)

func TestServices_WhatTheLedgerKeepsIsChangedUnderAStreamAndNoRowIsLost(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	text := func(days, bytes string) string {
		return "version: 1\nusage:\n  retention_days: " + days + "\n  max_size: " + days + "GB\n  capture: true\n  capture_days: " + days + "\n  capture_bytes: " + bytes + "\n"
	}
	app := serveFile(t, t.TempDir(), text("30", "1000"))
	defer app.shutDown()
	stream := app.live.use()
	before := stream.services
	before.ledger.Record(usage.Exchange{ID: "req_1", Start: time.Now()})
	if err := before.ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	app.change(t, text("7", "2000"))
	after := app.live.now().services
	after.ledger.Record(usage.Exchange{ID: "req_2", Start: time.Now()})
	if err := after.ledger.Flush(t.Context()); err != nil {
		t.Errorf("while a stream is open: %v", err)
	}
	before.ledger.Record(usage.Exchange{ID: "req_3", Start: time.Now()})
	stream.release()
	if err := after.ledger.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if h := after.ledger.Health(); h.Rows != 3 || h.Dropped != 0 {
		t.Errorf("%d rows of 3, %d lost", h.Rows, h.Dropped)
	}
	if before.capture != after.capture || after.capture.Longest() != 2000 {
		t.Errorf("texts are kept to %d bytes, or by another capture", after.capture.Longest())
	}
}
