package auth

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"runtime"
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
// failure take the memory of exactly one hash.
func TestLogin_UnknownUsersCostAHash(t *testing.T) {
	const memory = 8 << 20
	a, _ := open(t, func(o *Options) { o.Cost = Cost{MemoryKiB: memory >> 10, Passes: 2} })
	spent := func(user string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := a.Login(t.Context(), Attempt{User: user, Password: "nope", IP: netip.AddrFrom4([4]byte{10, 0, 0, user[0]})}); err != ErrCredentials {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, user := range []string{"ann", "bob"} {
		if got := spent(user); got < memory || got > memory+memory/2 {
			t.Errorf("%s: a failed login takes %d bytes, one hash takes %d", user, got, memory)
		}
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
