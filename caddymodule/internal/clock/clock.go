// Package clock tells the time in a way that a wall clock set back or forth
// does not upset. Rests, breakers, budgets and speeds are kept as moments; were
// those read off the wall clock, a step back of a day would make every rest a
// day longer.
//
// The time it tells begins as the wall clock's and goes on with the monotonic
// clock, so it never goes back. A wall clock that runs ahead by more than
// Slack is followed: monotonic clocks stand still while a laptop sleeps, and
// what was to rest until noon has rested when it wakes at one. A step forward
// by mistake therefore ends rests early, which costs one probe each, and is not
// taken back before the process ends.
package clock

import (
	"sync/atomic"
	"time"
)

// Slack is how far the wall clock may be ahead before it is followed. It is
// more than a clock's correction by a time server moves at once.
const Slack = 2 * time.Second

// Clock tells the time. The zero value is not ready; use New.
type Clock struct {
	base time.Time
	// read returns the time since base by the wall clock and by the monotonic
	// clock.
	read  func() (wall, mono time.Duration)
	ahead atomic.Int64 // of the monotonic clock, in nanoseconds
}

// New returns a clock that begins with the wall clock's time.
func New() *Clock {
	base := time.Now()
	start := base.UnixNano()
	return &Clock{base: base.Round(0), read: func() (wall, mono time.Duration) {
		now := time.Now()
		return time.Duration(now.UnixNano() - start), now.Sub(base)
	}}
}

// Now returns the time. It has no monotonic reading and needs none: two of
// them are as far apart as the moments were.
func (c *Clock) Now() time.Time {
	wall, mono := c.read()
	ahead := time.Duration(c.ahead.Load())
	if step := wall - mono; step > ahead+Slack {
		c.ahead.CompareAndSwap(int64(ahead), int64(step))
		ahead = time.Duration(c.ahead.Load())
	}
	return c.base.Add(mono + ahead)
}

var process = New()

// Now returns the time by the process's clock.
func Now() time.Time { return process.Now() }
