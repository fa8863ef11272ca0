package console

import (
	"errors"
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// The session cookie. Under TLS its prefix ties it to this very host.
const (
	plainCookie  = "aimux_session"
	secureCookie = "__Host-aimux_session"
)

func (k *call) cookieName() string {
	if k.c.o.Secure(k.r) {
		return secureCookie
	}
	return plainCookie
}

// setCookie gives the browser a session, or with an empty token takes it away.
func (k *call) setCookie(token string) {
	cookie := &http.Cookie{
		Name: k.cookieName(), Value: token, Path: "/",
		HttpOnly: true, Secure: k.c.o.Secure(k.r), SameSite: http.SameSiteStrictMode,
		MaxAge: int(auth.AbsoluteTimeout.Seconds()),
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(k.w, cookie)
}

// authorise finds out who calls and refuses what their role does not cover.
func (k *call) authorise() error {
	if k.route.role == auth.Nobody {
		return nil
	}
	who, err := k.identify()
	if err != nil {
		return err
	}
	k.who = who
	if who.MustChange && !k.route.unset {
		return &Error{Status: http.StatusForbidden, Code: "password_change_required", Message: "set a password of your own first"}
	}
	if who.Role < k.route.role {
		return forbidden("this takes the role " + k.route.role.String())
	}
	return nil
}

// identify believes a session cookie, else an Authorization header. A cookie
// that is no longer good does not hide the header of a script.
func (k *call) identify() (auth.Identity, error) {
	if who, ok := k.r.Context().Value(localKey{}).(auth.Identity); ok {
		return who, nil
	}
	cookies := k.r.CookiesNamed(k.cookieName())
	if len(cookies) == 1 {
		if who, ok := k.c.o.Auth.Session(cookies[0].Value, true); ok && k.devHolds(who) {
			k.token = cookies[0].Value
			return who, nil
		}
	}
	headers := k.r.Header.Values("Authorization")
	if len(headers) != 1 {
		return auth.Identity{}, unauthenticated("log in first")
	}
	who, err := k.c.o.Auth.Basic(k.ctx(), headers[0], k.ip)
	if err != nil {
		k.auditRefusal(err, headers[0])
	}
	return who, err
}

// devHolds reports whether a development session may be used by this request.
func (k *call) devHolds(who auth.Identity) bool { return !who.Dev || auth.DevAllowed(k.r) }

// auditRefusal writes down that a script's password was wrong.
func (k *call) auditRefusal(err error, header string) {
	user, _, ok := auth.ParseBasic(header)
	if ok {
		k.auditLogin(user, err)
	}
}

// auditLogin writes down how a login went. Attempts that only met a lock are
// left out, so that a flood of them does not fill the log. What was typed as a
// name is written only if it is one: people type passwords there.
func (k *call) auditLogin(user string, err error) error {
	var limited *auth.LimitedError
	if errors.As(err, &limited) && !limited.Began {
		return nil
	}
	if err != nil && !k.c.o.Auth.Known(user) {
		user = "(unknown)"
	}
	end, auditErr := k.c.o.Backend.Audit.Begin(k.settled(), AuditEntry{Actor: user, IP: k.from(), Action: "login", Target: user})
	if auditErr != nil {
		k.c.o.Logger.ErrorContext(k.ctx(), "the audit log cannot be written", "error", auditErr)
		return auditFailed()
	}
	end(outcome(err))
	return nil
}
