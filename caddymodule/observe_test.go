package caddymodule

import (
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/prometheus/client_golang/prometheus"
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

func TestMetrics_ModelsNobodyConfiguredShareALabelAndCountersSurviveReloads(t *testing.T) {
	labels := func() map[string]float64 {
		registry := prometheus.NewPedanticRegistry() // as Caddy makes one for each configuration
		o := &observer{ring: newRing(1), metrics: newMetrics(registry), targets: map[string]bool{"p/known": true}}
		for _, model := range []string{"known", "made-up-1", "made-up-2"} {
			o.Observe(&gateway.Record{Provider: "p", Target: model, TTFT: time.Second, Attempts: []gateway.Attempt{{Provider: "p", Model: model, Reason: "ok"}}})
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, f := range families {
			if f.GetName() != "caddy_aimux_attempts_total" {
				continue
			}
			for _, m := range f.GetMetric() {
				values := map[string]string{}
				for _, l := range m.GetLabel() {
					values[l.GetName()] = l.GetValue()
				}
				if values["provider"] == "p" {
					out[values["model"]] += m.GetCounter().GetValue()
				}
			}
		}
		return out
	}
	first := labels()
	if len(first) != 2 || first["known"] != 1 || first["other"] != 2 {
		t.Errorf("models %v", first)
	}
	if second := labels(); second["known"] != 2 || second["other"] != 4 {
		t.Errorf("after a reload: %v", second)
	}
}
