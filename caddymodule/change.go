package caddymodule

import (
	"context"
	"errors"

	"github.com/aimux/aimux/caddymodule/internal/control"
	"github.com/aimux/aimux/caddymodule/place"
)

// errReplaced says that a change came to an app whose configuration is not in
// force any more, or not yet.
var errReplaced = errors.New("the configuration was replaced meanwhile; try again")

// apply reads the configuration's files again and puts them in force, without
// Caddy and without harm to anything under way. If they are not in order
// nothing changes.
func (a *App) apply() error {
	a.live.changing.Lock()
	defer a.live.changing.Unlock()
	if next := serving.Load(); a.ended || next != nil && next != a {
		return errReplaced
	}
	if why := a.fixed(); why != "" {
		return errors.New(why)
	}
	document, err := embed(a.Source, a.Overrides)
	if err != nil {
		return err
	}
	rt, err := a.compile(document)
	if err != nil {
		return err
	}
	if a.public && !rt.guarded {
		rt.release()
		return errors.New("without a client key everybody on the network could use the gateway; the configuration before stays in force")
	}
	a.live.replace(rt)
	a.laid = document.Tag
	a.beginAnew()
	a.consoles.changed(a.overrides())
	a.introduce("config.apply")
	a.logger.Info("configuration applied", "source", a.sourceName())
	return nil
}

// beginAnew begins the background once more, with what is in force by now, if
// it was begun and the app has not ended. The caller holds changing.
func (a *App) beginAnew() {
	if a.background == nil || a.ended {
		return
	}
	a.background.end()
	if err := a.begin(); err != nil {
		a.logger.Error("alerts are not watched", "error", err.Error())
	}
}

// fixed says why aimux cannot change the configuration, if it cannot: one that
// is written out in Caddy's own JSON is not in a file that aimux could read again
// with overrides over it.
func (a *App) fixed() string {
	if a.Source != "" || len(a.Config) == 0 || a.Tag != "" {
		return ""
	}
	return "the configuration is part of Caddy's own JSON: change apps.aimux.config there, in its file or by Caddy's admin endpoint (PATCH /config/apps/aimux/config)"
}

// catchUp puts the overrides in force that are there by now, if the configuration
// was made with others: a change may have come between Provision and Start, and
// what Caddy kept, to resume it or to change another part of it, may be old. A
// change that is under way is waited for; later ones know that this app is in
// force. What cannot be put in force leaves what was provisioned.
func (a *App) catchUp() {
	path := a.overrides()
	if a.fixed() != "" || a.inForce() == "" && !place.Exists(path) {
		return
	}
	lock, err := control.Alone(context.Background(), path)
	if err == nil {
		defer lock.Release()
		err = a.catchUpAlone(path)
	}
	if err != nil {
		a.logger.Error("what aimux was told to change is not in force", "overrides", path, "error", err.Error())
	}
}

// catchUpAlone is catchUp for who holds the lock of the overrides.
func (a *App) catchUpAlone(path string) error {
	tag, err := tagOf(path)
	if err != nil || tag == a.inForce() {
		return err
	}
	return a.apply()
}

// inForce is the tag of the overrides that are in force.
func (a *App) inForce() string {
	a.live.changing.Lock()
	defer a.live.changing.Unlock()
	return a.laid
}
