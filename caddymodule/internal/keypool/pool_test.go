package keypool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// epoch is when the tests' clock begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a pool with a clock the test turns by hand. Jitter is off unless
// the test sets rand.
type bench struct {
	*Pool
	mu   sync.Mutex
	time time.Time
	r    float64
	news []Rested
}

func newBench(policy Policy, keys ...*Key) *bench {
	b := &bench{time: epoch}
	b.Pool = New(policy, keys, Options{
		Now:    b.now,
		Rand:   func() float64 { return b.r },
		OnRest: func(n Rested) { b.news = append(b.news, n) },
	})
	return b
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.time
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.time = b.time.Add(d)
}

// name leases a key for "m", gives it back as canceled and returns its name,
// or what stood in the way.
func (b *bench) name() string {
	l, err := b.Acquire("m", nil)
	if err != nil {
		return describe(err)
	}
	defer l.Release(Outcome{Class: llm.ClassCanceled})
	return l.Key().Name
}

func describe(err error) string {
	if r, ok := errors.AsType[*RestingError](err); ok {
		return fmt.Sprintf("%s +%s", r.Class, r.Until.Sub(epoch))
	}
	return err.Error()
}

// must leases a key for model.
func (b *bench) must(t *testing.T, model string) *Lease {
	t.Helper()
	l, err := b.Acquire(model, nil)
	if err != nil {
		t.Fatalf("Acquire(%q) at +%s: %v", model, b.now().Sub(epoch), err)
	}
	return l
}

// fails leases a key for "m" and releases it with o.
func (b *bench) fails(t *testing.T, o Outcome) {
	t.Helper()
	b.must(t, "m").Release(o)
}

func keys(names ...string) []*Key {
	var ks []*Key
	for _, n := range names {
		ks = append(ks, &Key{Name: n})
	}
	return ks
}

func rate(wait time.Duration) Outcome {
	return Outcome{Class: llm.ClassRate, Wait: wait, WaitKnown: wait > 0}
}

func TestPool_RestingKeyIsSkippedUntilRetryAfter(t *testing.T) {
	b := newBench(FillFirst, keys("a", "b")...)
	b.fails(t, rate(7*time.Second))
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "b"}, {6999 * time.Millisecond, "b"}, {time.Millisecond, "a"}} {
		b.pass(step.after)
		if got := b.name(); got != step.want {
			t.Errorf("at +%s: key %s, want %s", b.now().Sub(epoch), got, step.want)
		}
	}
}

func TestPool_RateLimitRestsOnlyTheModel(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	b.fails(t, rate(7*time.Second))
	if got, want := b.name(), "rate_limited +7s"; got != want {
		t.Errorf("same model: %s, want %s", got, want)
	}
	b.must(t, "other").Release(Outcome{})
}

func TestPool_KeyWideRateLimitRestsEveryModel(t *testing.T) {
	b := newBench(FillFirst, keys("a")...)
	o := rate(7 * time.Second)
	o.KeyWide = true
	b.fails(t, o)
	if _, err := b.Acquire("other", nil); err == nil {
		t.Error("another model was leased while the whole key rests")
	}
}

func TestPool_AccountSharesRateLimit(t *testing.T) {
	acme := NewState()
	b := newBench(FillFirst,
		&Key{Name: "a", Account: acme}, &Key{Name: "b", Account: acme}, &Key{Name: "c"})
	b.fails(t, rate(7*time.Second))
	if got := b.name(); got != "c" {
		t.Errorf("key %s, want c: a and b share the account that was limited", got)
	}
	if n := b.news; len(n) != 1 || !n[0].Account {
		t.Errorf("news = %+v, want one rest of the account", n)
	}
}

func TestPool_AccountDoesNotShareRefusedCredential(t *testing.T) {
	acme := NewState()
	b := newBench(FillFirst, &Key{Name: "a", Account: acme}, &Key{Name: "b", Account: acme})
	b.fails(t, Outcome{Class: llm.ClassAuth})
	if got := b.name(); got != "b" {
		t.Errorf("key %s, want b", got)
	}
}

func TestPool_ErrorsSayWhatStandsInTheWay(t *testing.T) {
	tried := func(names ...string) func(*Key) bool {
		return func(k *Key) bool {
			for _, n := range names {
				if k.Name == n {
					return true
				}
			}
			return false
		}
	}
	for name, test := range map[string]struct {
		keys  []*Key
		fail  []Outcome
		tried func(*Key) bool
		want  string
	}{
		"no keys at all":            {want: ErrNoKey.Error()},
		"no key for the model":      {keys: []*Key{{Name: "a", Models: []string{"x"}}}, want: ErrNoKey.Error()},
		"an empty list is no model": {keys: []*Key{{Name: "a", Models: []string{}}}, want: ErrNoKey.Error()},
		"all tried":                 {keys: keys("a", "b"), tried: tried("a", "b"), want: ErrAllTried.Error()},
		"earliest of two rests": {keys: keys("a", "b"),
			fail: []Outcome{rate(9 * time.Second), rate(4 * time.Second)}, want: "rate_limited +4s"},
		"one tried, one rests": {keys: keys("a", "b"),
			fail: []Outcome{rate(9 * time.Second)}, tried: tried("b"), want: "rate_limited +9s"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(FillFirst, test.keys...)
			for _, o := range test.fail {
				b.fails(t, o)
			}
			_, err := b.Acquire("m", test.tried)
			if err == nil || describe(err) != test.want {
				t.Errorf("err = %v, want %s", err, test.want)
			}
		})
	}
}

func TestPool_RestingTellsTheEarliestWake(t *testing.T) {
	b := newBench(RoundRobin, keys("a", "b")...)
	if _, _, resting := b.Resting("m"); resting {
		t.Error("a fresh pool rests")
	}
	b.fails(t, rate(9*time.Second))
	if _, _, resting := b.Resting("m"); resting {
		t.Error("the pool rests though b is free")
	}
	b.fails(t, rate(4*time.Second))
	until, class, resting := b.Resting("m")
	if !resting || class != llm.ClassRate || !until.Equal(epoch.Add(4*time.Second)) {
		t.Errorf("Resting = %v, %v, %v; want 4s after the start, rate_limited, true", until, class, resting)
	}
	if _, _, resting := b.Resting("other"); resting {
		t.Error("another model rests too")
	}
	b.pass(4 * time.Second)
	if _, _, resting := b.Resting("m"); resting {
		t.Error("the pool rests though b is due for its probe")
	}
}

func TestPool_ResetWakesKeyAndAccount(t *testing.T) {
	b := newBench(FillFirst, &Key{Name: "a", Account: NewState()})
	broke := b.must(t, "m")
	b.fails(t, Outcome{Class: llm.ClassPlanDead})
	broke.Release(Outcome{Class: llm.ClassBalance})
	if got := b.name(); got != "plan_dead +24h0m0s" {
		t.Errorf("before: %s, want plan_dead", got)
	}
	if !b.Reset("a") {
		t.Error("Reset does not know the key")
	}
	if got := b.name(); got != "a" {
		t.Errorf("after: %s, want a", got)
	}
	if b.Reset("nobody") {
		t.Error("Reset knows a key that does not exist")
	}
}

func TestPool_StateOutlivesThePool(t *testing.T) {
	k := &Key{Name: "a"}
	old := newBench(FillFirst, k)
	l := old.must(t, "m")
	old.fails(t, rate(7*time.Second))
	now := newBench(FillFirst, &Key{Name: "renamed", State: k.State})
	if got := now.name(); got != "rate_limited +7s" {
		t.Errorf("in the new pool: %s, want the rest of the old one", got)
	}
	l.Release(Outcome{Class: llm.ClassCanceled})
	if n := now.Snapshot(epoch)[0].InFlight; n != 0 {
		t.Errorf("in flight after the old lease ended: %d", n)
	}
}

func TestLease_ReleaseIsIdempotent(t *testing.T) {
	b := newBench(RoundRobin, keys("a")...)
	l := b.must(t, "m")
	l.Release(Outcome{})
	l.Release(rate(time.Hour))
	l.Accepted()
	got := b.Snapshot(epoch)[0]
	want := KeyStatus{Name: "a", Used: 1, Succeeded: 1, LastUsed: epoch}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
}

func TestLease_SecretIsFetchedOnDemand(t *testing.T) {
	boom := errors.New("vault is sealed")
	b := newBench(FillFirst, &Key{Name: "a", Secret: func(context.Context) (string, error) { return "", boom }})
	if _, err := b.must(t, "m").Secret(t.Context()); !errors.Is(err, boom) {
		t.Errorf("err = %v, want %v", err, boom)
	}
	b = newBench(FillFirst, keys("a")...)
	if s, err := b.must(t, "m").Secret(t.Context()); s != "" || err != nil {
		t.Errorf("without a secret: %q, %v", s, err)
	}
}

func TestPool_SnapshotShowsRestsWithoutSecrets(t *testing.T) {
	b := newBench(FillFirst, &Key{Name: "a", AccountName: "acme", Account: NewState(), MaxInFlight: 8})
	b.must(t, "m").Release(Outcome{TTFT: time.Second, Duration: 3 * time.Second, OutputTokens: 100})
	b.fails(t, rate(7*time.Second))
	want := []KeyStatus{{
		Name: "a", Account: "acme", Limit: 8, Used: 2, Succeeded: 1, Failed: 1,
		LastClass: llm.ClassRate, LastError: epoch, LastUsed: epoch,
		TTFT: time.Second, TokensPerSecond: 50,
		Rests: []Rest{{
			Model: "m", Account: true, Class: llm.ClassRate,
			Until: epoch.Add(7 * time.Second), Probe: epoch.Add(7 * time.Second),
		}},
	}}
	if d := cmp.Diff(want, b.Snapshot(epoch), equateTimes); d != "" {
		t.Errorf("Snapshot (-want +got):\n%s", d)
	}
}

var equateTimes = cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
