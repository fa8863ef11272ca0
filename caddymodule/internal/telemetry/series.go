package telemetry

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// series is the recent past of one scope: all of aimux, a provider or a target.
//
// What happens is counted in the slot of the present ten seconds only. When it
// is over, the slot is frozen into a point of the history and added to the slot
// of its minute and the slot of its five minutes; so counting touches one place,
// and reading a window adds up a dozen. Slots are made when first needed: a
// target nobody uses takes next to nothing.
type series struct {
	ten     ring // 1 m
	minutes ring // 5 m
	fives   ring // 1 h
	total   Counts
	codes   map[string]uint64 // of failures, since the start

	fine   points // ten seconds each, for an hour
	coarse points // a minute each, for a day
	open   int64  // number of the ten seconds being filled; 0: none
	minute int64  // number of the minute that is not among coarse yet; 0: none
}

// The steps of the rings, in nanoseconds.
const (
	tenSeconds  = int64(10 * time.Second)
	oneMinute   = int64(time.Minute)
	fiveMinutes = int64(5 * time.Minute)
)

func newSeries() *series {
	return &series{
		ten: newRing(tenSeconds, 6), minutes: newRing(oneMinute, 5), fives: newRing(fiveMinutes, 12),
		codes: map[string]uint64{}, fine: points{limit: 360}, coarse: points{limit: 1440},
	}
}

// slot is what happened in one step of a ring.
type slot struct {
	number         int64 // of the step since 1970
	counts         Counts
	ttft, duration histogram
}

func (s *slot) merge(other *slot) {
	s.counts.merge(&other.counts)
	s.ttft.merge(&other.ttft)
	s.duration.merge(&other.duration)
}

// ring is a window of time cut into slots, the oldest of which is reused.
type ring struct {
	step  int64
	slots []*slot
}

func newRing(step int64, n int) ring { return ring{step: step, slots: make([]*slot, n)} }

// at returns the slot of a step, emptied if it held an older one.
func (r *ring) at(number int64) *slot {
	p := &r.slots[number%int64(len(r.slots))]
	if *p == nil {
		*p = &slot{number: number}
	}
	if (*p).number != number {
		**p = slot{number: number}
	}
	return *p
}

// find returns the slot of a step, or nil if nothing happened in it.
func (r *ring) find(number int64) *slot {
	s := r.slots[number%int64(len(r.slots))]
	if s == nil || s.number != number {
		return nil
	}
	return s
}

// current returns the slot for what happens now.
func (s *series) current(now int64) *slot {
	s.roll(now)
	s.open, s.minute = now/tenSeconds, now/oneMinute
	return s.ten.at(s.open)
}

// roll closes the ten seconds and the minute that were being filled if their
// time is over.
func (s *series) roll(now int64) {
	if s.open != 0 && now/tenSeconds != s.open {
		done, began := s.ten.find(s.open), s.open*tenSeconds
		s.minutes.at(began / oneMinute).merge(done)
		s.fives.at(began / fiveMinutes).merge(done)
		s.fine.add(pointOf(done))
		s.open = 0
	}
	if s.minute != 0 && now/oneMinute != s.minute {
		s.coarse.add(pointOf(s.minutes.find(s.minute)))
		s.minute = 0
	}
}

// end counts how something ended.
func (s *series) end(now int64, class llm.Class, code string) *slot {
	current := s.current(now)
	current.counts.ended(class)
	s.total.ended(class)
	if class != llm.ClassNone {
		s.codes[code]++
	}
	return current
}

// window adds up the last w: 1 m, 5 m or 1 h. The oldest part is cut at the
// ring's step, so a minute is the last 50 to 60 seconds, five minutes the last
// 4 to 5 and an hour the last 55 to 60 minutes.
func (s *series) window(now int64, w time.Duration) slot {
	s.roll(now)
	var sum slot
	r := &s.ten
	switch {
	case w > 5*time.Minute:
		r = &s.fives
	case w > time.Minute:
		r = &s.minutes
	}
	last := now / r.step
	for number := last - int64(len(r.slots)) + 1; number <= last; number++ {
		if one := r.find(number); one != nil {
			sum.merge(one)
		}
	}
	if r != &s.ten && s.open != 0 {
		sum.merge(s.ten.find(s.open))
	}
	return sum
}
