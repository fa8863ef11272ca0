package caddymodule

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
)

func TestRing_KeepsTheLastAndShowsTheNewestFirst(t *testing.T) {
	r := newRing(3)
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		r.add(gateway.Record{ID: id})
	}
	got := ""
	for _, record := range r.last(10) {
		got += record.ID
	}
	if got != "543" {
		t.Errorf("got %s", got)
	}
	none := newRing(0)
	none.add(gateway.Record{ID: "1"})
	if len(none.last(5)) != 0 {
		t.Error("a ring of none remembers")
	}
}
