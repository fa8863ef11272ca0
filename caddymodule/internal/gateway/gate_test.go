package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGate_LetsInAsManyAsTheCeilingSays(t *testing.T) {
	for name, tc := range map[string]struct {
		inside int64 // already
		want   error
	}{
		"limit - 1": {1, nil},
		"limit":     {2, nil},
		"limit + 1": {3, errQueueFull},
	} {
		t.Run(name, func(t *testing.T) {
			var g gate
			c := ceiling{inside: 3}
			for range tc.inside {
				if err := g.enter(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if err := g.enter(t.Context(), c); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestGate_QueueHoldsItsLengthAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		c := ceiling{inside: 1, waiting: 2, wait: time.Minute}
		if err := g.enter(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if err := g.enter(t.Context(), c); err != nil {
					t.Error(err)
				}
				g.leave()
			})
		}
		synctest.Wait()
		if err := g.enter(t.Context(), c); !errors.Is(err, errQueueFull) {
			t.Errorf("the third in a queue of two: %v", err)
		}
		g.leave()
		wait.Wait()
		if inside, waiting := g.count(); inside != 0 || waiting != 0 {
			t.Errorf("%d inside and %d waiting at the end", inside, waiting)
		}
	})
}

func TestGate_ServesInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		c := ceiling{inside: 1, waiting: 10, wait: time.Minute}
		_ = g.enter(t.Context(), c)
		var mu sync.Mutex
		var order []int
		for i := range 10 {
			go func() {
				if err := g.enter(context.Background(), c); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				g.leave()
			}()
			synctest.Wait()
		}
		g.leave()
		synctest.Wait()
		if !slices.IsSorted(order) || len(order) != 10 {
			t.Errorf("order %v", order)
		}
	})
}

func TestGate_WhoWaitsTooLongOrIsCalledOffLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		c := ceiling{inside: 1, waiting: 10, wait: 5 * time.Second}
		_ = g.enter(t.Context(), c)
		begun := time.Now()
		if err := g.enter(t.Context(), c); !errors.Is(err, errQueueLate) || time.Since(begun) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		gone := errors.New("the client went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gone) })
		if err := g.enter(ctx, c); !errors.Is(err, gone) {
			t.Errorf("called off: %v", err)
		}
		if _, waiting := g.count(); waiting != 0 {
			t.Errorf("%d still wait", waiting)
		}
		g.leave()
		if inside, _ := g.count(); inside != 0 {
			t.Errorf("%d inside", inside)
		}
	})
}

func TestGate_ClosingTurnsAwayAllWhoWaitAndAllWhoCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		c := ceiling{inside: 1, waiting: 10, wait: time.Hour}
		_ = g.enter(t.Context(), c)
		var waited error
		go func() { waited = g.enter(context.Background(), c) }()
		synctest.Wait()
		g.close()
		synctest.Wait()
		if !errors.Is(waited, errClosed) || !errors.Is(g.enter(t.Context(), c), errClosed) {
			t.Errorf("waited: %v", waited)
		}
	})
}

func TestGate_ALowerCeilingAfterAReloadHoldsForWhoComesNow(t *testing.T) {
	var g gate
	for range 5 {
		_ = g.enter(t.Context(), ceiling{inside: 5})
	}
	if err := g.enter(t.Context(), ceiling{inside: 2}); !errors.Is(err, errQueueFull) {
		t.Errorf("got %v", err)
	}
	for range 4 {
		g.leave()
	}
	if err := g.enter(t.Context(), ceiling{inside: 2}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestGate_CrowdNeverExceedsTheCeilingAndLosesNobody(t *testing.T) {
	var g gate
	c := ceiling{inside: 7, waiting: 1000, wait: time.Minute}
	var mu sync.Mutex
	inside, most, served := 0, 0, 0
	var wait sync.WaitGroup
	for range 500 {
		wait.Go(func() {
			if g.enter(context.Background(), c) != nil {
				return
			}
			mu.Lock()
			inside++
			most, served = max(most, inside), served+1
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			g.leave()
		})
	}
	wait.Wait()
	if most > 7 || served != 500 {
		t.Errorf("at most %d inside, %d served", most, served)
	}
}

func BenchmarkGate_EnterAndLeave(b *testing.B) {
	var g gate
	for b.Loop() {
		_ = g.enter(context.Background(), ceiling{inside: 10})
		g.leave()
	}
}
