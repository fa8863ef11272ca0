package telemetry

import "time"

// stopwatch turns a clock into a time that never goes back. It follows the
// monotonic clock, so that setting the wall clock changes nothing, except that
// it takes over a step forward of more than a second: that is a machine that
// slept, during which the monotonic clock stood still. Its caller's lock guards
// it.
type stopwatch struct {
	now     func() time.Time
	last    time.Time
	elapsed int64 // nanoseconds since 1970 by the wall clock at the start
}

// slept is from how large a step of the wall clock ahead of the monotonic one
// on the machine is taken to have slept.
const slept = time.Second

func newStopwatch(now func() time.Time) stopwatch {
	t := now()
	return stopwatch{now: now, last: t, elapsed: t.UnixNano()}
}

// read returns nanoseconds, never fewer than the last time.
func (s *stopwatch) read() int64 {
	t := s.now()
	s.elapsed += int64(passed(t.Sub(s.last), time.Duration(t.UnixNano()-s.last.UnixNano())))
	s.last = t
	return s.elapsed
}

// passed is how much time passed if the two clocks went on by so much.
func passed(monotonic, wall time.Duration) time.Duration {
	if wall > monotonic+slept {
		return wall
	}
	return max(monotonic, 0)
}
