package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// source is a gateway for the feed alone. It counts how often it is asked.
type source struct {
	Metrics
	Providers
	asked   atomic.Int64
	broken  atomic.Bool
	changes atomic.Int64
	many    atomic.Int64
}

func (s *source) Now(context.Context, time.Duration) (Figures, error) {
	s.asked.Add(1)
	if s.broken.Load() {
		return Figures{}, errors.New("broken")
	}
	return Figures{Now: At(time.Now())}, nil
}

func (s *source) History(context.Context, time.Duration) (History, error) {
	s.asked.Add(1)
	return History{Time: []int64{1, 2}, Requests: Series{3, 4}}, nil
}

func (s *source) Get(_ context.Context, id string) (Provider, string, error) {
	s.asked.Add(1)
	return Provider{ID: id, Requests: s.changes.Add(1)}, "", nil
}

func (s *source) List(context.Context) ([]Provider, error) {
	s.asked.Add(1)
	out := make([]Provider, s.many.Load())
	for i := range out {
		out[i].ID = fmt.Sprint("p", i)
	}
	return out, nil
}

func feedOf(s *source) *Feed {
	return newFeed(Backend{Metrics: s, Providers: s}, time.Now, slog.New(slog.DiscardHandler))
}

// take returns what has come for a console so far, by type.
func take(s *subscriber) map[string][]string {
	out := map[string][]string{}
	for {
		select {
		case fr := <-s.frames:
			out[fr.kind] = append(out[fr.kind], string(fr.text))
		default:
			return out
		}
	}
}

func watch(t *testing.T, f *Feed) *subscriber {
	t.Helper()
	s, err := f.subscribe()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFeed_DoesNothingWhileNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.many.Store(3)
		f := feedOf(src)
		work := func() {
			f.Ended("zai", func() Request { t.Error("a request was written out"); return Request{} })
			f.Provider("zai")
			f.Alert(Alert{})
			f.Config("v1")
		}
		if n := testing.AllocsPerRun(100, work); n > 0 {
			t.Errorf("%v allocations", n)
		}
		time.Sleep(time.Minute)
		if n := src.asked.Load(); n != 0 || len(f.dirty) != 0 {
			t.Errorf("the gateway was asked %d times", n)
		}
		s := watch(t, f)
		time.Sleep(2500 * time.Millisecond)
		f.drop(s, "")
		synctest.Wait()
		before := src.asked.Load()
		time.Sleep(time.Minute)
		if n := src.asked.Load(); n != before || before == 0 {
			t.Errorf("after the last console left the gateway was asked %d times", n-before)
		}
		f.close()
	})
}

func TestFeed_TellsFiguresOnceASecondAndPingsWhenThereAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		f := feedOf(src)
		defer f.close()
		s := watch(t, f)
		time.Sleep(9500 * time.Millisecond)
		got := take(s)
		if len(got["metrics"]) != 10 || !strings.Contains(got["metrics"][0], `"point":{"time":2,"requests":4,`) {
			t.Errorf("%d messages: %.300s", len(got["metrics"]), got["metrics"])
		}
		src.broken.Store(true)
		time.Sleep(5 * time.Second)
		if got := take(s); len(got["ping"]) != 5 {
			t.Errorf("got %v", got)
		}
	})
}

func TestFeed_TellsTwentyRequestsASecondAndCountsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(&source{})
		defer f.close()
		s := watch(t, f)
		synctest.Wait()
		total := 0
		for range 5 {
			for range 1000 {
				f.Ended("", func() Request { return Request{ID: "r"} })
				time.Sleep(time.Millisecond)
				total++
			}
		}
		told, skipped := 0, 0
		for _, text := range take(s)["request"] {
			told++
			_, tail, _ := strings.Cut(text, `"skipped":`)
			n := 0
			fmt.Sscan(strings.TrimRight(tail, "}"), &n)
			skipped += n
		}
		left := int(f.skipped.Load())
		if told > 6*requestsPerSecond || told < 5*requestsPerSecond || told+skipped+left != total {
			t.Errorf("told %d, skipped %d, left %d of %d", told, skipped, left, total)
		}
	})
}

func TestFeed_TellsAProviderAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(&source{})
		defer f.close()
		s := watch(t, f)
		synctest.Wait()
		for range 3000 {
			f.Provider("zai")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := len(take(s)["provider"]); n < 3 || n > 4 {
			t.Errorf("%d messages in three seconds", n)
		}
	})
}

func TestFeed_TenThousandChangedProvidersAreSpreadOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.many.Store(10_000)
		f := feedOf(src)
		defer f.close()
		s := watch(t, f)
		for i := range 10_000 {
			f.Provider(fmt.Sprint("p", i))
		}
		time.Sleep(500 * time.Millisecond) // between two ticks
		take(s)
		for range 10 {
			time.Sleep(time.Second)
			if n := len(take(s)["provider"]); n > providersPerSecond {
				t.Errorf("%d in a second", n)
			}
			select {
			case <-s.lost:
				t.Fatal("the console was dropped")
			default:
			}
		}
	})
}

func TestFeed_WhatNobodyToldOfIsFoundWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{}
		src.many.Store(2)
		f := feedOf(src)
		defer f.close()
		s := watch(t, f)
		time.Sleep(7 * time.Second)
		take(s)
		src.many.Store(3) // p2 appears
		time.Sleep(6 * time.Second)
		if got := take(s)["provider"]; len(got) != 1 || !strings.Contains(got[0], `"id":"p2"`) {
			t.Errorf("got %q", got)
		}
	})
}

func TestFeed_WritesAMessageOnceForAllConsoles(t *testing.T) {
	f := feedOf(&source{})
	defer f.close()
	a, b := watch(t, f), watch(t, f)
	f.broadcast(frame{"x", []byte("text")})
	for {
		x, y := <-a.frames, <-b.frames
		if &x.text[0] != &y.text[0] {
			t.Errorf("%s was written twice", x.kind)
		}
		if x.kind == "x" {
			return
		}
	}
}

func TestFeed_DropsTheSlowAndKeepsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(&source{})
		defer f.close()
		slow, quick := watch(t, f), watch(t, f)
		for range 3 * pending {
			time.Sleep(time.Second)
			take(quick)
		}
		select {
		case <-slow.lost:
			if slow.why != "too slow" || len(slow.frames) > pending {
				t.Errorf("dropped for %q with %d messages", slow.why, len(slow.frames))
			}
		default:
			t.Error("a console that reads nothing is still there")
		}
		select {
		case <-quick.lost:
			t.Error("the other one was dropped as well")
		default:
		}
		if f.open.Load() != 1 {
			t.Errorf("%d consoles", f.open.Load())
		}
	})
}

func TestFeed_OpensNoMoreThanItCanFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(&source{})
		for range maxFeeds {
			watch(t, f)
		}
		var e *Error
		if _, err := f.subscribe(); !errors.As(err, &e) || e.Status != 429 {
			t.Errorf("got %v", err)
		}
		f.close()
		if _, err := f.subscribe(); !errors.As(err, &e) || e.Status != 503 {
			t.Errorf("after close: %v", err)
		}
	})
}

// relaying opens a feed with a session on clocks that the bubble moves.
func relaying(t *testing.T) (a *auth.Authority, token string, ended chan string) {
	t.Helper()
	a, err := auth.Open(auth.Options{Path: filepath.Join(t.TempDir(), "users.json"), Cost: auth.Cost{MemoryKiB: 64, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddUser(t.Context(), "ann", "viewer", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	token, who, err := a.Login(t.Context(), auth.Attempt{User: "ann", Password: "correct horse battery", IP: netip.IPv6Loopback()})
	if err != nil {
		t.Fatal(err)
	}
	f := feedOf(&source{})
	c := &Console{o: Options{Auth: a, Now: time.Now}, feed: f}
	k := &call{c: c, r: httptest.NewRequest("GET", "/ws", nil), who: who, token: token, route: &route{role: auth.Viewer}}
	sub := watch(t, f)
	ended = make(chan string, 1)
	go func() {
		why := k.relay(context.Background(), sub, func(frame) error { return nil })
		f.close()
		ended <- why
	}()
	return a, token, ended
}

// caddy-security CVE-2024-21492, for the feed: it ends with its session.
func TestFeed_EndsWithItsSession(t *testing.T) {
	cases := map[string]struct {
		end    func(*auth.Authority, string)
		within time.Duration
	}{
		"logout":   {func(a *auth.Authority, token string) { a.Logout(token) }, aliveEvery},
		"removed":  {func(a *auth.Authority, _ string) { _, _ = a.Reset(context.Background(), "ann", "") }, aliveEvery + time.Second},
		"left on":  {func(*auth.Authority, string) {}, auth.IdleTimeout + aliveEvery},
		"used all": {func(a *auth.Authority, token string) { go use(a, token) }, auth.AbsoluteTimeout + aliveEvery},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, token, ended := relaying(t)
				begun := time.Now()
				c.end(a, token)
				if why := <-ended; why != "session ended" || time.Since(begun) > c.within {
					t.Errorf("%q after %v", why, time.Since(begun))
				}
			})
		})
	}
}

// use keeps a session busy until it ends.
func use(a *auth.Authority, token string) {
	for {
		time.Sleep(time.Minute)
		if _, ok := a.Session(token, true); !ok {
			return
		}
	}
}

func BenchmarkEnded(b *testing.B) {
	build := func() Request { return Request{ID: "req", Provider: "zai"} }
	b.Run("nobody looks", func(b *testing.B) {
		f := feedOf(&source{})
		b.ReportAllocs()
		for b.Loop() {
			f.Ended("zai", build)
		}
	})
	b.Run("somebody looks", func(b *testing.B) {
		f := feedOf(&source{})
		defer f.close()
		s, err := f.subscribe()
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			for {
				select {
				case <-s.frames:
				case <-s.lost:
					return
				}
			}
		}()
		b.ReportAllocs()
		for b.Loop() {
			f.Ended("zai", build)
		}
	})
}

func TestFeed_OfALocalCommandNeedsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feedOf(&source{})
		c := &Console{o: Options{Now: time.Now}, feed: f}
		who := auth.Identity{User: "local", Role: auth.Admin}
		r := httptest.NewRequest("GET", "/api/events", nil)
		k := &call{c: c, r: r.WithContext(context.WithValue(r.Context(), localKey{}, who)), who: who, route: &route{role: auth.Viewer}}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		begun := time.Now()
		if why := k.relay(ctx, watch(t, f), func(frame) error { return nil }); why != "" || time.Since(begun) < 10*time.Minute {
			t.Errorf("%q after %v", why, time.Since(begun))
		}
		f.close()
	})
}
