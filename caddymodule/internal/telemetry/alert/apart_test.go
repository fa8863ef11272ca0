package alert

import (
	"testing"
	"testing/synctest"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

func TestApart_EventsComeInOrderAndNothingIsLeftRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := ""
		a := NewApart("events", func(e Event) { got += e.Rule })
		for _, name := range []string{"1", "2", "3"} {
			a.Deliver(event(name))
		}
		synctest.Wait() // for the goroutine's end: the bubble has no other
		if s := a.State(); got != "123" || s != (telemetry.DeliveryState{To: "events", Sent: 3}) {
			t.Errorf("got %s, %+v", got, s)
		}
		a.Deliver(event("4"))
		synctest.Wait()
		if got != "1234" {
			t.Errorf("later: %s", got)
		}
	})
}

func TestApart_AFunctionThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		last := ""
		a := NewApart("events", func(e Event) {
			<-release
			last = e.Rule
		})
		for range 1000 {
			a.Deliver(event("old"))
		}
		a.Deliver(event("new"))
		synctest.Wait()
		if s := a.State(); s.Sent != 0 || s.Dropped < 1001-room-1 {
			t.Errorf("while it hangs: %+v", s)
		}
		close(release)
		synctest.Wait()
		if s := a.State(); last != "new" || s.Sent+s.Dropped != 1001 {
			t.Errorf("then: the last is %s, %+v", last, s)
		}
	})
}
