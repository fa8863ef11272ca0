package caddymodule

import (
	"context"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

const (
	// defaultGrace is how long streams may take to finish when the process
	// stops, unless the Caddyfile has a grace_period: without one Caddy would wait
	// for ever.
	defaultGrace = 10 * time.Second
	// drainAhead is how long before Caddy's grace period ends the streams that
	// are left are ended properly, so that Caddy finds nothing to cut.
	drainAhead = 2 * time.Second
	// drainBehind is how long after Caddy closes the listeners new requests are
	// still served: those it had accepted by then have nobody else to go to.
	drainBehind = 250 * time.Millisecond
	// leaveWait is how long connections have to hear that they are to close, and
	// leaveLook how long it is looked whether there are any in use.
	leaveWait = 250 * time.Millisecond
	leaveLook = 25 * time.Millisecond
)

// Handle is told by Caddy that this configuration is stopping. That happens at
// every reload, which harms no stream; but if the process goes down, streams
// are drained: those that fit into the grace period finish, the others end with
// an error that their clients understand.
func (a *App) Handle(context.Context, caddy.Event) error {
	if a.live == nil {
		return nil
	}
	if next := serving.Load(); next != nil && next != a {
		next.live.servers.Open() // both serve, for a moment
	}
	if shared := a.live.servers.AcceptNoMore(); shared || !caddy.Exiting() {
		a.leave()
	}
	if caddy.Exiting() {
		a.drain()
	}
	return nil
}

// leave lets connections end with an answer, or go on, before their servers end.
// Caddy stops the old servers when Handle has returned. Each closes its idle
// connections at once, and without an answer those whose first request it has not
// read: a request that is on its way is lost. So every answer says from now on
// that its connection closes, and where there is traffic the servers go on for a
// moment, in which those in use hear it. Those that did not are kept for the
// servers of the new configuration, if there is one.
func (a *App) leave() {
	if a.live.leaving.Swap(true) {
		return
	}
	rt := a.live.use()
	defer rt.release()
	before := rt.answered()
	time.Sleep(leaveLook)
	if rt.answered() != before || rt.gateway.InFlight.Load() > 0 || a.live.servers.Expect() {
		time.Sleep(leaveWait - leaveLook)
	}
	a.live.servers.Keep()
}

// answered counts the exchanges that have ended, from all runtimes.
func (rt *runtime) answered() uint64 {
	counts, _ := rt.services.windows.Totals(telemetry.Scope{})
	return counts.Requests
}

// drain begins the end of all traffic, once. Other configurations of this
// process, whose streams go on after a reload, share it.
func (a *App) drain() {
	if a.live == nil || !a.live.draining.CompareAndSwap(false, true) {
		return
	}
	a.live.leaving.Store(true)
	delay, grace := a.patience()
	rt := a.live.use()
	a.live.drained.Go(func() {
		defer rt.release()
		settle := min(drainBehind, grace/4)
		time.Sleep(delay + settle) // /readyz says 503 meanwhile, so that a load balancer looks elsewhere
		ctx, cancel := context.WithTimeout(context.Background(), grace-settle)
		defer cancel()
		begun := time.Now()
		d := rt.gateway.Drain(ctx)
		a.logger.Info("drained", "finished", d.Finished, "told", d.Told, "left", d.Left, "took", time.Since(begun).Round(time.Millisecond))
	})
}

// patience is how long Caddy goes on after it was told to stop: with listeners
// open, and then for what is under way.
func (a *App) patience() (delay, grace time.Duration) {
	grace = defaultGrace
	if module, err := a.context.AppIfConfigured("http"); err == nil {
		if app, ok := module.(*caddyhttp.App); ok {
			delay = time.Duration(app.ShutdownDelay)
			if app.GracePeriod > 0 {
				grace = time.Duration(app.GracePeriod)
			}
		}
	}
	return delay, max(grace-drainAhead, grace/2)
}
