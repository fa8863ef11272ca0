package client

import (
	"math"
	"time"
)

// bucket is what is spent of one day's or one month's budget. The account's lock
// guards it.
type bucket struct {
	period  int64         // which day or month, counted from a fixed one
	filling uint64        // how often it was filled; reservations belong to one filling
	since   time.Duration // of this filling, on the account's monotonic clock
	// adrift says that it was filled because a window of monotonic time had passed,
	// while the calendar stood before period.
	adrift      bool
	spent, held int64 // micro-US-dollars
	refused     bool  // something would have cost more than was unspent
}

// calendar tells days or months apart.
type calendar struct {
	window time.Duration // the longest that one period lasts
	period func(time.Time) int64
	start  func(period int64) time.Time
}

var (
	days = calendar{
		window: 24 * time.Hour,
		period: func(t time.Time) int64 { return floorDiv(t.Unix(), 86400) },
		start:  func(p int64) time.Time { return time.Unix(p*86400, 0).UTC() },
	}
	months = calendar{
		window: 31 * 24 * time.Hour,
		period: func(t time.Time) int64 { y, m, _ := t.UTC().Date(); return int64(y)*12 + int64(m) - 1 },
		start: func(p int64) time.Time {
			return time.Date(int(floorDiv(p, 12)), time.Month(p-floorDiv(p, 12)*12+1), 1, 0, 0, 0, 0, time.UTC)
		},
	}
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// turn fills the bucket if its period is over at now. The period never goes back:
// while the calendar stands before it, the bucket is filled once a window of
// monotonic time instead; and having been filled so, it is not filled again
// within that window by the calendar's return.
func (b *bucket) turn(c *calendar, now instant) {
	p, elapsed := c.period(now.wall), now.mono-b.since
	over := elapsed >= c.window
	switch {
	case b.filling == 0, p > b.period && (over || !b.adrift):
		b.period = p
		b.fill(now, false)
	case p > b.period:
		b.period = p
	case over && (b.adrift || p < b.period):
		b.fill(now, p < b.period)
	case elapsed < 0:
		b.since = now.mono // the clock had no monotonic reading, and jumped back
	}
}

func (b *bucket) fill(now instant, adrift bool) {
	b.since, b.adrift, b.spent, b.held, b.refused = now.mono, adrift, 0, 0, false
	b.filling++
}

// raise makes what was spent in now's period at least that much. It was turned to
// now before; a bucket whose calendar is in doubt stays as it is.
func (b *bucket) raise(c *calendar, now instant, spent int64) {
	if !b.adrift && b.period == c.period(now.wall) {
		b.spent = max(b.spent, spent)
	}
}

// left is what may still be reserved of limit.
func (b *bucket) left(limit int64) int64 { return max(0, limit-addSaturating(b.spent, b.held)) }

// fits reports whether cost may be reserved. Once a budget is spent not even what
// costs nothing fits.
func (b *bucket) fits(cost, limit int64) bool {
	if b.spent >= limit || addSaturating(b.spent, cost) > limit {
		b.refused = true
		return false
	}
	return cost <= b.left(limit)
}

// reset is how long it takes until the bucket is filled.
func (b *bucket) reset(c *calendar, now instant) time.Duration {
	if b.adrift || c.period(now.wall) < b.period {
		return max(0, c.window-(now.mono-b.since))
	}
	return max(0, c.start(b.period+1).Sub(now.wall))
}

// retryInFlight is when to try again if what is under way may make room.
const retryInFlight = time.Second

// retry is how long one who wants cost should wait.
func (b *bucket) retry(cost, limit int64, c *calendar, now instant) time.Duration {
	if b.spent < limit && addSaturating(b.spent, cost) <= limit {
		return retryInFlight
	}
	return b.reset(c, now)
}

// settle replaces held by cost, if the bucket is still the one it was held in: what
// ends after midnight belongs to the day it began.
func (b *bucket) settle(filling uint64, held, cost int64) {
	if b.filling == filling {
		b.held = max(0, b.held-held)
		b.spent = addSaturating(b.spent, cost)
	}
}

// addSaturating adds two numbers that are not negative.
func addSaturating(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
