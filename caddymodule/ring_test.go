package caddymodule

import (
	"net/http/httptest"
	"strings"
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

func TestRing_TakesAnotherSizeAndKeepsTheNewest(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 5, 9} {
		r := newRing(3)
		for _, id := range []string{"1", "2", "3", "4"} {
			r.add(gateway.Record{ID: id})
		}
		r.resize(size)
		want := "432"[:min(size, 3)]
		if got := ids(r); got != want {
			t.Errorf("of 3 made %d: %q, want %q", size, got, want)
		}
		r.add(gateway.Record{ID: "5"})
		if want = ("5" + want)[:min(size, 4)]; ids(r) != want {
			t.Errorf("of 3 made %d, then one more: %q, want %q", size, ids(r), want)
		}
	}
}

func ids(r *ring) (out string) {
	for _, record := range r.last(10) {
		out += record.ID
	}
	return out
}

func TestRing_OutlivesReloadsAndChangesWithoutHoldingTheirKeys(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	before, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rt := before.live.now()
	ask(t, before)
	if len(rt.recent.last(5)) != 1 || rt.recent.last(1)[0].Plan.Targets[0].Health == nil {
		t.Fatalf("recorded: %+v", rt.recent.last(5))
	}
	decided := rt.recent.last(1)[0].Plan.Candidates[0]

	after, err := provision(t, "") // as Caddy reloads: the new one first
	if err != nil {
		t.Fatal(err)
	}
	before.Cleanup()
	if err := after.apply(); err != nil {
		t.Fatal(err)
	}
	ask(t, after)
	records := after.live.now().recent.last(5)
	if len(records) != 2 {
		t.Fatalf("%d records after a reload and a change, want 2", len(records))
	}
	kept := records[1].Plan
	if got := kept.Candidates[0]; got.Target.ID != decided.Target.ID || got.Ready != decided.Ready || got.Tier != decided.Tier || kept.Targets[0] != got.Target {
		t.Errorf("the decision was %+v and is %+v", decided, got)
	}
	if kept.Targets[0].Keys != nil || kept.Targets[0].Health != nil {
		t.Error("a record of the former configuration holds its keys")
	}
	after.Cleanup()
	if _, held := learned.References("recent"); held {
		t.Error("the ring outlives the last configuration")
	}
}

// ask sends the simulator a request through the app.
func ask(t *testing.T, app *App) {
	t.Helper()
	h := &Handler{live: app.live}
	w := httptest.NewRecorder()
	body := strings.NewReader(`{"model":"simulated","messages":[{"role":"user","content":"hi"}]}`)
	if err := h.ServeHTTP(w, httptest.NewRequest("POST", "http://127.0.0.1/v1/chat/completions", body), nil); err != nil || w.Code != 200 {
		t.Fatalf("%d %v: %s", w.Code, err, w.Body)
	}
}
