package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
)

// inbox is a receiver of alerts that answers when it may.
type inbox struct {
	*httptest.Server
	got chan string // the ids
	may chan struct{}
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{got: make(chan string, 10), may: make(chan struct{}, 10)}
	in.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e alert.Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		in.got <- e.ID
		select {
		case <-in.may:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(in.Close)
	return in
}

func TestReceivers_AlertsThatWaitForTheWebhookOutliveAChange(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	first, second := newInbox(t), newInbox(t)
	text := func(in *inbox, queue string) string {
		return "version: 1\nlimits:\n  queue: " + queue + "\nalerts:\n  webhook: \"" + in.URL + "\"\n"
	}
	app := serveFile(t, t.TempDir(), text(first, "3"))
	defer app.shutDown()
	for _, id := range []string{"1", "2", "3"} {
		app.live.now().hook.Deliver(alert.Event{ID: id})
	}
	arrives := func(in *inbox, want string) {
		t.Helper()
		if got := <-in.got; got != want {
			t.Fatalf("event %s arrives, want %s", got, want)
		}
	}
	arrives(first, "1")
	app.change(t, text(first, "4"))
	first.may <- struct{}{}
	arrives(first, "2")
	app.change(t, text(second, "4"))
	first.may <- struct{}{}
	arrives(second, "3")
	second.may <- struct{}{}
	app.live.now().hook.Deliver(alert.Event{ID: "4"})
	arrives(second, "4")
	if got, want := app.live.now().hook.State(), (telemetry.DeliveryState{To: "webhook", Sent: 3}); got != want {
		t.Errorf("state %+v, want %+v", got, want)
	}
	second.may <- struct{}{}
}

func TestReceivers_TracesOfExchangesThatOutliveAChangeAreSent(t *testing.T) {
	noKeys(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer server.Close()
	text := func(service string) string {
		return "version: 1\ntelemetry:\n  traces: \"" + server.URL + "\"\n  service: " + service + "\n"
	}
	app := serveFile(t, t.TempDir(), text("one"))
	defer app.shutDown()
	exchange := func() {
		app.live.now().tracer.Observe(&gateway.Record{ID: "req_1", Start: time.Now(), Call: "/v1/messages"})
	}
	sent := func(want int64) {
		t.Helper()
		if got := app.live.now().tracer.State(); got != (telemetry.DeliveryState{To: "traces", Sent: want}) {
			t.Fatalf("%+v, want %d sent", got, want)
		}
	}
	stream := app.live.use()
	exchange()
	app.change(t, text("two"))
	stream.tracer.Observe(&gateway.Record{ID: "req_2", Start: time.Now(), Call: "/v1/messages"})
	stream.release()
	sent(2)
	exchange()
	app.resume() // of a change that did not come about
	exchange()
	app.change(t, text("three"))
	sent(4)
}
