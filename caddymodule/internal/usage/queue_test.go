package usage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQueue_KeepsOrderAndCountsWhatDoesNotFit(t *testing.T) {
	at := func() time.Time { return noon }
	q := newQueue[int](4)
	q.heavy, q.weigh = 100, func(n *int) int64 { return int64(*n) }
	put := func(items ...int) (took []int) {
		for _, n := range items {
			if q.put(&n, at) {
				took = append(took, n)
			}
		}
		return took
	}
	if d := cmp.Diff([]int{40, 50, 10}, put(40, 50, 11, 10, 1)); d != "" {
		t.Errorf("taken by weight (-want +got)\n%s", d)
	}
	batch, dropped := q.take()
	if d := cmp.Diff([]int{40, 50, 10}, batch); d != "" || dropped != 2 {
		t.Errorf("%d dropped (-want +got)\n%s", dropped, d)
	}
	put(5, 6, 7)
	q.back(batch, dropped, noon) // 40 50 10, and no room for 5: it would weigh too much
	n, since := q.waiting()
	if lost, last := q.losses(); n != 3 || !since.Equal(noon) || lost != 5 || !last.Equal(noon) {
		t.Errorf("%d wait since %v, %d lost until %v; want 3 and 5", n, since, lost, last)
	}
	batch, dropped = q.take()
	if d := cmp.Diff([]int{40, 50, 10}, batch); d != "" || dropped != 5 {
		t.Errorf("%d dropped (-want +got)\n%s", dropped, d)
	}
	q.done(batch)
	if d := cmp.Diff([]int{1, 2, 3, 4}, put(1, 2, 3, 4, 5)); d != "" {
		t.Errorf("taken by number (-want +got)\n%s", d)
	}
}

func TestLedger_RecordingAllocatesNoMoreThanTheAttempts(t *testing.T) {
	l := open(t, quiet(tempPath(t)))
	defer holdWriter(&l.keeper)()
	r := benchRecord()
	if n := testing.AllocsPerRun(2000, func() { l.Observe(r) }); n > 1 {
		t.Errorf("%v allocations for each exchange, want one: its attempts", n)
	}
}

func TestQueue_WhatIsBeingWrittenIsNotWrittenYet(t *testing.T) {
	q := newQueue[int](10)
	put := func(n int) { q.put(&n, time.Now) }
	unwritten := func(want int) {
		t.Helper()
		if got := q.unwritten(); got != want {
			t.Errorf("%d unwritten, want %d", got, want)
		}
	}
	put(1)
	put(2)
	items, dropped := q.take()
	put(3)
	unwritten(3)
	q.back(items, dropped, time.Now())
	unwritten(3)
	items, _ = q.take()
	unwritten(3)
	q.done(items)
	unwritten(0)
}
