package caddymodule

import (
	"sync"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
)

func TestIdler_GivesMemoryBackOnceWhenTrafficHasEnded(t *testing.T) {
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	rt := app.live.now()
	freed := 0
	i := &idler{free: func() { freed++ }}
	looks := func(n int) int {
		for range n {
			i.look(rt)
		}
		return freed
	}
	if looks(5) != 0 {
		t.Error("nothing was used, and something is given back")
	}
	rt.services.windows.Observe(&gateway.Record{})
	if looks(idleLooks) != 0 {
		t.Error("given back while there was traffic")
	}
	rt.gateway.InFlight.Add(1)
	if looks(5) != 0 {
		t.Error("given back under an exchange")
	}
	rt.gateway.InFlight.Add(-1)
	if looks(5); freed != 1 {
		t.Errorf("given back %d times, want once", freed)
	}
}

func TestGiveBack_EmptiesPools(t *testing.T) {
	pool := sync.Pool{}
	pool.Put(new([1 << 20]byte))
	giveBack()
	if pool.Get() != nil {
		t.Error("a pool still has what it kept for the next request")
	}
}
