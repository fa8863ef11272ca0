package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/netip"
	"time"
)

// Attempt is somebody's try to log in.
type Attempt struct {
	User, Password string
	// IP is who tries, as far as it can be trusted; it is what failures are
	// counted by.
	IP netip.Addr
	// DevAllowed is what DevAllowed says of the request.
	DevAllowed bool
}

// Login checks a name and a password and begins a session. The token is for the
// cookie and is kept nowhere. The error is ErrCredentials, ErrBusy, a
// *LimitedError, or that of ctx.
func (a *Authority) Login(ctx context.Context, t Attempt) (token string, id Identity, err error) {
	now := a.now()
	a.store.refresh(now)
	if wait, began := a.limiter.take(t.IP, now); wait > 0 {
		return "", Identity{}, &LimitedError{wait, began}
	}
	if t.DevAllowed && a.DevLogin() && same(t.User, "admin") && same(t.Password, "admin") {
		a.limiter.forgive(t.IP)
		token = a.sessions.begin(session{user: "admin", dev: true, created: now, used: now})
		id, _ = a.Session(token, false)
		return token, id, nil
	}
	u, err := a.check(ctx, t)
	if err != nil {
		return "", Identity{}, err
	}
	a.noteLogin(u.Name, now)
	token = a.sessions.begin(session{user: u.Name, serial: u.serial, created: now, used: now})
	id, _ = a.Session(token, false)
	return token, id, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Known reports whether there is a user of that name. It is for the audit log
// only: what is typed where the name belongs may be a password.
func (a *Authority) Known(name string) bool {
	_, ok := a.store.find(name)
	return ok
}

// check compares the password, at the same price whether the user exists or
// not. The caller has counted the attempt; check takes that back unless it was a
// wrong guess.
func (a *Authority) check(ctx context.Context, t Attempt) (record, error) {
	u, _ := a.store.find(t.User)
	password := t.Password
	if len(password) > maxPassword {
		u, password = record{}, ""
	}
	ok, err := a.hasher.matches(ctx, u.hash, password)
	if err != nil {
		a.limiter.forgive(t.IP)
		return record{}, err
	}
	if !ok {
		return record{}, ErrCredentials
	}
	a.limiter.forgive(t.IP)
	return u, nil
}

// noteLogin writes the time of a login down. A full disk must not lock the
// administrator out, so that it may fail.
func (a *Authority) noteLogin(name string, now time.Time) {
	_ = a.store.update(func(t *table) error {
		u, ok := t.users[name]
		if !ok {
			return ErrNoUser
		}
		u.LastLogin = now.UTC()
		t.users[name] = u
		return nil
	})
}

// ChangePassword sets a new password for who knows the current one, ends all
// sessions of the user and begins a new one. A development session gives
// "admin" as its current password. The errors are those of Login and
// *RuleError.
func (a *Authority) ChangePassword(ctx context.Context, who Identity, current, next string, ip netip.Addr) (string, Identity, error) {
	if wait, began := a.limiter.take(ip, a.now()); wait > 0 {
		return "", Identity{}, &LimitedError{wait, began}
	}
	if who.Dev {
		if !a.DevLogin() || !same(current, "admin") {
			return "", Identity{}, ErrCredentials
		}
		a.limiter.forgive(ip)
	} else if _, err := a.check(ctx, Attempt{User: who.User, Password: current, IP: ip}); err != nil {
		return "", Identity{}, err
	}
	if err := checkPassword("new", who.User, next); err != nil {
		return "", Identity{}, err
	}
	if same(current, next) {
		return "", Identity{}, &RuleError{"new", "the new password is the present one"}
	}
	if err := a.setPassword(ctx, who.User, next, who.Dev); err != nil {
		return "", Identity{}, err
	}
	return a.renew(who.User)
}

// renew ends the sessions of a user and begins one.
func (a *Authority) renew(user string) (string, Identity, error) {
	a.sessions.endAll(user)
	u, ok := a.store.find(user)
	if !ok {
		return "", Identity{}, errors.New("the user was removed meanwhile")
	}
	now := a.now()
	token := a.sessions.begin(session{user: user, serial: u.serial, created: now, used: now})
	id, _ := a.Session(token, false)
	return token, id, nil
}
