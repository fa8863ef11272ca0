package client

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	pepper  = bytes.Repeat([]byte{7}, 32)
	here    = netip.MustParseAddr("127.0.0.1")
	morning = time.Date(2026, time.November, 20, 10, 0, 0, 0, time.UTC)
)

// clock is a time that a test moves, with no monotonic reading.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func openStore(t testing.TB, path string, now func() time.Time) *Store {
	t.Helper()
	s, err := OpenStore(path, pepper, now)
	if err != nil {
		t.Fatal(err)
	}
	s.patience = 50 * time.Millisecond
	return s
}

func newStore(t testing.TB, now func() time.Time) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "clients.json"), now)
}

func newRegistry(t testing.TB, o Options) *Registry {
	t.Helper()
	o.Pepper = pepper
	r, err := NewRegistry(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func create(t testing.TB, s *Store, r Record) (Record, string) {
	t.Helper()
	r, token, err := s.Create(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, token.Reveal()
}

// limited returns a client with those limits, of a team with those.
func limited(t testing.TB, key, team Limits) *Client {
	t.Helper()
	return limitedIn(t, new(Accounts), key, team)
}

func limitedIn(t testing.TB, a *Accounts, key, team Limits) *Client {
	t.Helper()
	r := newRegistry(t, Options{
		Accounts: a,
		Static:   []Static{{Record: Record{Name: "ci", Team: "tools", Limits: key}, Token: TokenOf(staticToken(1))}},
		Teams:    []Team{{"tools", team}},
	})
	c, err := r.Identify(staticToken(1), here)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func staticToken(i int) string { return fmt.Sprintf("secret-of-another-maker-%06d", i) }

func reserve(t testing.TB, c *Client, ask Ask) *Reservation {
	t.Helper()
	r, d := c.Reserve(ask)
	if d != nil {
		t.Fatalf("refused: %+v", d)
	}
	return r
}

func denied(t testing.TB, c *Client, ask Ask) *Denial {
	t.Helper()
	_, d := c.Reserve(ask)
	if d == nil {
		t.Fatal("not refused")
	}
	return d
}
