// Package quota asks providers, where that is free, whether keys that rest for
// a spent plan, for want of money or because they were refused may be used
// again: windows were seen to reopen long before the stated time, and money is
// paid in whenever somebody pays it in.
//
// An Asker's Round is called now and then, say once a minute. It asks about a
// key the sooner the sooner its rest ends, from once a minute to once in half
// an hour, never about a key that works, and only at the provider's own origin.
// It starts no goroutine.
package quota

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// Seat is a provider with its keys. A vendor without a Quota probe is never
// asked.
type Seat struct {
	Provider string
	Vendor   *provider.Vendor
	Keys     *keypool.Pool
	Client   *upstream.Client
}

// Asker asks. The zero value is ready. It is safe for concurrent use, though
// one Round at a time is enough.
type Asker struct {
	// Now is the clock. Default: clock.Now.
	Now func() time.Time
	// Logger is told what was found out. Default: nobody.
	Logger *slog.Logger

	mu   sync.Mutex
	next map[*keypool.State]time.Time // when to ask about a key again
}

const (
	askTimeout = 10 * time.Second
	maxAnswer  = 64 << 10
	soonest    = time.Minute
	latest     = 30 * time.Minute
)

// interval is how long to wait between two questions about a rest that still
// lasts that long.
func interval(left time.Duration) time.Duration { return min(max(left/10, soonest), latest) }

// Round asks about every key that rests and whose turn it is, one after
// another. It returns early when ctx ends.
func (a *Asker) Round(ctx context.Context, seats []Seat) {
	resting := map[*keypool.State]bool{}
	for _, s := range seats {
		if s.Vendor.Quota == nil {
			continue
		}
		for _, spent := range s.Keys.Spent() {
			resting[spent.Key.State] = true
			if ctx.Err() == nil && a.due(spent) {
				a.ask(ctx, s, spent.Key)
			}
		}
	}
	a.forget(resting)
}

func (a *Asker) now() time.Time {
	if a.Now == nil {
		return clock.Now()
	}
	return a.Now()
}

// due reports whether it is time to ask about a key. The first time is an
// interval after its rest was first seen.
func (a *Asker) due(spent keypool.Spent) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = map[*keypool.State]time.Time{}
	}
	now := a.now()
	at, known := a.next[spent.Key.State]
	if known && now.Before(at) {
		return false
	}
	a.next[spent.Key.State] = now.Add(interval(spent.Left))
	return known
}

// forget drops what is known of keys that do not rest any more.
func (a *Asker) forget(resting map[*keypool.State]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.next {
		if !resting[s] {
			delete(a.next, s)
		}
	}
}

// ask asks about one key and has the pool act on the answer.
func (a *Asker) ask(ctx context.Context, s Seat, k *keypool.Key) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	q, err := a.question(ctx, s, k)
	if err != nil {
		a.log("quota not known", s, k, "cause", err.Error())
		return
	}
	if s.Keys.Revise(k, q.Class, q.Until) {
		a.log("quota asked", s, k, "code", q.Class.String(), "until", q.Until)
	}
}

func (a *Asker) log(message string, s Seat, k *keypool.Key, more ...any) {
	if a.Logger != nil {
		a.Logger.Info(message, append([]any{"provider", s.Provider, "key", k.Name}, more...)...)
	}
}

func (a *Asker) question(ctx context.Context, s Seat, k *keypool.Key) (provider.Quota, error) {
	if k.Secret == nil {
		return provider.Quota{}, fmt.Errorf("the key has no secret")
	}
	secret, err := k.Secret(ctx)
	if err != nil {
		return provider.Quota{}, fmt.Errorf("reading the key: %w", err)
	}
	r, err := s.Vendor.Quota.Request(secret)
	if err != nil {
		return provider.Quota{}, fmt.Errorf("making the question: %w", err)
	}
	answer, err := s.Client.Do(ctx, &upstream.Request{Method: r.Method, URL: r.URL, Header: r.Header})
	if err != nil {
		return provider.Quota{}, fmt.Errorf("asking: %w", err)
	}
	defer answer.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return provider.Quota{}, fmt.Errorf("reading the answer: %w", err)
	case answer.Status != http.StatusOK:
		return provider.Quota{}, fmt.Errorf("status %d", answer.Status)
	}
	return s.Vendor.Quota.Read(body, a.now()), nil
}
