package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ceiling is how many may be inside a gate at once, how many may wait before
// it, and for how long.
type ceiling struct {
	inside  int64 // 0: no limit
	waiting int
	wait    time.Duration
}

var (
	errQueueFull = errors.New("the queue is full")
	errQueueLate = errors.New("no place became free in time")
	errClosed    = errors.New("the gate is closed")
)

// gate lets a number of exchanges in at once; the others wait in the order they
// came. The ceiling comes with whoever enters, because a reload may change it
// while others are inside. The zero value is open.
type gate struct {
	mu     sync.Mutex
	inside int64
	queue  []*waiter
	closed bool
}

// waiter stands in the queue until its turn has come.
type waiter struct {
	most int64 // inside, itself included
	turn chan error
}

// enter takes a place, waiting for one if need be. Whoever entered must leave.
func (g *gate) enter(ctx context.Context, c ceiling) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return errClosed
	}
	if c.inside <= 0 || g.inside < c.inside && len(g.queue) == 0 {
		g.inside++
		g.mu.Unlock()
		return nil
	}
	if len(g.queue) >= c.waiting || c.wait <= 0 {
		g.mu.Unlock()
		return errQueueFull
	}
	w := &waiter{most: c.inside, turn: make(chan error, 1)}
	g.queue = append(g.queue, w)
	g.mu.Unlock()
	return g.await(ctx, w, c.wait)
}

func (g *gate) await(ctx context.Context, w *waiter, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var err error
	select {
	case err := <-w.turn:
		return err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = errQueueLate
	}
	if !g.giveUp(w) {
		// The turn came at the same moment: it is the next one's.
		if <-w.turn == nil {
			g.leave()
		}
	}
	return err
}

// giveUp takes w out of the queue and reports whether it still stood there.
func (g *gate) giveUp(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, w)
	if i >= 0 {
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	return i >= 0
}

// leave gives a place back, to the first in the queue if it fits.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	for len(g.queue) > 0 && g.inside < g.queue[0].most {
		g.inside++
		g.queue[0].turn <- nil
		g.queue = slices.Delete(g.queue, 0, 1)
	}
}

// close turns away all who wait and all who will come.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, w := range g.queue {
		w.turn <- errClosed
	}
	g.queue = nil
}

// count returns how many are inside and how many wait.
func (g *gate) count() (inside int64, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, len(g.queue)
}
