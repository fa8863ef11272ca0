package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const good = "correct horse battery"

var (
	here  = netip.MustParseAddr("192.0.2.7")
	there = netip.MustParseAddr("198.51.100.9")
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// open returns an Authority with cheap hashes and the user "ann", an
// administrator.
func open(t testing.TB, change ...func(*Options)) (*Authority, *clock) {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	o := Options{Path: filepath.Join(t.TempDir(), "users.json"), Now: c.now, Cost: Cost{64, 1}}
	for _, f := range change {
		f(&o)
	}
	a, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if !o.DevLogin {
		if _, err := a.AddUser(t.Context(), "ann", "admin", good); err != nil {
			t.Fatal(err)
		}
	}
	return a, c
}

func enter(t testing.TB, a *Authority, user, password string) string {
	t.Helper()
	token, _, err := a.Login(t.Context(), Attempt{User: user, Password: password, IP: here})
	if err != nil {
		t.Fatalf("login of %s: %v", user, err)
	}
	return token
}

func TestLogin_BeginsASessionWithTheUsersRole(t *testing.T) {
	a, c := open(t)
	token := enter(t, a, "ann", good)
	got, ok := a.Session(token, true)
	want := Identity{User: "ann", Role: Admin, Expires: c.now().Add(AbsoluteTimeout)}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("session %v: %s", ok, diff)
	}
	if again := enter(t, a, "ann", good); again == token || len(again) != tokenSize {
		t.Errorf("a second login has the session id %q", again)
	}
}

func TestLogin_AnswersUnknownUsersAsWrongPasswords(t *testing.T) {
	cases := map[string]Attempt{
		"wrong password":      {User: "ann", Password: "nope"},
		"unknown user":        {User: "bob", Password: good},
		"empty":               {},
		"no such name":        {User: "../../etc/passwd\x00", Password: good},
		"very long password":  {User: "ann", Password: strings.Repeat("x", 1<<20)},
		"hash as a password":  {User: "ann"}, // LiteLLM GHSA-69x8
		"case of the name":    {User: "Ann", Password: good},
		"space after":         {User: "ann ", Password: good},
		"admin/admin, no dev": {User: "admin", Password: "admin", DevAllowed: true},
	}
	for name, attempt := range cases {
		t.Run(name, func(t *testing.T) {
			a, _ := open(t)
			attempt.IP = here
			if name == "hash as a password" {
				u, _ := a.store.find("ann")
				attempt.Password = u.hash.encode()
			}
			token, id, err := a.Login(t.Context(), attempt)
			if err != ErrCredentials || token != "" || id != (Identity{}) {
				t.Errorf("got %q %v %v", token, id, err)
			}
		})
	}
}

// TestLogin_UnknownUsersCostAHash holds the price, not the clock: both kinds of
// failure compute exactly one hash of the same cost.
func TestLogin_UnknownUsersCostAHash(t *testing.T) {
	a, _ := open(t, func(o *Options) { o.Cost = Cost{MemoryKiB: 8 << 10, Passes: 2} })
	spent := func(user string) time.Duration {
		best := time.Hour
		for i := range 4 {
			ip := netip.AddrFrom4([4]byte{10, 0, byte(i), user[0]})
			begun := time.Now()
			if _, _, err := a.Login(t.Context(), Attempt{User: user, Password: "nope", IP: ip}); err != ErrCredentials {
				t.Fatal(err)
			}
			best = min(best, time.Since(begun))
		}
		return best
	}
	known, unknown := spent("ann"), spent("bob")
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("a known user takes %v, an unknown one %v", known, unknown)
	}
}

// caddy-security CVE-2024-21494…: no brute-force limit.
func TestLogin_FiveFailuresLockAnAddressForEverLonger(t *testing.T) {
	a, c := open(t)
	try := func(ip netip.Addr, password string) error {
		_, _, err := a.Login(t.Context(), Attempt{User: "ann", Password: password, IP: ip})
		return err
	}
	for range 5 {
		if err := try(here, "nope"); err != ErrCredentials {
			t.Fatal(err)
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		var limited *LimitedError
		if err := try(here, good); !errors.As(err, &limited) || limited.RetryAfter != want*time.Minute || !limited.Began {
			t.Fatalf("lock %d: %v, want %d minutes", i+1, err, want)
		}
		c.add(want*time.Minute - time.Second)
		if err := try(here, good); !errors.As(err, &limited) || limited.RetryAfter != time.Second || limited.Began {
			t.Fatalf("lock %d ends early: %v", i+1, err)
		}
		if err := try(there, good); err != nil {
			t.Fatalf("another address is locked as well: %v", err)
		}
		c.add(time.Second)
		if err := try(here, "nope"); err != ErrCredentials { // one guess after each lock
			t.Fatal(err)
		}
	}
	c.add(3 * time.Hour)
	if err := try(here, good); err != nil {
		t.Errorf("hours later the right password is refused: %v", err)
	}
}

func TestLogin_OwnSuccessesBuyNoGuesses(t *testing.T) {
	a, _ := open(t)
	if _, err := a.AddUser(t.Context(), "eve", "viewer", good); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, _, err := a.Login(t.Context(), Attempt{User: "ann", Password: "nope", IP: here}); err != ErrCredentials {
			t.Fatal(err)
		}
	}
	var limited *LimitedError
	if _, _, err := a.Login(t.Context(), Attempt{User: "eve", Password: good, IP: here}); !errors.As(err, &limited) {
		t.Errorf("an address with five failures may go on: %v", err)
	}
}

func TestLogin_ManyGuessesAtOnceAreNoMoreThanFive(t *testing.T) {
	a, _ := open(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	checked := 0
	for range 20 {
		wg.Go(func() {
			_, _, err := a.Login(context.Background(), Attempt{User: "ann", Password: "nope", IP: here})
			mu.Lock()
			defer mu.Unlock()
			if err == ErrCredentials {
				checked++
			}
		})
	}
	wg.Wait()
	if checked != failures {
		t.Errorf("%d guesses were checked, want %d", checked, failures)
	}
}

func TestLimiter_CountsIPv6ByNetworkAndStaysBounded(t *testing.T) {
	var l limiter
	now := time.Now()
	for i := range 5 {
		ip := netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))
		if wait, _ := l.take(ip, now); wait != 0 {
			t.Fatal("locked early")
		}
	}
	if wait, _ := l.take(netip.MustParseAddr("2001:db8::ffff"), now); wait == 0 {
		t.Error("a new address of the same /64 may guess on")
	}
	if wait, _ := l.take(netip.MustParseAddr("::ffff:192.0.2.1"), now); wait != 0 {
		t.Error("an IPv4 address written as IPv6 is locked")
	}
	for i := range 3 * maxPeers {
		l.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.peers) > maxPeers {
		t.Errorf("%d addresses are kept", len(l.peers))
	}
	if wait, _ := (&limiter{}).take(netip.Addr{}, now); wait != 0 {
		t.Error("an unknown address is locked from the start")
	}
}

func TestLimiter_AClockSetBackLocksNobodyForLong(t *testing.T) {
	var l limiter
	now := time.Now()
	for range 6 {
		l.take(here, now)
	}
	if wait, _ := l.take(here, now.AddDate(-56, 0, 0)); wait > longestLock {
		t.Errorf("locked for %v", wait)
	}
}

func TestLogin_TooManyWaitingAreSentAwayWithoutAStrike(t *testing.T) {
	a, _ := open(t)
	a.hasher.waiting.Store(inLine)
	if _, _, err := a.Login(t.Context(), Attempt{User: "ann", Password: good, IP: here}); err != ErrBusy {
		t.Errorf("got %v", err)
	}
	a.hasher.waiting.Store(0)
	for range 5 {
		enter(t, a, "ann", good)
	}
}

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

func TestChangePassword_WantsTheCurrentOneAndAGoodOne(t *testing.T) {
	ann := Identity{User: "ann", Role: Admin}
	cases := map[string]struct {
		current, next string
		field         string // of the RuleError; empty: ErrCredentials
	}{
		"wrong current":  {"nope", "another good one", ""},
		"too short":      {good, "short", "new"},
		"too long":       {good, strings.Repeat("xy", 600), "new"},
		"the same":       {good, good, "new"},
		"the name":       {good, "ann-ann-ann-", ""},
		"one character":  {good, strings.Repeat("a", 30), "new"},
		"no valid UTF-8": {good, "twelve bytes\xff\xff\xff", "new"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a, _ := open(t)
			token := enter(t, a, "ann", good)
			_, _, err := a.ChangePassword(t.Context(), ann, c.current, c.next, here)
			var rule *RuleError
			switch {
			case name == "the name":
				if err != nil && !errors.As(err, &rule) {
					t.Errorf("got %v", err)
				}
				return
			case c.field == "" && err != ErrCredentials, c.field != "" && (!errors.As(err, &rule) || rule.Field != c.field):
				t.Errorf("got %v", err)
			}
			if _, ok := a.Session(token, true); !ok {
				t.Error("a change that was refused ended the session")
			}
		})
	}
}

func TestUsers_RulesOfNamesRolesAndTheLastAdministrator(t *testing.T) {
	a, _ := open(t)
	for _, name := range []string{"", "-x", ".", "..", "Ann", "a b", "a/b", "a:b", "ünï", strings.Repeat("a", 64), "a\x00", "<b>"} {
		var rule *RuleError
		if _, err := a.AddUser(t.Context(), name, "viewer", good); !errors.As(err, &rule) || rule.Field != "user" {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, role := range []string{"", "nobody", "root", "Admin", "admin "} {
		var rule *RuleError
		if _, err := a.AddUser(t.Context(), "bob", role, good); !errors.As(err, &rule) || rule.Field != "role" {
			t.Errorf("role %q: %v", role, err)
		}
	}
	if _, err := a.AddUser(t.Context(), "ann", "viewer", good); err != ErrUserExists {
		t.Errorf("a taken name: %v", err)
	}
	if err := a.RemoveUser("ann"); err != ErrLastAdmin {
		t.Errorf("the last administrator: %v", err)
	}
	if err := a.RemoveUser("bob"); err != ErrNoUser {
		t.Errorf("no user: %v", err)
	}
}

func TestHash_HasNoTextForm(t *testing.T) {
	a, _ := open(t)
	u, _ := a.store.find("ann")
	secret := u.hash.encode()
	sum := strings.Split(secret, "$")[5]
	texts := []string{fmt.Sprint(u.hash), fmt.Sprintf("%+v", u), fmt.Sprintf("%#v", u), fmt.Sprint(a.Users())}
	if data, err := json.Marshal(u.hash); err == nil {
		texts = append(texts, string(data))
	}
	data, err := json.Marshal(u)
	texts = append(texts, string(data), fmt.Sprint(err))
	for _, text := range texts {
		if strings.Contains(text, sum) {
			t.Errorf("the hash stands in %s", text)
		}
	}
}

func TestBasic_RemembersRightPairsUntilThePasswordChanges(t *testing.T) {
	a, c := open(t)
	header := "Basic YW5uOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ=="
	for range 50 {
		if id, err := a.Basic(t.Context(), header, here); err != nil || id != (Identity{User: "ann", Role: Admin}) {
			t.Fatalf("%v %v", id, err)
		}
	}
	if _, err := a.Reset(t.Context(), "ann", "another good one"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Basic(t.Context(), header, here); err != ErrCredentials {
		t.Errorf("the old password: %v", err)
	}
	c.add(basicFor)
	if n := len(a.basics.known); n != 1 {
		t.Errorf("%d pairs are remembered", n)
	}
}

// LiteLLM CVE-2026-35030: two identities met in one cache entry.
func TestBasic_NameAndPasswordDoNotRunTogether(t *testing.T) {
	var b basics
	if b.digest("ab", "c") == b.digest("a", "bc") {
		t.Error("two pairs share an entry")
	}
}

func TestFirstRun_MakesAPasswordOnceAndForgetsItsFileAtTheFirstChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	a, err := Open(Options{Path: path, Cost: Cost{64, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if !a.NeedsFirstRun() {
		t.Error("a new file needs no first run")
	}
	password, err := a.FirstRun(t.Context())
	if err != nil || len(password) != 20 {
		t.Fatalf("%q %v", password, err)
	}
	if again, err := a.FirstRun(t.Context()); again != "" || err != nil {
		t.Errorf("a second run made %q %v", again, err)
	}
	for _, file := range []string{path, a.PasswordFile()} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	if data, _ := os.ReadFile(a.PasswordFile()); strings.TrimSpace(string(data)) != password {
		t.Errorf("the file says %q", data)
	}
	token := enter(t, a, "admin", password)
	id, _ := a.Session(token, true)
	if _, _, err := a.ChangePassword(t.Context(), id, password, good, here); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a.PasswordFile()); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
	if _, _, err := a.Login(t.Context(), Attempt{User: "admin", Password: password, IP: here}); err != ErrCredentials {
		t.Errorf("the first password still works: %v", err)
	}
}

func TestGenerate_GivesTwentyReadableCharacters(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p := Generate()
		if len(p) != 20 || seen[p] || strings.Trim(p, alphabet) != "" || checkPassword("new", "admin", p) != nil {
			t.Fatalf("generated %q", p)
		}
		seen[p] = true
	}
}
