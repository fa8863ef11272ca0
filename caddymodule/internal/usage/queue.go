package usage

import (
	"sync"
	"time"
)

// queue holds what is to be written, up to a bound. put never blocks.
type queue[T any] struct {
	max    int
	heavy  int64          // the bound on the items' weights, if they have any
	weigh  func(*T) int64 // in bytes; nil: items have no weight
	filled chan struct{}  // holds a token once something waits
	half   chan struct{}  // holds a token once half the bound waits

	mu      sync.Mutex
	items   []T
	out     int       // items taken and not yet given back, or done
	spare   []T       // an emptied batch, to be filled again
	since   time.Time // the oldest item's arrival
	taken   time.Time // since, of the batch taken last
	weight  int64     // of items
	dropped int64     // not yet taken
	lost    int64     // in all
	lostAt  time.Time // the last of them
}

func newQueue[T any](max int) *queue[T] {
	return &queue[T]{max: max, filled: make(chan struct{}, 1), half: make(chan struct{}, 1)}
}

// put adds an item, or counts it as dropped if the queue is full.
func (q *queue[T]) put(item *T, now func() time.Time) bool {
	q.mu.Lock()
	n := len(q.items)
	if n < q.max {
		q.items = append(q.items, *item)
	}
	if n >= q.max || !q.bears(&q.items[n]) { // weighed in place: item stays on the caller's stack
		clear(q.items[n:])
		q.items = q.items[:n]
		q.drop(1, now())
		q.mu.Unlock()
		return false
	}
	if n == 0 {
		q.since = now()
	}
	q.mu.Unlock()
	switch n {
	case 0:
		notify(q.filled)
	case q.max / 2:
		notify(q.half)
	}
	return true
}

// bears adds an item's weight, unless it is too much.
func (q *queue[T]) bears(item *T) bool {
	if q.weigh == nil {
		return true
	}
	w := q.weigh(item)
	if q.weight+w > q.heavy {
		return false
	}
	q.weight += w
	return true
}

// lose counts an item that came too late.
func (q *queue[T]) lose(now time.Time) {
	q.mu.Lock()
	q.drop(1, now)
	q.mu.Unlock()
}

// drop counts items that are lost. The lock is held.
func (q *queue[T]) drop(n int64, now time.Time) {
	q.dropped += n
	q.lost += n
	q.lostAt = now
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take empties the queue. dropped is how many items found it full since the
// last call.
func (q *queue[T]) take() (items []T, dropped int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	items, dropped = q.items, q.dropped
	q.items, q.spare, q.dropped = q.spare, nil, 0
	q.taken, q.weight, q.out = q.since, 0, len(items)
	for _, c := range [...]chan struct{}{q.filled, q.half} {
		select {
		case <-c:
		default:
		}
	}
	return items, dropped
}

// keepSpare is how many items a batch may have room for and still be kept for
// reuse: an idle ledger holds little memory.
const keepSpare = 2048

// done gives back a batch that was written.
func (q *queue[T]) done(items []T) {
	if cap(items) > keepSpare {
		items = nil
	}
	clear(items)
	q.mu.Lock()
	q.spare, q.out = items[:0], 0
	q.mu.Unlock()
}

// back puts a batch that could not be written in front again; what no longer
// fits is dropped, the newest first.
func (q *queue[T]) back(items []T, dropped int64, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items, q.since, q.weight, q.out = append(items, q.items...), q.taken, 0, 0
	fit := 0
	for fit < min(len(q.items), q.max) && q.bears(&q.items[fit]) {
		fit++
	}
	if over := int64(len(q.items) - fit); over > 0 {
		q.drop(over, now)
	}
	clear(q.items[fit:])
	q.items = q.items[:fit]
	q.dropped += dropped
}

// waiting returns how many items wait and since when the oldest of them does.
func (q *queue[T]) waiting() (n int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items), q.since
}

// unwritten returns how many items wait or are being written.
func (q *queue[T]) unwritten() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) + q.out
}

// losses returns how many items were lost so far, and when the last was.
func (q *queue[T]) losses() (n int64, last time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost, q.lostAt
}
