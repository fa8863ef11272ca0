package control

import (
	"math"
	"sync"
	"time"
)

// LoadStep is how often a Load wants to be told.
const LoadStep = 10 * time.Second

// loadSteps is how many steps a Load remembers: a day.
const loadSteps = int64(24 * time.Hour / LoadStep)

// Load remembers how many exchanges were under way, for a day in steps of ten
// seconds. The zero Load is empty and ready; its memory of 35 kB is taken with
// the first note. It is safe for concurrent use.
type Load struct {
	mu   sync.Mutex
	kept []int32 // by step, in a ring; -1: nobody looked
	last int64   // the newest step
}

// Note says that n exchanges are under way. The largest number of a step counts.
func (l *Load) Note(now time.Time, n int64) {
	step := now.UnixNano() / int64(LoadStep)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept, l.last = make([]int32, loadSteps), step-loadSteps
	}
	if step <= l.last-loadSteps {
		return // the clock was set back by more than a day
	}
	for i := max(l.last+1, step-loadSteps+1); i <= step; i++ {
		l.kept[i%loadSteps] = -1
	}
	l.last = max(l.last, step)
	at := &l.kept[step%loadSteps]
	*at = max(*at, int32(min(n, math.MaxInt32)))
}

// Most returns the largest number of the steps that begin in the time from from
// to until, or NaN if nobody looked then.
func (l *Load) Most(from, until time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := (from.UnixNano() + int64(LoadStep) - 1) / int64(LoadStep)
	end := (until.UnixNano() + int64(LoadStep) - 1) / int64(LoadStep)
	most := int32(-1)
	for i := max(first, l.last-loadSteps+1); l.kept != nil && i < end && i <= l.last; i++ {
		most = max(most, l.kept[i%loadSteps])
	}
	if most < 0 {
		return math.NaN()
	}
	return float64(most)
}
