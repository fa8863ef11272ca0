package client

import (
	"math"
	"time"
)

// meter measures a rate as the generic cell rate algorithm does, written as a
// vessel that leaks: what is used fills it, time empties it at the allowed rate,
// and what would overflow the burst must wait. The account's lock guards it.
type meter struct {
	level float64       // what was used and has not leaked away
	at    time.Duration // when level was true, on the account's monotonic clock
}

// maxDebt is how long, at most, an exchange that used more than the burst keeps
// the following ones waiting.
const maxDebt = time.Hour

// slack forgives what floating point loses.
const slack = 1e-6

// leak empties the meter up to now. A clock that runs back, which a monotonic one
// does not, takes the level along: the wait stays as long as it was.
func (m *meter) leak(now time.Duration, perMinute int64) {
	elapsed := now - m.at
	if elapsed > 0 {
		m.level = max(0, m.level-elapsed.Seconds()*float64(perMinute)/60)
	}
	if elapsed > 0 || elapsed < -time.Second {
		m.at = now
	}
}

// wait returns for how long n more do not fit; 0 means they fit now. More than
// the burst fits when the meter is empty: else it never would.
func (m *meter) wait(n, perMinute, burst int64) time.Duration {
	over := m.level + float64(min(n, burst)) - float64(burst)
	if over <= slack {
		return 0
	}
	return drainTime(over, perMinute)
}

// add counts n, which is negative for what is given back, and returns by how
// much the level rose: less than n, if there is more than is ever held against
// those who follow.
func (m *meter) add(n float64, perMinute, burst int64) (rose float64) {
	before, most := m.level, float64(burst)+maxDebt.Minutes()*float64(perMinute)
	m.level = min(max(0, m.level+n), most)
	return m.level - before
}

func (m *meter) figure(perMinute, burst int64) Figure {
	return Figure{
		Limit:     perMinute,
		Remaining: max(0, int64(float64(burst)-m.level+slack)),
		Reset:     drainTime(m.level, perMinute),
	}
}

// drainTime is how long amount takes to leak away, rounded up.
func drainTime(amount float64, perMinute int64) time.Duration {
	return time.Duration(math.Ceil(amount * float64(time.Minute) / float64(perMinute)))
}
