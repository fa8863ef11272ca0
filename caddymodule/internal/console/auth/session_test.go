package auth

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// caddy-security CVE-2024-21492: sessions survived the logout.
func TestSession_EndsWhenItShould(t *testing.T) {
	cases := map[string]func(*testing.T, *Authority, *clock, string){
		"logout": func(_ *testing.T, a *Authority, _ *clock, token string) { a.Logout(token) },
		"idle":   func(_ *testing.T, _ *Authority, c *clock, _ string) { c.add(IdleTimeout) },
		"absolute, however busy": func(_ *testing.T, a *Authority, c *clock, token string) {
			for range int(AbsoluteTimeout / (20 * time.Minute)) {
				a.Session(token, true)
				c.add(20 * time.Minute)
			}
		},
		"only looked at": func(_ *testing.T, a *Authority, c *clock, token string) {
			for range 3 {
				c.add(10 * time.Minute)
				a.Session(token, false)
			}
		},
		"password changed": func(t *testing.T, a *Authority, _ *clock, _ string) {
			if _, _, err := a.ChangePassword(t.Context(), Identity{User: "ann", Role: Admin}, good, "another good one", here); err != nil {
				t.Fatal(err)
			}
		},
		"password reset by another process": func(t *testing.T, a *Authority, c *clock, _ string) {
			other, err := Open(Options{Path: a.store.path, Cost: Cost{64, 1}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.Reset(t.Context(), "ann", ""); err != nil {
				t.Fatal(err)
			}
			c.add(time.Second)
		},
		"user removed": func(t *testing.T, a *Authority, _ *clock, _ string) {
			if _, err := a.AddUser(t.Context(), "bob", "admin", good); err != nil {
				t.Fatal(err)
			}
			if err := a.RemoveUser("ann"); err != nil {
				t.Fatal(err)
			}
		},
		"user removed and made again": func(t *testing.T, a *Authority, _ *clock, _ string) {
			for _, err := range []error{
				second(a.AddUser(t.Context(), "bob", "admin", good)), a.RemoveUser("ann"), second(a.AddUser(t.Context(), "ann", "admin", good)),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			a, c := open(t)
			token := enter(t, a, "ann", good)
			if _, ok := a.Session(token, true); !ok {
				t.Fatal("the session never began")
			}
			end(t, a, c, token)
			if _, ok := a.Session(token, true); ok {
				t.Error("the session still stands")
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestSession_IdsAreNotKept(t *testing.T) {
	a, _ := open(t)
	token := enter(t, a, "ann", good)
	if text := fmt.Sprintf("%+v %#v", a.sessions.byID, a.sessions.byID); strings.Contains(text, token) {
		t.Error("the session id stands in memory")
	}
	for _, forged := range []string{"", strings.Repeat("A", tokenSize), token[:42], token + "A", strings.ToUpper(token)} {
		if _, ok := a.Session(forged, true); ok {
			t.Errorf("%q is a session", forged)
		}
	}
}

func TestSession_AreBoundedPerUserAndInAll(t *testing.T) {
	a, c := open(t)
	first := enter(t, a, "ann", good)
	for range maxPerUser {
		c.add(time.Second)
		enter(t, a, "ann", good)
	}
	if _, ok := a.Session(first, true); ok || len(a.sessions.byID) != maxPerUser {
		t.Errorf("%d sessions, the oldest stands: %v", len(a.sessions.byID), ok)
	}
	for i := range maxSessions + 10 {
		a.sessions.begin(session{user: fmt.Sprint(i), created: c.now(), used: c.now()})
	}
	if len(a.sessions.byID) > maxSessions {
		t.Errorf("%d sessions", len(a.sessions.byID))
	}
}
