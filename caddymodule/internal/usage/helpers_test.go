package usage

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// noon is when most tests take place.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a wall clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) set(t time.Time) { c.mu.Lock(); c.at = t; c.mu.Unlock() }

// troubles gathers what OnTrouble is told.
type troubles struct {
	mu   sync.Mutex
	said []string
}

func (t *troubles) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, fmt.Sprint(err))
}

func (t *troubles) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.said...)
}

func quiet(path string) Options {
	return Options{Path: path, Flush: 5 * time.Millisecond, Now: func() time.Time { return noon }, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func tempPath(t testing.TB) string { return filepath.Join(t.TempDir(), "usage.db") }

// open opens a ledger that is closed with the test.
func open(t testing.TB, o Options) *Ledger {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, l) })
	return l
}

func closing(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// record records the exchanges and has them written.
func record(t testing.TB, l *Ledger, all ...Exchange) {
	t.Helper()
	for _, x := range all {
		if !l.Record(x) {
			t.Fatal("an exchange was dropped")
		}
	}
	flush(t, l)
}

func flush(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func readerOf(t testing.TB, l *Ledger) *Reader {
	t.Helper()
	r, err := l.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func totals(t testing.TB, r *Reader, q Query) Totals {
	t.Helper()
	out, err := r.Totals(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tidy runs retention once, as the keeper would.
func tidy(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.keeper.ask(t.Context(), func() error { l.keeper.tidy(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// holdWriter keeps the writing goroutine from working until release is called.
func holdWriter[T any](k *keeper[T]) (release func()) {
	hold, held := make(chan struct{}), make(chan struct{})
	go func() {
		_ = k.ask(context.Background(), func() error { close(held); <-hold; return nil })
	}()
	<-held
	return func() { close(hold) }
}

// sample is an exchange as a gateway sees many, that began at start.
func sample(n int, start time.Time) Exchange {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	x := Exchange{
		ID: fmt.Sprintf("req_%024x", n), Start: start, Client: pick("ann", "bob", "ci"), Team: pick("web", "data"),
		Dialect: "anthropic", Call: "/v1/messages", Alias: pick("coder", "claude-sonnet-4-5"), Stream: true,
		Session: fmt.Sprintf("6f1d2c9e-0000-4000-8000-%012d", n/20), Provider: pick("zai", "cerebras", "minimax"),
		Model: pick("glm-5.2", "gpt-oss-120b", "MiniMax-M3"), Key: pick("main", "spare"), Status: 200, Class: "ok", Reason: "ok",
		Input: r.Int64N(60_000), Output: r.Int64N(4000), CacheRead: r.Int64N(30_000), Reasoning: r.Int64N(500),
		Estimated: r.IntN(10) == 0, Cost: r.Int64N(200_000), BytesIn: r.Int64N(200_000), BytesOut: r.Int64N(40_000),
		TTFT: time.Duration(r.IntN(900)) * time.Millisecond, Duration: time.Duration(900+r.IntN(9000)) * time.Millisecond,
	}
	if r.IntN(12) == 0 {
		x.Class, x.Reason, x.Status = "overloaded", "overloaded", 529
	}
	if r.IntN(3) == 0 {
		x.Agent = fmt.Sprintf("agent-%d", r.IntN(3))
	}
	if r.IntN(8) == 0 {
		x.Attempts = append(x.Attempts, Attempt{Provider: "zai", Model: "glm-5.2", Key: "main", Dialect: "anthropic",
			Duration: 50 * time.Millisecond, Status: 429, Class: "rate_limited", Reason: "rate_limited", Code: "1302", Wait: time.Second})
	}
	x.Attempts = append(x.Attempts, Attempt{Provider: x.Provider, Model: x.Model, Key: x.Key, Dialect: "anthropic",
		TTFT: x.TTFT, Duration: x.Duration, Status: x.Status, Class: x.Class, Reason: x.Reason})
	return x
}

func samples(n int, start time.Time, step time.Duration) []Exchange {
	all := make([]Exchange, n)
	for i := range all {
		all[i] = sample(i, start.Add(time.Duration(i)*step))
	}
	return all
}

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}
